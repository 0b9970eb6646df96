"""Compliance's rules run again over its own past: what a review would find under another policy.

For the rules that are no single number: lists, venues and patterns. A limit whose measure is stored with the decision needs no
replay. The account's activity is what it was at the moment of the decision, by what the records say now.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
    """A trade of ours as the records know it. `approved_at` and `ended_at` are wall time, `ended_at` None while it works."""

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
        return self.executed if self.ended_at is not None and self.ended_at < at else self.planned


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

    def was_pulled_within(self, span: timedelta) -> bool:
        """Whether it was canceled unfilled so soon after it had been sent."""
        if not self.pulled or self.ended_at is None or self.counted_at is None:
            return False
        return self.ended_at - self.counted_at <= span


class History:
    """An account's trades and orders, all of them, seen from one moment after the other.

    Each answer is in the logarithm of their number, so that a long past can be replayed within one request.

    Parameters
    ----------
    trades, orders : sequences
        Everything the records hold, in any order.
    look : Look
        How far around a trade the policy looks.
    """

    def __init__(self, trades: Sequence[PastTrade], orders: Sequence[PastOrder], look: Look) -> None:
        self._look = look
        self._trades = _by_symbol(sorted(trades, key=lambda trade: trade.as_of))
        by_symbol = _by_symbol(orders)
        self._values = {symbol: _Window(_values(found)) for symbol, found in self._trades.items()}
        self._sent = {symbol: _Window(_sent(found, look.pulled)) for symbol, found in by_symbol.items()}
        self._book = {symbol: _Book(found) for symbol, found in by_symbol.items()}

    def activity(self, trade: Trade, at: datetime) -> Activity:
        """What a review of the trade would have found at that moment of wall time, of what was known before it.

        To be asked in the order of these moments. The counts and values of hour and day are left at 0: the limits on them are
        asked by what was measured then.
        """
        value, trades = _after(self._values.get(trade.symbol), trade.as_of - WEEK, at)
        pulled, orders = _after(self._sent.get(trade.symbol), trade.as_of - DAY, at)
        book = self._book.get(trade.symbol)
        return Activity(
            trades_of_hour=0,
            trades_of_day=0,
            value_of_day=Decimal(0),
            trades_of_week=trades,
            average_of_week=value / trades if trades else None,
            opposite=tuple(self._opposite(trade, at)),
            facing=book.best(other(trade.side), at) if book else None,
            orders_of_day=orders,
            pulled_of_day=int(pulled),
        )

    def _opposite(self, trade: Trade, at: datetime) -> Iterator[OwnTrade]:
        found = self._trades.get(trade.symbol, [])
        first = bisect_left(found, trade.as_of - self._look.wash, key=lambda past: past.as_of)
        last = bisect_right(found, trade.as_of + self._look.wash, key=lambda past: past.as_of)
        for past in found[first:last]:
            if past.side == other(trade.side) and past.approved_at < at and past.value(at) > 0:
                yield OwnTrade(past.strategy_id, past.price, past.as_of)


@dataclass(frozen=True)
class _Change:
    """At `known_at` (wall time) something of `as_of` (market time) came to count so much more, and was so many more."""

    as_of: datetime
    known_at: datetime
    amount: Decimal
    count: int


class _Window:
    """Sums of what was known before a moment and lies after another in market time: a binary indexed tree over market time."""

    def __init__(self, changes: Iterable[_Change]) -> None:
        self._waiting = deque(sorted(changes, key=lambda change: change.known_at))
        self._moments = sorted({change.as_of for change in self._waiting})
        self._amounts = [Decimal(0)] * (len(self._moments) + 1)
        self._counts = [0] * (len(self._moments) + 1)
        self._total = (Decimal(0), 0)

    def after(self, since: datetime, at: datetime) -> tuple[Decimal, int]:
        """Amount and count; to be asked in the order of `at`."""
        while self._waiting and self._waiting[0].known_at < at:
            self._add(self._waiting.popleft())
        (amount, count), place = self._total, bisect_right(self._moments, since)
        while place > 0:
            amount, count = amount - self._amounts[place], count - self._counts[place]
            place -= place & -place
        return amount, count

    def _add(self, change: _Change) -> None:
        self._total = (self._total[0] + change.amount, self._total[1] + change.count)
        place = bisect_left(self._moments, change.as_of) + 1
        while place < len(self._amounts):
            self._amounts[place] += change.amount
            self._counts[place] += change.count
            place += place & -place


def _after(window: _Window | None, since: datetime, at: datetime) -> tuple[Decimal, int]:
    return (Decimal(0), 0) if window is None else window.after(since, at)


def _values(trades: Sequence[PastTrade]) -> Iterator[_Change]:
    """A trade counts with what is planned until it has ended, then with what was executed, and not at all if that is nothing."""
    for trade in trades:
        yield _Change(trade.as_of, trade.approved_at, trade.planned, 1)
        if trade.ended_at is not None:
            executed = trade.executed - trade.planned
            yield _Change(trade.as_of, trade.ended_at, executed, 0 if trade.executed > 0 else -1)


def _sent(orders: Sequence[PastOrder], span: timedelta) -> Iterator[_Change]:
    """Orders that came to the exchange are counted; the amount is how many of them were pulled."""
    for order in orders:
        if order.counted_at is None:
            continue
        yield _Change(order.as_of, order.counted_at, Decimal(0), 1)
        if order.ended_at is not None and order.was_pulled_within(span):
            yield _Change(order.as_of, order.ended_at, Decimal(1), 0)


class _Book:
    """Our own orders of one symbol that stand in the book."""

    def __init__(self, orders: Sequence[PastOrder]) -> None:
        self._waiting = deque(sorted(orders, key=lambda order: order.known_at))
        self._standing: list[PastOrder] = []

    def best(self, side: Side, at: datetime) -> Decimal | None:
        """The price that somebody on the other side meets first; to be asked in the order of `at`."""
        while self._waiting and self._waiting[0].known_at < at:
            self._standing.append(self._waiting.popleft())
        self._standing = [order for order in self._standing if order.ended_at is None or order.ended_at >= at]
        prices = [order.limit_price for order in self._standing if order.side == side]
        if not prices:
            return None
        return min(prices) if side is Side.SELL else max(prices)


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
