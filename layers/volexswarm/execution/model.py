"""What execution deals in: an order as stored, a request to the exchange, the exchange's evidence, a market's rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from volexswarm.messages import OrderState, OrderType, Purpose, Side, TimeInForce
from volexswarm.ports import Fill


@dataclass(frozen=True)
class Order:
    """An order as stored. `id` is that of the OrderApproved event behind it, so that an order is itself a message's cause.

    An order that execution makes itself has an id derived from its own client order id: a slice, a way out of the position that
    the order `parent_id` opened, or a sale that empties the account (the only kind without a proposal). `sequence` numbers those
    of one purpose. `trailing_share` is a trailing stop's distance; `cancel_requested_at` (wall time) is stored before a
    cancellation is sent.

    `amount` and `limit_price` as approved, from the sending on as sent; `filled` and `cost` are the sums of the booked fills;
    `reported_state` and `reported_filled` the furthest word of the exchange, which may be ahead of the fills; `as_of` the
    decision's market time; `intended_at` wall time of its approval, so that its age also counts what the command lay in a queue;
    `sent_at` wall time of the last attempt.
    """

    id: str
    proposal_id: str | None
    signal_id: str | None
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
    purpose: Purpose = Purpose.TRADE
    sequence: int = 0
    parent_id: str | None = None
    trigger_price: Decimal | None = None
    trailing_share: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    cancel_requested_at: datetime | None = None
    cancel_reason: str | None = None

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
    trigger_price: Decimal | None
    time_in_force: TimeInForce


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
    trigger_price: Decimal | None = None
    trailing_share: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC


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


@dataclass(frozen=True)
class Capabilities:
    """What a venue can do for us, as far as it is proven offline; what it can't is done by the system, or refused in words.

    `acceptance_window` how long after `sent_at` it may still take a request, None if it sets no such limit; `finds_by_client_id`
    and `cancels_by_client_id` say whether our own id suffices; `trigger_orders` how many waiting orders (stop, take-profit,
    trailing) it takes per symbol, None for no limit.
    """

    venue: str
    client_ids: bool
    finds_by_client_id: bool
    cancels_by_client_id: bool
    order_types: frozenset[OrderType]
    times_in_force: frozenset[TimeInForce]
    acceptance_window: timedelta | None
    trigger_orders: int | None
    sandbox: bool


@dataclass(frozen=True)
class StandingOrder:
    """An order that is open at the exchange, whoever placed it."""

    symbol: str
    client_order_id: str | None
    side: Side
    amount: Decimal
    evidence: Evidence


@dataclass(frozen=True)
class Transfer:
    """Money that came to the account (`amount` > 0) or left it (< 0), apart from trading; `fee` on top, in the same currency."""

    transfer_id: str
    currency: str
    amount: Decimal
    fee: Decimal
    as_of: datetime
