"""What execution needs of the world: its tables, and the exchange."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from volexswarm.execution.model import Evidence, MarketRules, Order, OrderRequest, Proposal
from volexswarm.messages import OrderState
from volexswarm.ports import Transaction


class ExecutionTransaction(Transaction, Protocol):
    """Execution's part of a stored change. An order that is read here is locked until the change is stored."""

    def proposal(self, proposal_id: str) -> Proposal | None:
        """The proposal as stored; None if there is none."""
        ...

    def add_order(self, order: Order) -> bool:
        """Store a new intent; False if there is one of that proposal already."""
        ...

    def order_of_proposal(self, proposal_id: str) -> Order: ...

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


class ExchangeGateway(Protocol):
    """Orders at one venue, in one account."""

    @property
    def acceptance_window(self) -> timedelta | None:
        """How long after `sent_at` the exchange may still take a request; None if it sets no such limit."""
        ...

    def rules(self, symbol: str) -> MarketRules:
        """Raises Unavailable; Rejected if the venue does not trade the symbol."""
        ...

    def place(self, request: OrderRequest) -> Evidence:
        """Send an order, once.

        Raises
        ------
        Rejected
            The exchange refused: it is certain that there is no order.
        OutcomeUnknown
            Anything else: the order may stand. Also when the exchange says that it has an order of that id.
        """
        ...

    def find(self, client_order_id: str, symbol: str) -> Evidence | None:
        """The order by our id, with all its fills; None if the exchange says that it has none. Raises Unavailable."""
        ...
