"""What the team's rulings make of a task: exact trades, sells first, and what is left alone and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from volexswarm.messages import Ruling, Side
from volexswarm.ports import Store
from volexswarm.tasks.drift import worst_price
from volexswarm.tasks.model import PlannedTrade, Story
from volexswarm.tasks.policy import TasksPolicy
from volexswarm.tasks.ports import Account, AccountState, TaskTransaction
from volexswarm.tasks.prepare import aims, require_prices, required_policy
from volexswarm.tasks.requests import TradeWish
from volexswarm.tasks.sizing import Aim, Left, ruled


class Proposal:
    """Plans trades.

    Parameters
    ----------
    store : Store[TaskTransaction]
    account : Account
    """

    def __init__(self, *, store: Store[TaskTransaction], account: Account) -> None:
        self._store = store
        self._account = account

    def propose(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Plan and store the trades once. `next` is `check`, or `explain` if nothing is to be traded. Raises as Preparation."""
        rulings = {ruling.symbol: ruling for ruling in map(Ruling.model_validate, event["rulings"])}
        with self._store.transaction() as tx:
            story = tx.story(event["task_id"])
            policy = required_policy(tx)
        task = story.task
        account = self._account.state(task.request.markets)
        require_prices(account, task.request.markets)
        found = [_decided(aim, rulings, story, account, policy) for aim in aims(task, account, policy)]
        left = [one for one in found if isinstance(one, Left)]
        planned = _in_order([one for one in found if isinstance(one, Aim)], account, policy)
        with self._store.transaction() as tx:
            trades = tx.add_trades(task, planned)
        words = [trade.in_words for trade in trades] + [one.why for one in left]
        return {
            "trades": [trade.in_words for trade in trades],
            "left": [{"symbol": one.symbol, "why": one.why, "refused": one.refused} for one in left],
            "next": "check" if trades else "explain",
            "words": "; ".join(words) or "nothing to trade",
        }


def _decided(
    aim: Aim | Left, rulings: Mapping[str, Ruling], story: Story, account: AccountState, policy: TasksPolicy
) -> Aim | Left:
    if isinstance(aim, Left):
        return aim
    ruling = rulings.get(aim.symbol)
    if ruling is None:
        return Left(aim.symbol, f"{aim.symbol}: the team was not asked about it", refused=True)
    against = _against_trend(story, aim)
    if against is not None:
        return Left(aim.symbol, against, refused=True)
    return ruled(aim, ruling, account, policy)


def _against_trend(story: Story, aim: Aim) -> str | None:
    """Why the task's condition on the trend does not hold, if it has one."""
    request = story.task.request
    if not isinstance(request, TradeWish) or not request.if_trend:
        return None
    answer = story.answer("gather.research", aim.symbol)
    trend = (answer or {}).get("features", {}).get("trend")
    if trend is None:
        return f"the trend of {aim.symbol} is not known, and the trade was wished only if it holds"
    if (trend > 0) == (aim.side is Side.BUY) and trend != 0:
        return None
    return f"the trend of {aim.symbol} is {trend:+.2f}, between -1 and 1: it does not go the way of a {aim.side}"


def _in_order(found: Sequence[Aim], account: AccountState, policy: TasksPolicy) -> list[PlannedTrade]:
    ordered = sorted(found, key=lambda aim: aim.side is Side.BUY)  # what is sold pays for what is bought
    return [_planned(leg, aim, account, policy) for leg, aim in enumerate(ordered)]


def _planned(leg: int, aim: Aim, account: AccountState, policy: TasksPolicy) -> PlannedTrade:
    price = account.prices[aim.symbol]
    worst = worst_price(aim.side, price, policy.max_drift)
    return PlannedTrade(leg, aim.symbol, aim.side, aim.amount, price, worst, aim.share, aim.why, account.mode)
