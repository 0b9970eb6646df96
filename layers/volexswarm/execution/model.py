"""What execution deals in: an order as stored, a request to the exchange, the exchange's evidence, a market's rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

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
    venue: str
    account: str
    symbol: str
    side: Side
    order_type: OrderType
    amount: Decimal
    reference_price: Decimal
    as_of: datetime
    intended_at: datetime
    correlation_id: str
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    trailing_share: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    purpose: Purpose = Purpose.TRADE
    sequence: int = 0
    parent_id: str | None = None
    exchange_order_id: str | None = None
    state: OrderState = OrderState.INTENDED
    filled: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    reason: str | None = None
    attempts: int = 0
    reported_state: OrderState | None = None
    reported_filled: Decimal = Decimal(0)
    sent_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    cancel_reason: str | None = None

    @property
    def correlationid(self) -> str:
        return self.correlation_id

    @property
    def key(self) -> str:
        return f"{self.venue}:{self.symbol}"

    @property
    def is_waiting(self) -> bool:
        """Whether it is of a kind that waits at the exchange for its price; triggered or not."""
        return self.order_type.has_trigger or self.order_type is OrderType.TRAILING_STOP


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
class Balance:
    """What an account has of one asset; `free` is what no open order locks."""

    total: Decimal
    free: Decimal


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
    trailing) it takes per symbol, None for no limit. `remembers` is how long after its end an order is surely found by our id,
    None for ever: of one that was sent before that, "there is none" proves nothing. `market_buy_band` how far above the best ask
    a purchase at market goes where the venue knows no such order in base (what it does not get there is canceled); None where it
    does. `transfers` says whether it tells of all deposits and withdrawals.
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
    remembers: timedelta | None = None
    market_buy_band: Decimal | None = None
    transfers: bool = True


@dataclass(frozen=True)
class StandingOrder:
    """An order that is open at the exchange, whoever placed it."""

    symbol: str
    client_order_id: str | None
    side: Side
    amount: Decimal
    evidence: Evidence


@dataclass(frozen=True)
class OrderPlan:
    """A large order that is worked in slices; `next_slice` counts those made. `interval` is market time, `started_at` wall."""

    proposal_id: str
    venue: str
    account: str
    symbol: str
    profile: str
    amount: Decimal
    slices: int
    next_slice: int
    interval: timedelta
    worst_price: Decimal
    state: Literal["working", "done", "stopped"]
    reason: str | None
    started_at: datetime
    correlation_id: str


Occasion = Literal["start", "reconnect", "schedule", "demand"]


@dataclass(frozen=True)
class Run:
    """One comparison with the exchange; the cause of whatever it stores. `started_at` is wall time."""

    id: str
    occasion: Occasion
    started_at: datetime

    @property
    def correlationid(self) -> str:
        return self.id
