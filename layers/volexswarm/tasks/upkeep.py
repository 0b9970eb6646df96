"""What a minute brings: what nobody confirmed or answered in time, verdicts not heard, orders of canceled tasks."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Final

from volexswarm.clock import Clock
from volexswarm.errors import Conflict, NotFound
from volexswarm.messages import TaskStatus
from volexswarm.ports import Store
from volexswarm.tasks.desk import conclude_approval
from volexswarm.tasks.life import SYSTEM, move
from volexswarm.tasks.model import Task, trade_key
from volexswarm.tasks.ports import Flows, TaskTransaction, Trader

logger = logging.getLogger(__name__)

AFTERMATH: Final = timedelta(hours=1)
"""So long after a cancellation orders of the task may still come up: what was on its way."""


class Upkeep:
    """Keeps tasks from waiting for ever.

    Parameters
    ----------
    store : Store[TaskTransaction]
    flows : Flows
    trader : Trader
    clock : Clock
        Wall time.
    """

    def __init__(self, *, store: Store[TaskTransaction], flows: Flows, trader: Trader, clock: Clock) -> None:
        self._store = store
        self._flows = flows
        self._trader = trader
        self._clock = clock

    def expire_unconfirmed(self) -> None:
        """What nobody said was meant is not done."""
        now = self._clock.now()
        with self._store.transaction() as tx:
            for task_id in tx.unconfirmed_since(now):
                task = tx.task(task_id, held=True)
                if task.status is TaskStatus.UNCONFIRMED:
                    reason = f"{task.requested_by} did not confirm it in time"
                    move(tx, task, TaskStatus.EXPIRED, actor=SYSTEM, reason=reason, at=now)

    def expire_approvals(self) -> None:
        """A question that nobody answers in time is answered with no."""
        now = self._clock.now()
        with self._store.transaction() as tx:
            for approval_id in tx.approvals_due(now):
                approval = tx.approval(approval_id, held=True)
                if approval.verdict is None:
                    expired = replace(approval, verdict="expired", actor=SYSTEM, reason="nobody answered in time")
                    conclude_approval(tx, tx.task(approval.task_id, held=True), expired, now)

    def answer_flows(self) -> None:
        """Tell state machines the verdicts that they have not heard. Raises Unavailable."""
        with self._store.transaction() as tx:
            waiting = tx.unanswered()
        for approval in waiting:
            self._flows.answer(approval.token, {"verdict": approval.verdict})
            with self._store.transaction() as tx:
                tx.mark_answered(approval.id, self._clock.now())

    def withdraw_orders(self) -> None:
        """Cancel orders that came up after their task was canceled. Raises Unavailable."""
        since = self._clock.now() - AFTERMATH
        with self._store.transaction() as tx:
            tasks = tx.canceled_at_work(since)
            signals = [signal for task in tasks for signal in self._signals(tx, task)]
            outcomes = tx.outcomes(signals)
        for outcome in outcomes.values():
            for key in outcome.cancelable:
                self._cancel(key)

    def _signals(self, tx: TaskTransaction, task: Task) -> set[str]:
        """Those noted, and those of trades that were about to be raised: a crash may have kept the id from being stored."""
        noted = {trade.signal_id for trade in tx.trades(task.id) if trade.signal_id}
        intended = (trade for trade in tx.trades(task.id, task.attempt) if trade.intended_at and not trade.refusal)
        return noted | {self._trader.signal_of(task.requested_by, trade_key(task, trade.leg)) for trade in intended}

    def _cancel(self, key: str) -> None:
        try:
            self._trader.cancel(key, SYSTEM, "its task was canceled")
        except (Conflict, NotFound) as ended:
            logger.info("nothing to cancel: %s", ended)
