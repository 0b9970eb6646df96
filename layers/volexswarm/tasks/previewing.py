"""What risk and compliance would say at this moment, so that nobody is asked to approve what would be refused.

The binding word is theirs when the trade is raised. A purchase that is paid for by a sale of the same task can't be judged before
that sale: it meets the binding checks alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from volexswarm.messages import Check, Side
from volexswarm.ports import Store
from volexswarm.tasks.model import PlannedTrade, RaisedTrade
from volexswarm.tasks.ports import Previews, TaskTransaction
from volexswarm.tasks.prepare import required_policy

Judge = Callable[[PlannedTrade, str], Sequence[Check]]


class Previewing:
    """Asks for previews, and decides whether a person must approve.

    Parameters
    ----------
    store : Store[TaskTransaction]
    previews : Previews
    """

    def __init__(self, *, store: Store[TaskTransaction], previews: Previews) -> None:
        self._store = store
        self._previews = previews

    def risk(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Drop what risk would refuse. `next` is `go`, or `explain` if nothing is left. Raises Unavailable."""
        return self._judged(event, "risk", self._previews.risk)

    def compliance(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """As `risk`, for the rules of the desk."""
        return self._judged(event, "compliance", self._previews.compliance)

    def appraise(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Whether the policy wants a person to approve: `next` is `ask` or `execute`."""
        with self._store.transaction() as tx:
            policy = required_policy(tx)
            trades = [trade for trade in tx.trades(event["task_id"], event["attempt"]) if trade.refusal is None]
        share = sum(trade.share for trade in trades)
        words = f"the trades are {share * 100:.2f} % of the equity"
        if share > policy.approval_above:
            return {"next": "ask", "words": f"{words}: above {policy.approval_above * 100:.2f} % a person approves"}
        return {"next": "execute", "words": f"{words}: up to {policy.approval_above * 100:.2f} % need no approval"}

    def _judged(self, event: Mapping[str, Any], stage: str, judge: Judge) -> dict[str, Any]:
        with self._store.transaction() as tx:
            task = tx.task(event["task_id"])
            trades = [trade for trade in tx.trades(task.id, task.attempt) if trade.refusal is None]
        told: list[str] = []
        left = 0
        for trade in trades:
            if _waits_for_a_sale(trade, trades):
                told.append(f"{trade.in_words}: is judged when what it is paid with is sold")
                left += 1
                continue
            failed = [check for check in judge(trade, task.requested_by) if not check.passed]
            if not failed:
                told.append(f"{trade.in_words}: would pass")
                left += 1
                continue
            why = "; ".join(f"{check.name}: {check.value} (limit {check.limit})" for check in failed)
            told.append(f"{trade.in_words}: would be refused: {why}")
            with self._store.transaction() as tx:
                tx.save_trade(task, replace(trade, refusal=f"{stage}: {why}"))
        return {"next": "go" if left else "explain", "told": told, "words": "; ".join(told)}


def _waits_for_a_sale(trade: RaisedTrade, trades: Sequence[RaisedTrade]) -> bool:
    return trade.side is Side.BUY and any(other.side is Side.SELL for other in trades)
