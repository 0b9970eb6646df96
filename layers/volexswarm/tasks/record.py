"""Keeps what every step of a task's state machine was given and answered, and tells it while it happens.

A step that has answered is not done a second time: the machine repeats what it is not sure of, and gets the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol

from volexswarm.clock import Clock
from volexswarm.errors import Conflict, InvalidInput, NotFound, require
from volexswarm.messages import Event, TaskStatus, TaskStepped
from volexswarm.ports import Store, Transaction

SOURCE = "meta"

KEPT: Final = timedelta(days=90)
"""So long after a task's end its steps are kept with all that went in and out; longer than any figure looks back on them (a day),
and than a message can come again. The journal keeps what was told of them."""

Outcome = Literal["done", "missing", "failed"]

_WITHDRAWN = (TaskStatus.UNCONFIRMED, TaskStatus.WAITING, TaskStatus.CANCELED, TaskStatus.EXPIRED)


@dataclass(frozen=True)
class StepKey:
    """One step of one attempt; `symbol` is None where it is about the whole task."""

    task_id: str
    attempt: int
    step: str
    symbol: str | None

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> StepKey:
        """Read from what the state machine gives to a step. Raises InvalidInput if something is missing."""
        for field, kind in (("task_id", str), ("attempt", int), ("step", str)):
            require(
                isinstance(event.get(field), kind), field, event.get(field), f"{kind.__name__}, from the state machine"
            )
        question = event.get("question")
        symbol = question.get("symbol") if isinstance(question, dict) else event.get("symbol")
        return cls(event["task_id"], event["attempt"], event["step"], symbol)


@dataclass(frozen=True)
class Begun:
    """A step's beginning: which run of it this is, and the answer of an earlier one if there is any."""

    run: int
    at: datetime
    answer: Mapping[str, Any] | None


class StepTransaction(Transaction, Protocol):
    """Stores steps."""

    def standing(self, task_id: str) -> tuple[TaskStatus, int]:
        """The task's status and attempt, held to the end of the transaction against a change. Raises NotFound."""
        ...

    def begin_step(self, key: StepKey, function: str, given: Mapping[str, Any], at: datetime) -> Begun:
        """Count one more run, unless the step has answered."""
        ...

    def end_step(
        self, key: StepKey, status: Outcome, detail: str, answer: Mapping[str, Any] | None, at: datetime
    ) -> None: ...

    def forget_steps(self, before: datetime) -> int:
        """Delete the steps of tasks that ended before, but for the deliberations on what was traded; how many.

        An order's story leads over the deliberation to what its trade was decided by.
        """
        ...


class StepRecord:
    """Records the steps of tasks.

    Parameters
    ----------
    store : Store[StepTransaction]
    clock : Clock
        Wall time.
    """

    def __init__(self, store: Store[StepTransaction], clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def begin(self, key: StepKey, function: str, given: Mapping[str, Any], *, repeats: bool = False) -> Begun:
        """Note that the step begins, and tell it.

        Parameters
        ----------
        function : str
            Who does it, by its name in the registry.
        given : mapping
            What the state machine gave, as JSON.
        repeats : bool
            The step is asked again and again, and answers anew each time.

        Raises
        ------
        Conflict
            If the task has been withdrawn, or this attempt is not the one at work.
        InvalidInput
            If there is no such task.
        """
        now = self._clock.now()
        with self._store.transaction() as tx:
            try:
                status, attempt = tx.standing(key.task_id)
            except NotFound as missing:
                raise InvalidInput("task_id", key.task_id, "the id of a task that was submitted") from missing
            if attempt != key.attempt or status in _WITHDRAWN:
                raise Conflict(f"attempt {key.attempt} of the task is not at work: attempt {attempt} is {status}")
            begun = tx.begin_step(key, function, given, now)
            if begun.answer is not None and not repeats:
                return begun
            tx.publish(self._told(key, begun.run, "started", f"{function} began", None, now))
            return Begun(begun.run, now, None)

    def end(self, key: StepKey, begun: Begun, status: Outcome, detail: str, answer: Mapping[str, Any] | None) -> None:
        """Note what the step answered, or why it did not, and tell it."""
        now = self._clock.now()
        with self._store.transaction() as tx:
            tx.end_step(key, status, detail, answer, now)
            tx.publish(self._told(key, begun.run, status, detail, (now - begun.at).total_seconds(), now))

    def forget(self) -> None:
        """Delete the steps of tasks that ended long ago. Raises Unavailable."""
        with self._store.transaction() as tx:
            tx.forget_steps(self._clock.now() - KEPT)

    def _told(
        self,
        key: StepKey,
        run: int,
        status: Literal["started", "done", "missing", "failed"],
        detail: str,
        seconds: float | None,
        now: datetime,
    ) -> Event[TaskStepped]:
        stepped = TaskStepped(
            task_id=key.task_id,
            attempt=key.attempt,
            step=key.step,
            symbol=key.symbol,
            status=status,
            detail=detail,
            seconds=seconds,
        )
        identity = f"{key.task_id}/{key.attempt}/{key.step}/{key.symbol or ''}/{run}/{status}"
        return Event.root(stepped, source=SOURCE, subject=stepped.key, identity=identity, time=now)
