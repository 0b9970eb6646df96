"""Where tasks are taken, confirmed, canceled and tried again, and where a person's verdict on one is heard.

What moves money and came in words is shown to its author first: nothing of it happens until the author says that this was meant.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from volexswarm.clock import Clock
from volexswarm.errors import Conflict, InvalidInput, NotFound, Unavailable, require
from volexswarm.messages import NAMESPACE, ApprovalDecided, Event, Priority, TaskStatus
from volexswarm.policies import in_force
from volexswarm.ports import Store
from volexswarm.tasks.life import move, told
from volexswarm.tasks.model import Approval, RaisedTrade, Task, TradeOutcome, plain
from volexswarm.tasks.policy import TasksPolicy
from volexswarm.tasks.ports import Flows, TaskTransaction, Trader
from volexswarm.tasks.record import SOURCE
from volexswarm.tasks.requests import Request, fitted
from volexswarm.tasks.understanding import Interpreter, Markets, Understanding, understand

logger = logging.getLogger(__name__)

MAX_DEPENDENCIES: Final = 20
MAX_KEY: Final = 200
MAX_REASON: Final = 500

Verdict = Literal["approved", "rejected"]


@dataclass(frozen=True)
class Assignment:
    """What is submitted: a typed `request` or plain `words`, one of them.

    It starts when every task it depends on has succeeded. After `deadline` it is not started, and moves no money.
    """

    request: Request | None = None
    words: str | None = None
    priority: Priority = Priority.MEDIUM
    deadline: datetime | None = None
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Submitted:
    """The task; `repeated` when the same had been submitted under this key before."""

    task: Task
    repeated: bool


@dataclass(frozen=True)
class Canceled:
    """A canceled task, and in words what it had done until then."""

    task: Task
    done: tuple[str, ...]


class TaskDesk:
    """Takes tasks and people's words about them.

    Parameters
    ----------
    store : Store[TaskTransaction]
    flows : Flows
        The state machine, to be stopped or answered; that it is away never keeps a decision from being stored.
    trader : Trader
        The desk, for the orders of a canceled task.
    clock : Clock
        Wall time.
    markets : Markets
        What is traded here.
    interpreter : Interpreter | None
        A model that reads what the usual forms don't cover.
    """

    def __init__(
        self,
        *,
        store: Store[TaskTransaction],
        flows: Flows,
        trader: Trader,
        clock: Clock,
        markets: Markets,
        interpreter: Interpreter | None = None,
    ) -> None:
        self._store = store
        self._flows = flows
        self._trader = trader
        self._clock = clock
        self._markets = markets
        self._interpreter = interpreter

    def submit(self, assignment: Assignment, *, requested_by: str, idempotency_key: str) -> Submitted:
        """Take a task. The same person's same key gives the same task again, and nothing new.

        Raises
        ------
        InvalidInput
            If it can't be understood, names what is not there, or its deadline has passed.
        Conflict
            If the key was used for another task.
        Unavailable
            If nothing can be stored.
        """
        require(0 < len(idempotency_key) <= MAX_KEY, "idempotency_key", idempotency_key, f"1 to {MAX_KEY} characters")
        if (assignment.request is None) == (assignment.words is None):
            given = "neither" if assignment.words is None else "both"
            raise InvalidInput("task", given, "either a typed request or words")
        with self._store.transaction() as tx:
            known = tx.hold_key(requested_by, idempotency_key)
        if known is not None:  # before a model reads the words again: it would cost, and may read them otherwise
            return self._again(known, assignment)
        found = self._understood(assignment)
        now = self._clock.now()
        with self._store.transaction() as tx:
            known = tx.hold_key(requested_by, idempotency_key)
            if known is not None:  # the same request came twice at once
                return self._again(known, assignment)
            task = self._task(tx, assignment, found, requested_by, idempotency_key, now)
            require(not task.is_late(now), "deadline", assignment.deadline, "a moment that is still to come")
            self._check_dependencies(tx, assignment.depends_on)
            tx.add_task(task, requested_by)
            tx.publish(told(task, None, now))
        return Submitted(task, repeated=False)

    def confirm(self, task_id: str, by: str) -> Task:
        """Its author says that this was meant: the task may start. Raises NotFound, or Conflict if it can't be confirmed."""
        now = self._clock.now()
        with self._store.transaction() as tx:
            task = tx.task(task_id, held=True)
            if task.requested_by != by:
                raise Conflict(f"task {task_id} was asked for by {task.requested_by}, who alone can say what was meant")
            if task.status is TaskStatus.UNCONFIRMED and task.confirm_by is not None and now >= task.confirm_by:
                raise Conflict(f"task {task_id} was to be confirmed by {task.confirm_by:%H:%M:%S} UTC: submit it again")
            if task.status is not TaskStatus.UNCONFIRMED:
                raise Conflict(f"task {task_id} is {task.status}: only an unconfirmed one is confirmed")
            return move(tx, task, TaskStatus.WAITING, actor=by, reason=f"{by} confirmed it", at=now)

    def cancel(self, task_id: str, by: str, reason: str) -> Canceled:
        """Stop a task: what has not been done is not done any more; its open orders are taken off the exchange.

        Raises
        ------
        NotFound
        InvalidInput
            If no reason is given.
        Conflict
            If it has ended.
        """
        _require_reason(reason)
        now = self._clock.now()
        with self._store.transaction() as tx:
            task = tx.task(task_id, held=True)
            canceled = move(tx, task, TaskStatus.CANCELED, actor=by, reason=f"{by}: {reason}", at=now)
            trades = tx.trades(task_id, task.attempt)
            outcomes = tx.outcomes([trade.signal_id for trade in trades if trade.signal_id])
        self._stop(canceled)
        return Canceled(canceled, tuple(self._withdraw(trades, outcomes, by, reason)))

    def retry(self, task_id: str, by: str) -> Task:
        """Try a task again that ended without success, as its next attempt.

        Raises
        ------
        NotFound
        Conflict
            If it has not ended, has succeeded, is past its deadline, or has traded: money must not move twice. Or if it moves
            money, came in words, and its author is not the one who asks.
        """
        now = self._clock.now()
        with self._store.transaction() as tx:
            task = tx.task(task_id, held=True)
            if not task.status.is_final or task.status is TaskStatus.SUCCEEDED:
                raise Conflict(f"task {task_id} is {task.status}: only what ended without success is tried again")
            if task.is_late(now):
                raise Conflict(f"the deadline of task {task_id} has passed: submit a new task")
            if task.words is not None and task.kind.moves_money and task.requested_by != by:
                raise Conflict(f"{task.requested_by}, who wrote “{task.words}”, alone can say that it is meant again")
            moved_money = [trade for trade in tx.trades(task_id) if trade.intended_at and trade.refusal is None]
            if moved_money:
                what = "; ".join(trade.in_words for trade in moved_money)
                raise Conflict(f"task {task_id} has traded already ({what}): submit a new task for what is left")
            return move(
                tx,
                task,
                TaskStatus.WAITING,
                actor=by,
                reason=f"{by} tries it again",
                at=now,
                attempt=task.attempt + 1,
                started_at=None,
                dispatched_at=None,
                explanation=(),
            )

    def decide(self, approval_id: str, verdict: Verdict, by: str, reason: str) -> Approval:
        """Hear a person's verdict on what a task asks. The same verdict of the same person again changes nothing.

        Raises
        ------
        NotFound
        InvalidInput
            If no reason is given.
        Conflict
            If it has been decided, its time is over, or the task's author may not be the one who approves.
        """
        require(verdict in ("approved", "rejected"), "verdict", verdict, "approved or rejected")
        _require_reason(reason)
        now = self._clock.now()
        with self._store.transaction() as tx:
            approval = tx.approval(approval_id, held=True)
            if approval.verdict is not None:
                if (approval.verdict, approval.actor) == (verdict, by):
                    return approval
                raise Conflict(f"approval {approval_id} was {approval.verdict} by {approval.actor}: {approval.reason}")
            if now >= approval.expires_at:
                raise Conflict(f"approval {approval_id} expired at {approval.expires_at:%H:%M:%S} UTC")
            task = tx.task(approval.task_id, held=True)
            _check_approver(tx, task, verdict, by)
            decided = conclude_approval(tx, task, replace(approval, verdict=verdict, actor=by, reason=reason), now)
        self._answer(decided)
        return decided

    def _again(self, known: Task, assignment: Assignment) -> Submitted:
        """What was submitted under this key. Raises Conflict if it was something else."""
        as_typed = None if assignment.request is None else self._understood(assignment).request
        if _terms(known) != _terms(assignment) or as_typed not in (None, known.request):
            raise Conflict("this idempotency key was used for another task: take a new one for a new task")
        return Submitted(known, repeated=True)

    def _understood(self, assignment: Assignment) -> Understanding:
        request, words = assignment.request, assignment.words
        if words is not None:
            found = understand(words, self._markets, self._interpreter)
        else:
            assert request is not None  # one of the two is given
            found = Understanding(request)
        return replace(found, request=fitted(found.request, self._markets.symbols, self._markets.currency))

    def _task(
        self,
        tx: TaskTransaction,
        assignment: Assignment,
        found: Understanding,
        requested_by: str,
        key: str,
        now: datetime,
    ) -> Task:
        request = found.request
        deadline = None if assignment.deadline is None else assignment.deadline.astimezone(UTC)
        must_be_confirmed = assignment.words is not None and request.kind.moves_money
        status = TaskStatus.UNCONFIRMED if must_be_confirmed else TaskStatus.WAITING
        reason = f"{requested_by} must confirm that this was meant" if must_be_confirmed else "waits for its turn"
        policy = in_force(TasksPolicy, tx.newest_policy()).policy or TasksPolicy()
        # a name may hold anything: its length keeps name and key apart
        identity = f"task/{len(requested_by)}/{requested_by}/{key}"
        return Task(
            id=str(uuid.uuid5(NAMESPACE, identity)),
            request=request,
            priority=assignment.priority,
            status=status,
            attempt=1,
            requested_by=requested_by,
            idempotency_key=key,
            understood=request.in_words if found.by == "words" else f"{request.in_words} (read by {found.by})",
            reason=reason,
            created_at=now,
            words=assignment.words,
            ignored=found.ignored,
            depends_on=tuple(dict.fromkeys(assignment.depends_on)),
            deadline=deadline,
            confirm_by=now + timedelta(minutes=policy.confirm_minutes) if must_be_confirmed else None,
        )

    def _check_dependencies(self, tx: TaskTransaction, depends_on: Sequence[str]) -> None:
        """A task can only name tasks that are there, and a new one is not: so no circle can ever close."""
        require(len(depends_on) <= MAX_DEPENDENCIES, "depends_on", len(depends_on), f"at most {MAX_DEPENDENCIES} tasks")
        unknown = tx.unknown(depends_on)
        require(not unknown, "depends_on", ", ".join(unknown), "ids of tasks that were submitted before")

    def _stop(self, task: Task) -> None:
        if task.dispatched_at is None:
            return
        try:
            self._flows.stop(task.flow, task.reason)
        except Unavailable as away:  # every further step finds the task canceled, and does nothing
            logger.warning("the flow of task %s goes on to its next step: %s", task.id, away)

    def _withdraw(
        self, trades: Sequence[RaisedTrade], outcomes: Mapping[str, TradeOutcome], by: str, reason: str
    ) -> list[str]:
        done: list[str] = []
        for trade in trades:
            if trade.intended_at is None or trade.refusal is not None:
                continue
            outcome = outcomes.get(trade.signal_id or "")
            done.append(f"{trade.in_words}: {_so_far(trade, outcome)}")
            for key in outcome.cancelable if outcome else ():
                self._cancel(key, by, reason)
        return done

    def _cancel(self, key: str, by: str, reason: str) -> None:
        try:
            self._trader.cancel(key, by, reason)
        except (Conflict, NotFound) as ended:
            logger.info("nothing to cancel: %s", ended)
        except Unavailable as away:  # the keeper commands it a minute later
            logger.warning("order %s is canceled later: %s", key, away)

    def _answer(self, approval: Approval) -> None:
        now = self._clock.now()
        try:
            self._flows.answer(approval.token, {"verdict": approval.verdict})
            with self._store.transaction() as tx:
                tx.mark_answered(approval.id, now)
        except Unavailable as away:  # the keeper tells the state machine a minute later
            logger.warning("the verdict on %s reaches its flow later: %s", approval.id, away)


def conclude_approval(tx: TaskTransaction, task: Task, decided: Approval, now: datetime) -> Approval:
    """Store and tell a verdict on a held task's question; the task goes on to hear it."""
    assert decided.verdict is not None
    assert decided.actor is not None
    tx.save_verdict(decided, now)
    fact = ApprovalDecided(
        task_id=task.id,
        attempt=decided.attempt,
        approval_id=decided.id,
        verdict=decided.verdict,
        actor=decided.actor,
        reason=decided.reason or "",
    )
    tx.publish(Event.root(fact, source=SOURCE, subject=fact.key, identity=decided.id, time=now))
    if task.status is TaskStatus.AWAITING_APPROVAL and task.attempt == decided.attempt:
        reason = f"{decided.verdict} by {decided.actor}: {decided.reason}"
        move(tx, task, TaskStatus.RUNNING, actor=decided.actor, reason=reason, at=now)
    return decided


def _check_approver(tx: TaskTransaction, task: Task, verdict: Verdict, by: str) -> None:
    if task.status is not TaskStatus.AWAITING_APPROVAL:
        raise Conflict(f"task {task.id} is {task.status}: it waits for nobody's approval")
    policy = in_force(TasksPolicy, tx.newest_policy())
    if policy.policy is None:
        raise Conflict(f"{policy.check.name}: {policy.check.value}; who may approve is not known")
    if verdict == "approved" and by == task.requested_by and not policy.policy.author_may_approve:
        raise Conflict(f"{by} asked for this task: by the policy somebody else must approve it")


def _terms(asked: Task | Assignment) -> tuple[object, ...]:
    return (asked.words, asked.priority, asked.deadline, set(asked.depends_on))


def _require_reason(reason: str) -> None:
    require(0 < len(reason.strip()) <= MAX_REASON, "reason", reason, f"why, in 1 to {MAX_REASON} characters")


def _so_far(trade: RaisedTrade, outcome: TradeOutcome | None) -> str:
    base = trade.symbol.split("/")[0]
    if outcome is None:
        return "it was on its way, and may still be executed"
    if outcome.refused:
        return f"refused ({outcome.refused})"
    if not outcome.orders and outcome.unsliced is None:
        return "it is on its way through risk and compliance"
    rest = "; what is left of it is being canceled" if outcome.working else ""
    return f"{plain(outcome.filled)} {base} filled{rest}"
