"""The books' tables in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from tests.fakes.transaction import FakeGovernedTransaction
from volexswarm.portfolio.ledger import sums
from volexswarm.portfolio.lots import Closing, Lot
from volexswarm.portfolio.model import Entry, Flow, LedgerAccount, Position, Posting, Valuation
from volexswarm.portfolio.positions import exchange_order
from volexswarm.ports import Fill


class FakePortfolioTransaction(FakeGovernedTransaction):
    """`postings` by reference, `recorded` fills as (fill, order id, realised), `snapshots` and their units by market time.

    `after` each fill the position, if it is known; `corrected` are the trade ids of the fills that were worked out anew.

    `held` lots by symbol and trade id, `closings` by symbol; `flows` and their values by (kind, reference).
    """

    def __init__(self) -> None:
        super().__init__()
        self.accounts: dict[tuple[str, str], datetime] = {}
        self.modes: dict[tuple[str, str], str] = {}
        self.postings: dict[tuple[str, str], Posting] = {}
        self.recorded: dict[tuple[str, str], tuple[Fill, str | None, Decimal]] = {}
        self.positions: dict[str, Position] = {}
        self.snapshots: dict[datetime, Valuation] = {}
        self.snapshot_units: dict[datetime, Decimal] = {}
        self.after: dict[tuple[str, str], Position] = {}
        self.corrected: list[str] = []
        self.held: dict[str, dict[str, Lot]] = {}
        self.closings: dict[str, list[Closing]] = {}
        self.flows: dict[tuple[str, str], Flow] = {}
        self.flow_values: dict[tuple[str, str], Decimal] = {}

    def opened_at(self, venue: str, account: str) -> datetime | None:
        return self.accounts.get((venue, account))

    def books_mode(self, venue: str, account: str) -> str | None:
        return self.modes.get((venue, account))

    def add_account(self, venue: str, account: str, opened_at: datetime, mode: str) -> bool:
        self.modes.setdefault((venue, account), mode)
        return self.accounts.setdefault((venue, account), opened_at) is opened_at

    def post(self, posting: Posting, *, correlation_id: str, posted_at: datetime) -> None:
        key = (posting.kind.value, posting.reference)
        assert key not in self.postings, f"{key} is booked twice"
        self.postings[key] = posting

    @property
    def entries(self) -> list[Entry]:
        return [entry for posting in self.postings.values() for entry in posting.entries]

    def balances(self, venue: str, account: str, ledger_account: LedgerAccount) -> dict[str, Decimal]:
        return {currency: amount for (kept, currency), amount in sums(self.entries).items() if kept is ledger_account}

    def knows_fill(self, fill: Fill) -> bool:
        return (fill.symbol, fill.trade_id) in self.recorded

    def give_fill(self, fill: Fill, order_id: str) -> None:
        known, owner, realised = self.recorded[fill.symbol, fill.trade_id]
        self.recorded[fill.symbol, fill.trade_id] = (known, owner or order_id, realised)

    def add_fill(
        self,
        fill: Fill,
        *,
        order_id: str | None,
        realised_pnl: Decimal,
        after: Position,
        slippage: Decimal | None,
        correlation_id: str,
        applied_at: datetime,
    ) -> None:
        assert not self.knows_fill(fill)
        self.recorded[fill.symbol, fill.trade_id] = (fill, order_id, realised_pnl)
        self.after[fill.symbol, fill.trade_id] = after

    def has_later_fill(self, fill: Fill) -> bool:
        return any(exchange_order(other) > exchange_order(fill) for other in self.fills("", "", fill.symbol))

    def fills(self, venue: str, account: str, symbol: str) -> list[Fill]:
        return [fill for fill, _, _ in self.recorded.values() if fill.symbol == symbol]

    def fills_after(self, fill: Fill) -> list[tuple[Fill, Decimal]]:
        return [
            (known, realised)
            for known, _, realised in self.recorded.values()
            if known.symbol == fill.symbol and exchange_order(known) > exchange_order(fill)
        ]

    def position_before(self, fill: Fill) -> tuple[Decimal, Decimal] | None:
        before = [one for one in self.fills("", "", fill.symbol) if exchange_order(one) < exchange_order(fill)]
        if not before:
            return Decimal(0), Decimal(0)
        after = self.after.get((fill.symbol, max(before, key=exchange_order).trade_id))
        return None if after is None else (after.amount, after.average_price)

    def open_purchases(self, fill: Fill) -> list[tuple[Fill, list[Decimal]]]:
        fills = sorted(self.fills("", "", fill.symbol), key=exchange_order)
        before = [one.trade_id for one in fills if exchange_order(one) < exchange_order(fill)]
        closings = self.closings.get(fill.symbol, [])
        held = {*self.held.get(fill.symbol, {}), *(c.entry_id for c in closings if c.exit_id not in before)}
        sold = {one: [c for c in closings if c.entry_id == one and c.exit_id in before] for one in held}
        return [
            (one, [c.amount for c in sorted(sold[one.trade_id], key=lambda c: before.index(c.exit_id))])
            for one in fills
            if one.trade_id in held and one.trade_id in before
        ]

    def correct_fills(self, fill: Fill, corrected: Sequence[tuple[Fill, Decimal, Position]]) -> None:
        for one, realised, after in corrected:
            known, owner, _ = self.recorded[fill.symbol, one.trade_id]
            self.recorded[fill.symbol, one.trade_id] = (known, owner, realised)
            self.after[fill.symbol, one.trade_id] = after
            self.corrected.append(one.trade_id)

    def position(self, venue: str, account: str, symbol: str) -> Position:
        return self.positions.get(symbol, Position())

    def put_position(self, fill: Fill, position: Position, updated_at: datetime) -> None:
        self.positions[fill.symbol] = replace(position)

    def lots(self, venue: str, account: str, symbol: str) -> list[Lot]:
        held = self.held.get(symbol, {}).values()
        return sorted(held, key=lambda lot: (lot.opened_at, len(lot.trade_id), lot.trade_id))

    def change_lots(self, fill: Fill, *, gone: Sequence[Lot], kept: Sequence[Lot]) -> None:
        held = self.held.setdefault(fill.symbol, {})
        for lot in gone:
            del held[lot.trade_id]
        for lot in kept:
            assert lot.trade_id not in held
            held[lot.trade_id] = lot

    def add_closings(self, fill: Fill, closings: Sequence[Closing]) -> None:
        self.closings.setdefault(fill.symbol, []).extend(closings)

    def forget_lots(self, fill: Fill) -> None:
        self.held.pop(fill.symbol, None)
        place = exchange_order(fill)
        self.closings[fill.symbol] = [
            c for c in self.closings.get(fill.symbol, []) if (c.closed_at, len(c.exit_id), c.exit_id) < place
        ]

    def add_flow(self, flow: Flow, *, correlation_id: str, booked_at: datetime) -> bool:
        return self.flows.setdefault((flow.kind.value, flow.reference), flow) is flow

    def unvalued_flows(self, venue: str, account: str) -> dict[str, Decimal]:
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for key, flow in self.flows.items():
            if key not in self.flow_values:
                sums[flow.currency] += flow.amount
        return dict(sums)

    def value_flows(
        self, venue: str, account: str, prices: Mapping[str, Decimal], currency: str, as_of: datetime
    ) -> None:
        for key, flow in self.flows.items():
            self.flow_values.setdefault(key, flow.amount * prices.get(flow.currency, Decimal(0)))

    def units(self, venue: str, account: str) -> Decimal | None:
        return self.snapshot_units[max(self.snapshot_units)] if self.snapshot_units else None

    def last_worth(self, venue: str, account: str, currency: str) -> Decimal | None:
        for at in sorted(self.snapshots, reverse=True):
            equity, units = self.snapshots[at].equity, self.snapshot_units[at]
            if equity and units:
                return equity / units
        return None

    def peak_worth(self, venue: str, account: str, currency: str) -> Decimal | None:
        worths = [
            snapshot.equity / self.snapshot_units[at]
            for at, snapshot in self.snapshots.items()
            if snapshot.equity is not None and self.snapshot_units[at]
        ]
        return max(worths, default=None)

    def add_snapshot(
        self, venue: str, account: str, as_of: datetime, valuation: Valuation, units: Decimal, taken_at: datetime
    ) -> bool:
        before = self.snapshots.get(as_of), self.snapshot_units.get(as_of)
        self.snapshots[as_of] = valuation
        self.snapshot_units[as_of] = units
        return before != (valuation, units)
