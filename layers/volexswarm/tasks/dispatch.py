"""Starts tasks: by priority, then age, no more at once than the policy says, and none before what it depends on.

First it is stored that a task runs, then the state machine is asked to run it, under a name that can be used once. Whatever
happens in between, asking again does no harm, and the keeper asks again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from volexswarm.clock import Clock
from volexswarm.errors import Unavailable
from volexswarm.messages import Event, TaskChanged, TaskStatus
from volexswarm.policies import in_force
from volexswarm.ports import Store
from volexswarm.tasks.life import SYSTEM, move
from volexswarm.tasks.model import Task
from volexswarm.tasks.policy import TasksPolicy
from volexswarm.tasks.ports import Flows, TaskTransaction

logger = logging.getLogger(__name__)

_UNSUCCESSFUL = frozenset({TaskStatus.REJECTED, TaskStatus.FAILED, TaskStatus.CANCELED, TaskStatus.EXPIRED})


@dataclass(frozen=True)
class _Waiting:
    task: Task
    dependencies: Sequence[tuple[str, TaskStatus, str]]

    @property
    def is_ready(self) -> bool:
        return all(status is TaskStatus.SUCCEEDED for _, status, _ in self.dependencies)

    @property
    def obstacle(self) -> str | None:
        """Why it will never be ready, if that is so."""
        for task_id, status, reason in self.dependencies:
            if status in _UNSUCCESSFUL:
                return f"it depends on task {task_id}, which is {status}: {reason}"
        return None


def _urgency(task: Task) -> tuple[int, datetime]:
    return task.priority.rank, task.created_at


class Dispatcher:
    """Starts what may start.

    Parameters
    ----------
    store : Store[TaskTransaction]
    flows : Flows
        The state machine.
    clock : Clock
        Wall time.
    """

    def __init__(self, *, store: Store[TaskTransaction], flows: Flows, clock: Clock) -> None:
        self._store = store
        self._flows = flows
        self._clock = clock

    def on_change(self, event: Event[TaskChanged]) -> None:
        """A task that waits may start; one that ended makes room, or frees what depends on it. Raises as `dispatch`."""
        if event.data.after is TaskStatus.WAITING or event.data.after.is_final:
            self.dispatch()

    def dispatch(self) -> None:
        """Start whatever may start at this moment, and what was to be started and is not known to have been.

        Raises
        ------
        Unavailable
            If the database does not answer: the change comes again. A state machine that is away is asked again by the keeper.
        """
        now = self._clock.now()
        with self._store.transaction() as tx:
            tx.hold_dispatch()
            self._choose(tx, now)
            undispatched = sorted((task for task in tx.running() if task.dispatched_at is None), key=_urgency)
        for task in undispatched:
            try:
                self._flows.start(task.flow, {"task_id": task.id, "attempt": task.attempt})
            except Unavailable as away:
                logger.warning("task %s is started by the keeper, when there is who runs it: %s", task.id, away)
                return
            with self._store.transaction() as tx:
                tx.mark_dispatched(task.id, task.attempt, now)

    def look_after(self) -> None:
        """Dispatch, after ending or restarting what runs and has no execution (any more)."""
        try:
            self._revisit()
        except Unavailable as away:
            logger.warning("executions are not looked at: %s", away)
        self.dispatch()

    def _choose(self, tx: TaskTransaction, now: datetime) -> None:
        policy = in_force(TasksPolicy, tx.newest_policy())
        if policy.policy is None:
            logger.error("no task is started: %s", policy.check.value)
            return
        at_work = sum(task.status is TaskStatus.RUNNING for task in tx.running())
        for waiting in (_Waiting(task, dependencies) for task, dependencies in tx.waiting()):
            task, obstacle = waiting.task, waiting.obstacle
            if obstacle is not None:
                move(tx, task, TaskStatus.FAILED, actor=SYSTEM, reason=obstacle, at=now)
            elif task.is_late(now):
                move(tx, task, TaskStatus.EXPIRED, actor=SYSTEM, reason="its deadline passed before it started", at=now)
            elif waiting.is_ready and at_work < policy.policy.max_running:
                reason = f"attempt {task.attempt} began"
                move(tx, task, TaskStatus.RUNNING, actor=SYSTEM, reason=reason, at=now, started_at=now)
                at_work += 1

    def _revisit(self) -> None:
        with self._store.transaction() as tx:
            dispatched = [task for task in tx.running() if task.dispatched_at is not None]
        for task in dispatched:
            state, words = self._flows.state(task.flow)
            if state != "running":
                self._settle(task, state == "ended", words)

    def _settle(self, seen: Task, ended: bool, words: str) -> None:
        """Of a task whose execution is over, or lost with the service that ran it."""
        now = self._clock.now()
        with self._store.transaction() as tx:
            task = tx.task(seen.id, held=True)
            if (task.attempt, task.dispatched_at) != (seen.attempt, seen.dispatched_at) or task.status.is_final:
                return
            if not ended:
                logger.warning(
                    "the execution of task %s is lost: it is started again, its steps answer as before", task.id
                )
                tx.mark_dispatched(task.id, task.attempt, None)
                return
            reason = f"its execution ended before it had: {words}"
            move(tx, task, TaskStatus.FAILED, actor=SYSTEM, reason=reason, at=now)
