"""Raises a task's trades at the desk, sells before the buys that they pay for, and waits until they have ended.

A trade is marked before its signal is raised, and the desk gives the same signal for the same trade: a crash anywhere in between
neither loses a trade nor raises one twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from volexswarm.clock import Clock
from volexswarm.errors import Conflict, InvalidInput
from volexswarm.messages import Side, TaskStatus
from volexswarm.ports import Store
from volexswarm.tasks.model import NOTHING_YET, RaisedTrade, Task, trade_key
from volexswarm.tasks.ports import TaskTransaction, Trader
from volexswarm.tasks.prepare import required_policy

FIRST_LOOK: Final = 2
LONGEST_PAUSE: Final = 20


class Raising:
    """Brings trades to the desk.

    Parameters
    ----------
    store : Store[TaskTransaction]
    trader : Trader
    clock : Clock
        Wall time.
    """

    def __init__(self, *, store: Store[TaskTransaction], trader: Trader, clock: Clock) -> None:
        self._store = store
        self._trader = trader
        self._clock = clock

    def execute(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Raise the trades whose turn it is. `next` is `settle`, or `explain` if the deadline has passed.

        Raises
        ------
        Unavailable
            If a market has no present price: asked again, it goes on where it was.
        Conflict
            If the task is not at work, or a person must approve and has not.
        """
        with self._store.transaction() as tx:
            task = tx.task(event["task_id"], held=True)
            _require_leave(tx, task)
            turn = _whose_turn(tx.trades(task.id, task.attempt))
        told = [self._raise(task, trade) for trade in self._marked(task, turn)]
        if turn and not told:
            return {"next": "explain", "late": True, "words": "the deadline has passed: nothing more is traded"}
        return {"next": "settle", "words": "; ".join(told) or "nothing was left to raise"}

    def settle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Look whether what was raised has ended. `next` is `wait` (for `seconds`), `execute` for the rest, or `explain`."""
        now = self._clock.now()
        with self._store.transaction() as tx:
            task = tx.task(event["task_id"])
            policy = required_policy(tx)
            trades = tx.trades(task.id, task.attempt)
            raised = [trade for trade in trades if trade.signal_id]
            outcomes = tx.outcomes([trade.signal_id for trade in raised if trade.signal_id])
        working = [trade for trade in raised if outcomes.get(trade.signal_id or "", NOTHING_YET).working]
        if working:
            waited = now - min(_since(trade) for trade in working)
            words = f"{len(working)} of {len(raised)} trades are at work since {waited.total_seconds():.0f} s"
            if waited < timedelta(minutes=policy.settle_minutes):
                return {"next": "wait", "seconds": _pause(waited), "words": words}
            return {"next": "explain", "seconds": 0, "words": f"{words}: no longer waited for"}
        if _whose_turn(trades):
            return {"next": "execute", "seconds": 0, "words": "what was sold pays for the rest"}
        return {"next": "explain", "seconds": 0, "words": f"{len(raised)} trades have ended"}

    def _marked(self, task: Task, turn: Sequence[RaisedTrade]) -> Iterator[RaisedTrade]:
        """Each trade, marked when it comes to it: a task that is canceled or late in between trades no further.

        What was marked before is raised whatever the time: it may have been, in a call that did not live to say so.
        """
        for trade in turn:
            now = self._clock.now()
            with self._store.transaction() as tx:
                present = tx.task(task.id, held=True)
                _require_at_work(present)
                if trade.intended_at is None and present.is_late(now):
                    return
                marked = replace(trade, intended_at=trade.intended_at or now)
                tx.save_trade(present, marked)
            yield marked

    def _raise(self, task: Task, trade: RaisedTrade) -> str:
        try:
            signal_id = self._trader.raise_trade(trade, task.requested_by, trade_key(task, trade.leg))
            done = replace(trade, signal_id=signal_id)
        except (InvalidInput, Conflict) as refused:
            done = replace(trade, refusal=f"desk: {refused}")
        with self._store.transaction() as tx:
            tx.save_trade(task, done)
        return f"{trade.in_words}: {done.refusal or 'raised'}"


def _require_leave(tx: TaskTransaction, task: Task) -> None:
    """Whatever the state machine says: money moves only for a task at work, and approved where that is asked for."""
    _require_at_work(task)
    story = tx.story(task.id)
    appraisal = story.answer("appraise")
    if appraisal is None:
        raise Conflict(f"task {task.id} was not appraised: nobody knows whether a person must approve it")
    approved = story.approval is not None and story.approval.verdict == "approved"
    if appraisal["next"] != "execute" and not approved:
        raise Conflict(f"task {task.id} needs an approval, and has none")


def _require_at_work(task: Task) -> None:
    if task.status is not TaskStatus.RUNNING:
        raise Conflict(f"task {task.id} is {task.status}: {task.reason}")


def _whose_turn(trades: Sequence[RaisedTrade]) -> list[RaisedTrade]:
    """What is to be raised next: the sells, and when those have been the buys."""
    left = [trade for trade in trades if trade.signal_id is None and trade.refusal is None]
    return [trade for trade in left if trade.side is Side.SELL] or left


def _since(trade: RaisedTrade) -> datetime:
    assert trade.intended_at is not None  # it was marked before it was raised
    return trade.intended_at


def _pause(waited: timedelta) -> int:
    return min(LONGEST_PAUSE, max(FIRST_LOOK, int(waited.total_seconds() / 4)))
