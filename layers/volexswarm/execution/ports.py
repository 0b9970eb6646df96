"""What execution needs of the world: its tables, and the exchange."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol

from volexswarm.execution.model import (
    Balance,
    Capabilities,
    Evidence,
    MarketRules,
    Order,
    OrderPlan,
    OrderRequest,
    Proposal,
    Run,
    StandingOrder,
)
from volexswarm.execution.protection_ports import Market, ProtectionTransaction
from volexswarm.execution.reconciliation import Difference, Findings
from volexswarm.messages import Event, OrderApproved, OrderState, PlaceSlice, Purpose
from volexswarm.ports import Fill, Halt, Transfer


class ExecutionTransaction(ProtectionTransaction, Protocol):
    """Execution's part of a stored change. An order that is read here is locked until the change is stored."""

    def books_mode(self, venue: str, account: str) -> str | None:
        """What money the account's books were opened for; None before they are opened."""
        ...

    def proposal(self, proposal_id: str) -> Proposal | None:
        """The proposal as stored; None if there is none."""
        ...

    def proposed_at(self, proposal_id: str) -> datetime:
        """When risk decided on it, in wall time. Raises NotFound."""
        ...

    def add_order(self, order: Order) -> bool:
        """Store a new intent; False if there is one of that client order id already."""
        ...

    def order_named(self, client_order_id: str) -> Order: ...

    def order(self, order_id: str) -> Order: ...

    def order_at_exchange(
        self, venue: str, account: str, symbol: str, client_order_id: str | None, exchange_order_id: str
    ) -> Order | None:
        """The order that a report speaks of, by our id or by theirs, which is unique per symbol only; None if none of ours."""
        ...

    def save_order(self, order: Order, updated_at: datetime) -> None:
        """Store what can change of an order."""
        ...

    def add_transition(
        self, order_id: str, before: OrderState | None, after: OrderState, cause: str, changed_at: datetime
    ) -> int:
        """Its number in the order's life, from 1."""
        ...

    def booked(self, order_id: str) -> tuple[Decimal, Decimal]:
        """Sum of the amounts of the order's booked fills, and of what they cost in quote."""
        ...

    def open_orders(self, idle_since: datetime, limit: int) -> Sequence[Order]:
        """Orders that are not final and that nothing touched since; the longest untouched first. These are not locked."""
        ...

    def open_orders_of(self, venue: str, account: str, symbol: str | None = None) -> Sequence[Order]:
        """The account's orders that are not final, oldest first, of one symbol or of all. These are not locked."""
        ...

    def guarded_orders(self, market: Market) -> Sequence[Order]:
        """The market's orders with an open protection, and all that were made to leave what they bought, by purpose and sequence.

        These are not locked.
        """
        ...


class SlicingTransaction(ExecutionTransaction, Protocol):
    """What working an order in slices reads and writes besides orders."""

    def plan(self, proposal_id: str) -> OrderPlan | None:
        """The plan, locked; None if there is none."""
        ...

    def add_plan(self, plan: OrderPlan) -> None: ...

    def save_plan(self, plan: OrderPlan, updated_at: datetime) -> None:
        """Store how far it is."""
        ...

    def slices(self, proposal_id: str) -> dict[int, Order]:
        """The slices made so far, by number."""
        ...

    def way_taken(self, proposal_id: str) -> Purpose | None:
        """By which way out what a slice has bought is being left, or was at least in part; None while all of it is to be held."""
        ...

    def later_sale(self, proposal_id: str) -> str | None:
        """The proposal of a sale that was approved of the same strategy in the same market, and decided after this purchase.

        None if there is none, or if the proposal is no purchase.
        """
        ...

    def has_order(self, client_order_id: str) -> bool: ...

    def command(self, proposal_id: str) -> Event[OrderApproved]:
        """The command that ordered it, from the journal."""
        ...

    def idle_plans(self, idle_since: datetime) -> Sequence[OrderPlan]:
        """Plans that are worked and that nothing has moved from an interval before this wall time on, the longest first.

        These are not locked.
        """
        ...

    def steps(self, proposal_id: str, number: int) -> Sequence[Event[PlaceSlice]]:
        """The commands to place this slice, from the journal, oldest first; there is one, for the plan waits for it."""
        ...

    def traded_per_minute(self, venue: str, symbol: str, as_of: datetime) -> Decimal | None:
        """Average value (quote) traded in a minute of the half hour before; None with fewer than ten candles of that time."""
        ...


class ReconcilingTransaction(ExecutionTransaction, Protocol):
    """What a comparison with the exchange reads and writes besides orders and fills."""

    def compared_to(self, venue: str, account: str) -> tuple[datetime, datetime] | None:
        """When the books were opened, and through which exchange time they were last compared; None if they are not open."""
        ...

    def last_comparison(self, venue: str, account: str) -> datetime | None:
        """When the last comparison ended, in wall time."""
        ...

    def booked_fills(self, venue: str, account: str, fills: Sequence[Fill]) -> set[tuple[str, str]]:
        """(symbol, trade id) of those of the fills that the books hold."""
        ...

    def assets(self, venue: str, account: str) -> dict[str, Decimal]:
        """What the books say that the exchange holds for us, by currency."""
        ...

    def see_difference(
        self, run: Run, venue: str, account: str, difference: Difference, seen_at: datetime
    ) -> tuple[str, bool]:
        """Its id, and whether it is new; a foreign order that a person has accepted is none."""
        ...

    def keep_difference(self, venue: str, account: str, difference: Difference, seen_at: datetime) -> bool:
        """Give the open one on this subject, if there is one, a later time and nothing else; whether there is."""
        ...

    def settle_difference(
        self, difference_id: str, state: Literal["repaired", "accepted"], settled_by: str, reason: str, at: datetime
    ) -> None: ...

    def unseen_differences(self, venue: str, account: str, since: datetime) -> Sequence[str]:
        """Ids of those that are open and that no comparison has seen from this wall time on."""
        ...

    def add_reconciliation(
        self, run: Run, venue: str, account: str, findings: Findings, as_of: datetime, finished_at: datetime
    ) -> None:
        """Store what the comparison came to; only the newest thousand are kept."""
        ...


class HaltingTransaction(ExecutionTransaction, Protocol):
    """What clearing the exchange after a halt reads and writes besides orders."""

    def halt_in_force(self) -> Halt | None: ...

    def accounts_at(self, venue: str) -> Sequence[str]:
        """Every account that trades at the venue or has books."""
        ...

    def stop_plans(self, venue: str, reason: str, at: datetime) -> None:
        """End every plan that is worked at the venue: no slice follows, whenever the halt is lifted."""
        ...

    def sales_of(self, halt_id: str, account: str, symbol: str) -> Sequence[Order]:
        """The orders by which a halt empties the account, oldest first. These are not locked."""
        ...

    def last_price(self, venue: str, symbol: str) -> Decimal | None:
        """Of the last trade of the symbol that is stored."""
        ...

    def canceled_since(self, venue: str, moment: datetime) -> int:
        """How many of our orders ended canceled since a moment of wall time."""
        ...

    def settle_halt(self, halt: Halt, canceled: int, left: Sequence[str], at: datetime) -> bool:
        """False if somebody has settled, lifted or widened it meanwhile."""
        ...


class ExchangeGateway(Protocol):
    """Orders at one venue, in one account. Questions are safe to repeat; an order is sent once, by `place`."""

    @property
    def capabilities(self) -> Capabilities:
        """What the venue can do."""
        ...

    def rules(self, symbol: str) -> MarketRules:
        """Raises Unavailable (MarketClosed while the market is); Rejected if the venue does not have the symbol."""
        ...

    def place(self, request: OrderRequest) -> Evidence:
        """Send an order, once.

        Raises
        ------
        Rejected
            The exchange refused, or can't be given such an order: it is certain that there is none.
        Unavailable
            Nothing was sent: what had to be known first is not, or the rate limit leaves no room.
        OutcomeUnknown
            Anything else: the order may stand. Also when the exchange says that it has an order of that id.
        """
        ...

    def find(self, client_order_id: str, symbol: str, exchange_order_id: str | None = None) -> Evidence | None:
        """The order by our id, or by theirs where ours does not suffice, with all its fills.

        None if the exchange says that it has none. Raises Unavailable.
        """
        ...

    def cancel(self, client_order_id: str, symbol: str, exchange_order_id: str | None = None) -> bool:
        """Take an open order off the book: True if the exchange did, False if it has no such open order (any more).

        What became of the order is for `find` to say. Repeating it is harmless. Raises Unavailable.
        """
        ...

    def open_orders(self) -> Sequence[StandingOrder]:
        """Every order of the account that is open, waiting triggers included. Raises Unavailable."""
        ...

    def fills_since(self, symbol: str, since: datetime) -> Sequence[Fill]:
        """The account's own trades in a symbol from a moment of exchange time on, ascending; all pages. Raises Unavailable."""
        ...

    def transfers_since(self, since: datetime) -> Sequence[Transfer]:
        """Deposits and withdrawals that are done, ascending by time. Raises Unavailable."""
        ...

    def balances(self) -> dict[str, Decimal]:
        """Free and locked together, by asset. Raises Unavailable."""
        ...

    def balance(self, asset: str) -> Balance:
        """Of one asset; nothing of one that the account never had. Raises Unavailable."""
        ...

    def market_time(self) -> datetime:
        """The clock of the exchange's trades. Raises Unavailable."""
        ...
