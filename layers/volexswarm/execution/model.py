"""What execution deals in: an order as stored, a request to the exchange, the exchange's evidence, a market's rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from volexswarm.messages import OrderState, OrderType, Side
from volexswarm.ports import Fill


@dataclass(frozen=True)
class Order:
    """An order as stored. `id` is that of the OrderApproved event behind it, so that an order is itself a message's cause.

    `amount` and `limit_price` as approved, from the sending on as sent; `filled` and `cost` are the sums of the booked fills;
    `reported_state` and `reported_filled` the furthest word of the exchange, which may be ahead of the fills; `as_of` the
    decision's market time; `intended_at` wall time of its approval, so that its age also counts what the command lay in a queue;
    `sent_at` wall time of the last attempt.
    """

    id: str
    proposal_id: str
    signal_id: str
    strategy_id: str
    client_order_id: str
    exchange_order_id: str | None
    venue: str
    account: str
    symbol: str
    side: Side
    order_type: OrderType
    amount: Decimal
    limit_price: Decimal | None
    reference_price: Decimal
    state: OrderState
    filled: Decimal
    cost: Decimal
    reason: str | None
    attempts: int
    reported_state: OrderState | None
    reported_filled: Decimal
    as_of: datetime
    intended_at: datetime
    sent_at: datetime | None
    correlation_id: str

    @property
    def correlationid(self) -> str:
        return self.correlation_id

    @property
    def key(self) -> str:
        return f"{self.venue}:{self.symbol}"


@dataclass(frozen=True)
class Proposal:
    """What was proposed, as stored: `state` is `proposed`, `approved` or `refused`; an order must agree with all the rest."""

    state: str
    venue: str
    account: str
    symbol: str
    side: Side
    order_type: OrderType
    amount: Decimal
    limit_price: Decimal | None


@dataclass(frozen=True)
class OrderRequest:
    """What is sent. The exchange must refuse it when it arrives later than its acceptance window after `sent_at`."""

    client_order_id: str
    symbol: str
    side: Side
    order_type: OrderType
    amount: Decimal
    limit_price: Decimal | None
    sent_at: datetime


@dataclass(frozen=True)
class Evidence:
    """The exchange's word on one order: its state, how much of it is filled, and the fills that came along (maybe not all)."""

    exchange_order_id: str
    state: OrderState
    filled: Decimal
    fills: tuple[Fill, ...]
    as_of: datetime


@dataclass(frozen=True)
class MarketRules:
    """What a venue takes for a symbol. Steps are > 0; a limit that the venue does not set is None."""

    amount_step: Decimal
    price_step: Decimal
    min_amount: Decimal | None
    max_amount: Decimal | None
    min_notional: Decimal | None
