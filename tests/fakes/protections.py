"""Protections, price watches and the tape in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from volexswarm.clock import to_ms
from volexswarm.errors import NotFound
from volexswarm.execution.protection import Guarded, State
from volexswarm.execution.protection_ports import Holding, Market
from volexswarm.market.watches import look
from volexswarm.messages import Protection, Purpose, Side
from volexswarm.portfolio.model import LedgerAccount
from volexswarm.ports import PriceWatch, Reached

if TYPE_CHECKING:
    from tests.fakes.execution import FakeExecutionTransaction

    Host = FakeExecutionTransaction
else:
    Host = object

ZERO = Decimal(0)


class FakeProtections(Host):
    """`wanted` by proposal; `protections` by entry; `watches` by id and in `done` the end of those that have one; `tape`."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted: dict[str, Protection] = {}
        self.protections: dict[str, Guarded] = {}
        self.watches: dict[str, PriceWatch] = {}
        self.done: dict[str, Reached | None] = {}
        self.tape: list[tuple[datetime, Decimal]] = []

    def wanted_protection(self, proposal_id: str) -> Protection | None:
        return self.wanted.get(proposal_id)

    def is_guarded(self, market: Market) -> bool:
        return any(self._is_open(each, market) for each in self.protections.values())

    def hold_protections(self, market: Market) -> None:
        pass

    def holding(self, market: Market) -> Holding:
        base = self.balances(market.venue, market.account, LedgerAccount.ASSETS).get(market.symbol.split("/")[0], ZERO)
        own = [self.guarded(key) for key, each in self.protections.items() if self._is_open(each, market)]
        position = self.position(*market).amount
        return Holding(position, base, sorted(own, key=lambda each: (each.entered_at, each.order_id)))

    def guarded(self, order_id: str) -> Guarded:
        if order_id not in self.protections:
            raise NotFound("protection of order", order_id)
        known = self.protections[order_id]
        base = known.symbol.split("/")[0]
        fills = [fill for fill, owner, _ in self.recorded.values() if owner == order_id]
        bought = sum((fill.amount - (fill.fee if fill.fee_currency == base else 0) for fill in fills), ZERO)
        exited = sum((order.filled for order in self.orders.values() if order.parent_id == order_id), ZERO)
        return replace(known, bought=bought, exited=exited)

    def guarded_orders(self, market: Market) -> list:  # type: ignore[type-arg]
        entries = {key for key, each in self.protections.items() if self._is_open(each, market)}
        own = [order for order in self.orders.values() if order.id in entries or order.parent_id in entries]
        return sorted(own, key=lambda order: (order.purpose, order.sequence))

    def fill_times(self, order_id: str) -> tuple[datetime, datetime]:
        times = [fill.as_of for fill, owner, _ in self.recorded.values() if owner == order_id]
        return min(times), max(times)

    def add_protection(self, guarded: Guarded, at: datetime) -> bool:
        return self.protections.setdefault(guarded.order_id, guarded) is guarded

    def save_protection(self, guarded: Guarded, at: datetime) -> None:
        self.protections[guarded.order_id] = guarded

    def standing_watches(self, order_id: str) -> dict[Purpose, str]:
        return {w.reason: w.id for w in self.watches.values() if w.entry_id == order_id and w.id not in self.done}

    def watches_so_far(self, order_id: str) -> int:
        return sum(1 for watch in self.watches.values() if watch.entry_id == order_id)

    def set_watch(self, watch: PriceWatch, best_since: datetime) -> Reached | None:
        assert watch.id not in self.watches
        early = [(at, price) for at, price in self.tape if best_since < at <= watch.as_of]
        if watch.trail_share is not None and early:
            at, price = max(early, key=lambda trade: trade[1])
            if watch.extreme is None or price > watch.extreme:
                watch = replace(watch, extreme=price, extreme_at=at)
        return self.show(watch, self.tape)

    def show(self, watch: PriceWatch, trades: Sequence[tuple[datetime, Decimal]]) -> Reached | None:
        """Let a watch see trades, as the feed does."""
        seen, reached = look(watch, [to_ms(at) for at, _ in trades], [price for _, price in trades])
        self.watches[watch.id] = seen
        if reached is not None:
            self.done[watch.id] = reached
        return reached

    def take_away(self, venue: str, watches: Collection[str], at: datetime) -> None:
        self.done |= dict.fromkeys(watches)

    def watched_entry(self, watch_id: str) -> str | None:
        watch = self.watches.get(watch_id)
        return None if watch is None else watch.entry_id

    def newest_trade(self, venue: str, symbol: str) -> datetime | None:
        return self.tape[-1][0] if self.tape else None

    def guarded_markets(self) -> list[Market]:
        known = [each for each in self.protections.values() if each.state is not State.CLOSED]
        entries = [self.orders[key] for key in self._unguarded()]
        return sorted({Market(each.venue, each.account, each.symbol) for each in (*known, *entries)})

    def unguarded_entries(self, market: Market) -> list[str]:
        own = [self.orders[key] for key in self._unguarded()]
        return [order.id for order in own if (order.venue, order.account, order.symbol) == market]

    def _unguarded(self) -> list[str]:
        return [
            order.id
            for order in self.orders.values()
            if order.proposal_id in self.wanted
            and order.purpose in (Purpose.TRADE, Purpose.SLICE)
            and order.side is Side.BUY
            and order.filled
            and order.id not in self.protections
        ]

    @staticmethod
    def _is_open(guarded: Guarded, market: Market) -> bool:
        return (guarded.venue, guarded.account, guarded.symbol) == market and guarded.state is not State.CLOSED
