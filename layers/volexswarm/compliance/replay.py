"""Compliance's rules run again over its own past: what a review would find under another policy.

For the rules that are no single number: lists, venues and patterns. A limit whose measure is stored with the decision needs no
replay. The account's activity is what it was at the moment of the decision, by what the records say now.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from volexswarm.compliance import patterns, rules
from volexswarm.compliance.model import DAY, WEEK, Activity, Finding, Look, OwnTrade, other
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.messages import Side, Trade

Rule = Callable[[Trade, CompliancePolicy, Activity], Finding]

RULES: Mapping[str, tuple[Rule, frozenset[str]]] = {
    "venue_allowed": (rules.venue_allowed, frozenset({"allowed_venues"})),
    "symbol_allowed": (rules.symbol_allowed, frozenset({"restricted_symbols"})),
    "symbol_watched": (rules.symbol_watched, frozenset({"watched_symbols"})),
    "own_order_match": (patterns.own_order_match, frozenset({"own_order_match", "wash_trade_price_share"})),
    "wash_trade": (patterns.wash_trade, frozenset({"wash_trade", "wash_trade_minutes", "wash_trade_price_share"})),
    "spoofing": (
        patterns.spoofing,
        frozenset({"spoofing", "spoofing_minutes", "spoofing_min_orders", "max_pulled_share"}),
    ),
    "unusual_size": (
        patterns.unusual_size,
        frozenset({"unusual_size", "unusual_size_above", "unusual_size_below", "unusual_size_min_trades"}),
    ),
}
"""The rules that are run again, by the name of their check, each with the settings that it reads."""

SETTINGS = frozenset[str]().union(*(settings for _, settings in RULES.values()))


@dataclass(frozen=True)
class PastTrade:
    """A trade of ours as the records know it now. `approved_at` and `ended_at` are wall time, `ended_at` None while it works."""

    id: str
    symbol: str
    side: str
    strategy_id: str | None
    price: Decimal
    as_of: datetime
    planned: Decimal
    executed: Decimal
    approved_at: datetime
    ended_at: datetime | None

    def value(self, at: datetime) -> Decimal:
        """What it counted with at that moment of wall time."""
        return self.executed if self.ended_at is not None and self.ended_at <= at else self.planned


@dataclass(frozen=True)
class PastOrder:
    """An order that stood in the book, or was about to, from `known_at` to `ended_at` (wall time).

    `counted_at` is when it came to the exchange as part of a trade, None if it never did; `pulled` says that it was canceled
    without any fill.
    """

    symbol: str
    side: str
    limit_price: Decimal
    as_of: datetime
    known_at: datetime
    ended_at: datetime | None
    counted_at: datetime | None
    pulled: bool

    def stands(self, at: datetime) -> bool:
        return self.known_at < at and (self.ended_at is None or self.ended_at > at)

    def was_pulled(self, at: datetime, look: Look) -> bool:
        """Whether it had been canceled by then, soon after it had been sent."""
        if not self.pulled or self.ended_at is None or self.counted_at is None or self.ended_at > at:
            return False
        return self.ended_at - self.counted_at <= look.pulled


class History:
    """An account's trades and orders, all of them, to be looked at from any moment."""

    def __init__(self, trades: Sequence[PastTrade], orders: Sequence[PastOrder]) -> None:
        self._trades = _by_symbol(sorted(trades, key=lambda trade: trade.as_of))
        self._orders = _by_symbol(sorted(orders, key=lambda order: order.as_of))

    def activity(self, itself: str, trade: Trade, at: datetime, look: Look) -> Activity:
        """What a review of the trade, proposal `itself`, would have found at that moment of wall time.

        The counts and values of hour and day are left at 0: the limits on them are asked by what was measured then.
        """
        facing = other(trade.side).value
        week = [(past, past.value(at)) for past in self._known(trade, itself, at) if past.value(at) > 0]
        orders = self._orders.get(trade.symbol, [])
        day = orders[bisect_right(orders, trade.as_of - DAY, key=lambda order: order.as_of) :]
        counted = [order for order in day if order.counted_at is not None and order.counted_at < at]
        prices = [order.limit_price for order in orders if order.side == facing and order.stands(at)]
        return Activity(
            trades_of_hour=0,
            trades_of_day=0,
            value_of_day=Decimal(0),
            trades_of_week=len(week),
            average_of_week=sum((value for _, value in week), Decimal(0)) / len(week) if week else None,
            opposite=tuple(
                OwnTrade(past.strategy_id, past.price, past.as_of)
                for past, _ in week
                if past.side == facing and abs(past.as_of - trade.as_of) <= look.wash
            ),
            facing=None if not prices else min(prices) if facing == Side.SELL else max(prices),
            orders_of_day=len(counted),
            pulled_of_day=sum(1 for order in counted if order.was_pulled(at, look)),
        )

    def _known(self, trade: Trade, itself: str, at: datetime) -> list[PastTrade]:
        trades = self._trades.get(trade.symbol, [])
        first = bisect_right(trades, trade.as_of - WEEK, key=lambda past: past.as_of)
        return [past for past in trades[first:] if past.approved_at <= at and past.id != itself]


ThingT = TypeVar("ThingT", PastTrade, PastOrder)


def _by_symbol(things: Sequence[ThingT]) -> dict[str, list[ThingT]]:
    found: dict[str, list[ThingT]] = {}
    for thing in things:
        found.setdefault(thing.symbol, []).append(thing)
    return found


def to_run_again(then: CompliancePolicy | None, proposed: CompliancePolicy) -> frozenset[str]:
    """Names of the rules that read any setting that differs from what was in force; all, if that was no valid policy."""
    if then is None:
        return frozenset(RULES)
    return frozenset(
        name
        for name, (_, settings) in RULES.items()
        if any(getattr(then, setting) != getattr(proposed, setting) for setting in settings)
    )


def run_again(names: Iterable[str], trade: Trade, policy: CompliancePolicy, activity: Activity) -> dict[str, bool]:
    """Whether the trade passes each of these rules."""
    return {name: RULES[name][0](trade, policy, activity).check.passed for name in names}
