"""What the books need of the world: their tables, and the exchange's word on what it holds for us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from volexswarm.portfolio.lots import Closing, Lot
from volexswarm.portfolio.model import Flow, LedgerAccount, Position, Posting, Valuation
from volexswarm.ports import Fill, Transaction


class PortfolioTransaction(Transaction, Protocol):
    """The books' part of a stored change."""

    def opened_at(self, venue: str, account: str) -> datetime | None:
        """Exchange time of the opening; None if there are no books yet. Holds off every other booking of the account."""
        ...

    def books_mode(self, venue: str, account: str) -> str | None:
        """What money the books were opened for; None if there are none yet."""
        ...

    def add_account(self, venue: str, account: str, opened_at: datetime, mode: str) -> bool:
        """False if it has been opened before. `mode` says what money it holds: `simulated`, `sandbox` or `live`."""
        ...

    def post(self, posting: Posting, *, correlation_id: str, posted_at: datetime) -> None:
        """Store a ledger transaction and move the balances by it."""
        ...

    def balances(self, venue: str, account: str, ledger_account: LedgerAccount) -> Mapping[str, Decimal]:
        """By currency, zeros included."""
        ...

    def knows_fill(self, fill: Fill) -> bool: ...

    def give_fill(self, fill: Fill, order_id: str) -> None:
        """Let a recorded fill that has no order belong to this one."""
        ...

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
        """Store it with the position after it."""
        ...

    def has_later_fill(self, fill: Fill) -> bool:
        """Whether one of the same symbol is recorded that comes after it in the exchange's order."""
        ...

    def fills(self, venue: str, account: str, symbol: str) -> Sequence[Fill]: ...

    def fills_after(self, fill: Fill) -> Sequence[tuple[Fill, Decimal]]:
        """Those recorded of its symbol that come after it in the exchange's order, and what each realised."""
        ...

    def position_before(self, fill: Fill) -> tuple[Decimal, Decimal] | None:
        """Amount and average price after the last recorded fill before it; zeros if it is the first.

        None if that was booked before positions were stored with fills.
        """
        ...

    def open_purchases(self, fill: Fill) -> Sequence[tuple[Fill, Sequence[Decimal]]]:
        """Purchases before it of which something was held then, oldest first, and how much each sale before it took of them."""
        ...

    def correct_fills(self, fill: Fill, corrected: Sequence[tuple[Fill, Decimal, Position]]) -> None:
        """Replace what recorded fills of its symbol realised, and the position after each."""
        ...

    def position(self, venue: str, account: str, symbol: str) -> Position:
        """Flat if there has been none."""
        ...

    def put_position(self, fill: Fill, position: Position, updated_at: datetime) -> None: ...

    def lots(self, venue: str, account: str, symbol: str) -> Sequence[Lot]:
        """What is still held of each purchase, in the exchange's order."""
        ...

    def change_lots(self, fill: Fill, *, gone: Sequence[Lot], kept: Sequence[Lot]) -> None:
        """Of the fill's symbol: drop those that are gone, then store those that are kept, each by its trade id."""
        ...

    def add_closings(self, fill: Fill, closings: Sequence[Closing]) -> None:
        """Store closings of the fill's symbol."""
        ...

    def forget_lots(self, fill: Fill) -> None:
        """Drop all lots of its symbol, and the closings by later sales, to be worked out anew."""
        ...

    def add_flow(self, flow: Flow, *, correlation_id: str, booked_at: datetime) -> bool:
        """Store what came or went; False if it is stored already. Its value is unknown until the next valuation."""
        ...

    def unvalued_flows(self, venue: str, account: str) -> Mapping[str, Decimal]:
        """By currency, what came and went and is part of no valuation yet."""
        ...

    def value_flows(
        self, venue: str, account: str, prices: Mapping[str, Decimal], currency: str, as_of: datetime
    ) -> None:
        """Value the unvalued ones at these prices in `currency`: the valuation of `as_of` is the first to contain them.

        What has no price here is no part of the equity: it is worth 0.
        """
        ...

    def units(self, venue: str, account: str) -> Decimal | None:
        """How many units the account is divided into; None if it has never been valued."""
        ...

    def last_worth(self, venue: str, account: str, currency: str) -> Decimal | None:
        """What a unit was worth in the last valuation in which there were any."""
        ...

    def peak_worth(self, venue: str, account: str, currency: str) -> Decimal | None:
        """The most that a unit was ever worth; None before any valuation."""
        ...

    def add_snapshot(
        self, venue: str, account: str, as_of: datetime, valuation: Valuation, units: Decimal, taken_at: datetime
    ) -> bool:
        """Store a valuation and the account's units; a later one of the same moment replaces it. False if it says the same."""
        ...


class ExchangeAccount(Protocol):
    """The account at the exchange. All raise Unavailable when it does not answer."""

    def balances(self) -> Mapping[str, Decimal]:
        """Free and locked together, by asset."""
        ...

    def market_time(self) -> datetime:
        """The exchange's clock, that of its trades."""
        ...
