"""From a wish to trade to a fill in the books: signals, verdicts, proposals, orders, what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from volexswarm.messages.envelope import Channel, Instrument, Money, Queue


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    """`STOP_LOSS…` and `TAKE_PROFIT…` wait for their trigger price, then become a limit order (`…_LIMIT`) or a market order.

    `TRAILING_STOP` follows the best price at a distance.
    """

    MARKET = "market"
    LIMIT = "limit"
    STOP_LOSS = "stop_loss"
    STOP_LOSS_LIMIT = "stop_loss_limit"
    TAKE_PROFIT = "take_profit"
    TAKE_PROFIT_LIMIT = "take_profit_limit"
    TRAILING_STOP = "trailing_stop"

    @property
    def has_limit(self) -> bool:
        """Whether it names a limit price."""
        return self in _WITH_LIMIT

    @property
    def has_trigger(self) -> bool:
        """Whether it names a trigger price."""
        return self in _WITH_TRIGGER


_WITH_LIMIT = frozenset({OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT})

_WITH_TRIGGER = frozenset(
    {OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT}
)


class TimeInForce(StrEnum):
    """How long what is not filled at once stays: until canceled, not at all, all or nothing; or only as maker."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    POST_ONLY = "post_only"


class Purpose(StrEnum):
    """What an order is for: the decided trade or a slice of it, a way out of a position, or emptying the account."""

    TRADE = "trade"
    SLICE = "slice"
    STOP = "stop"
    TAKE_PROFIT = "take_profit"
    TRAILING_STOP = "trailing_stop"
    TIME_EXIT = "time_exit"
    FLATTEN = "flatten"

    @property
    def in_words(self) -> str:
        return self.value.replace("_", " ")


class OrderState(StrEnum):
    """Life of an order. `UNKNOWN`: sent, no answer; only the exchange's evidence leads out of it."""

    INTENDED = "intended"
    SUBMITTED = "submitted"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        return self in _FINAL


_FINAL = frozenset({OrderState.FILLED, OrderState.CANCELED, OrderState.REJECTED, OrderState.EXPIRED})


class Protection(BaseModel):
    """How a position is to be left when it goes wrong, or well; what is None is not asked for.

    `stop_price` and `take_profit_price` in quote per base; `trailing_share` distance from the best price since the entry, as a
    share of it; `max_holding` seconds of market time after which it is left in any case.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stop_price: Money | None = Field(default=None, gt=0)
    take_profit_price: Money | None = Field(default=None, gt=0)
    trailing_share: Money | None = Field(default=None, gt=0, lt=1)
    max_holding: int | None = Field(default=None, gt=0)

    @property
    def is_empty(self) -> bool:
        return all(value is None for value in self.model_dump().values())


class SignalRaised(Instrument):
    """Somebody wants to trade: a strategy at a candle's close, or a person (`strategy` = "manual").

    `amount` in base currency is given only by a person; otherwise risk sizes the trade. `price` is the decision price against
    which slippage is measured. `stop_price` is where the idea is wrong, if the strategy knows it; `protection` how a person wants
    the position to be left. `trigger_price` belongs to the order types that wait for one.
    """

    QUEUE: ClassVar[Queue | None] = Queue.SIGNALS
    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.SIGNALS,)

    strategy_id: str
    strategy: str
    timeframe: str | None = None
    side: Side
    confidence: float = Field(ge=0, le=1)
    price: Money
    amount: Money | None = None
    order_type: OrderType = OrderType.MARKET
    limit_price: Money | None = None
    trigger_price: Money | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    stop_price: Money | None = None
    protection: Protection | None = None
    volatility: float | None = Field(default=None, ge=0)
    as_of: AwareDatetime
    candle_opened_at: AwareDatetime | None = None
    reason: str
    indicators: dict[str, float] = Field(default_factory=dict)
    requested_by: str | None = None


class Check(BaseModel):
    """One rule's answer, readable as it stands: what was allowed, what was found.

    Where the limit is a number of the policy, `setting` names its field, `measure` is what was found in that field's own unit
    (a share of equity, a count, an amount of quote currency), and `bound` how the two compare. So another limit can be held
    against what was found then. `scale` is by what the trade was made smaller, and its limit with it, None if by nothing: the
    measure is as if it had not been, and times the scale it is what was found.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    limit: str
    value: str
    passed: bool
    setting: str | None = None
    measure: Money | None = None
    bound: Literal["at_most", "below", "at_least"] | None = None
    scale: Money | None = None


class Verdict(BaseModel):
    """What a stage decided and every check that led to it. Approved only if each check passed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: Literal["risk", "compliance"]
    approved: bool
    policy_version: int
    checks: tuple[Check, ...]

    @property
    def reason(self) -> str:
        """The failed checks in one line; empty when approved."""
        return "; ".join(f"{c.name}: {c.value} (limit {c.limit})" for c in self.checks if not c.passed)

    @classmethod
    def of(cls, stage: Literal["risk", "compliance"], policy_version: int, checks: Sequence[Check]) -> Verdict:
        """Fail closed: no check at all is no approval."""
        approved = bool(checks) and all(check.passed for check in checks)
        return cls(stage=stage, approved=approved, policy_version=policy_version, checks=tuple(checks))


class Trade(Instrument):
    """What shall be traded, with the exact size: the common part of proposal and order."""

    account: str
    signal_id: str
    strategy_id: str
    side: Side
    order_type: OrderType
    amount: Money = Field(gt=0)
    limit_price: Money | None = None
    trigger_price: Money | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reference_price: Money = Field(gt=0)
    stop_price: Money | None = None
    protection: Protection | None = None
    volatility: float | None = Field(default=None, ge=0)
    as_of: AwareDatetime

    @property
    def counted_price(self) -> Decimal:
        """What a unit counts as before it is executed, in quote currency: the limit price, else the decision price.

        A purchase that waits for a price above that costs the price it waits for. In SQL: the function `counted_price`.
        """
        if self.limit_price is not None:
            return self.limit_price
        waits_for = self.trigger_price if self.side is Side.BUY else None
        return max(waits_for or self.reference_price, self.reference_price)

    @property
    def notional(self) -> Decimal:
        """Value in quote currency at the counted price."""
        return self.amount * self.counted_price

    @property
    def group(self) -> str | None:
        return f"{self.account}:{self.venue}:{self.symbol}"


class TradeProposed(Trade):
    """Risk approved and sized it; compliance comes next. The proposal's id is this event's id."""

    QUEUE: ClassVar[Queue | None] = Queue.PROPOSALS
    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.SIGNALS,)

    sizing: str
    verdict: Verdict


class TradeRefused(Instrument):
    """Risk or compliance refused; the verdict says which check and why. Nothing was sent."""

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.SIGNALS,)

    account: str
    signal_id: str
    side: Side
    verdict: Verdict
    as_of: AwareDatetime


class OrderApproved(Trade):
    """The command to place an order: both verdicts are in. `proposal_id` gives the client order id."""

    QUEUE: ClassVar[Queue | None] = Queue.ORDERS

    proposal_id: str


class OrderCommand(Instrument):
    """A command to execution about one account's orders in one symbol."""

    QUEUE: ClassVar[Queue | None] = Queue.ORDERS

    account: str


class CancelOrder(OrderCommand):
    """Take an order off the exchange; what of it is filled stays filled. It waits behind no other command.

    `order_id` names it, or `proposal_id` a large order that is worked in slices; one of the two.
    """

    order_id: str | None = None
    proposal_id: str | None = None
    requested_by: str
    reason: str

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.order_id is None) == (self.proposal_id is None):
            raise ValueError("a cancellation names either an order or a proposal")
        return self

    @property
    def of(self) -> str:
        """The id of what is canceled."""
        named = self.order_id or self.proposal_id
        assert named is not None  # validated
        return named

    @property
    def group(self) -> str | None:
        return f"{self.account}:{self.venue}:{self.symbol}:cancel:{self.of}"


class PlaceSlice(OrderCommand):
    """Place the next part of a large order. `number` counts from 0; it waits for its time in a group of its own."""

    proposal_id: str
    number: int = Field(ge=0)
    due_at: AwareDatetime

    @property
    def group(self) -> str | None:
        return f"{self.account}:{self.venue}:{self.symbol}:slices:{self.proposal_id}"


class ReviewProtections(OrderCommand):
    """An order of this symbol has changed: the ways out of its positions must follow. `order_id` is that order.

    It waits for no order of another, and none waits for it: what it does is decided under a lock of its own.
    """

    order_id: str

    @property
    def group(self) -> str | None:
        return f"{self.account}:{self.venue}:{self.symbol}:protections"


class PriceReached(OrderCommand):
    """A trade was printed at or beyond a watched price, or the watched time has come. `price` and `as_of` of that trade.

    It does not wait behind an order of unknown outcome.
    """

    watch_id: str
    reason: Purpose
    price: Money
    as_of: AwareDatetime

    @property
    def group(self) -> str | None:
        return f"{self.account}:{self.venue}:{self.symbol}:exits"


class ProtectionChanged(Instrument):
    """The way out of a position changed: who holds it (`exchange` or `system`), or what became of it."""

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.ORDERS,)

    account: str
    order_id: str
    before: str | None
    after: str
    holder: Literal["exchange", "system"] | None
    amount: Money
    reason: str
    as_of: AwareDatetime


class OrderChanged(Instrument):
    """An order went from one state to the next; `cause` says on what evidence."""

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.ORDERS,)

    account: str
    order_id: str
    client_order_id: str
    exchange_order_id: str | None
    before: OrderState | None
    after: OrderState
    filled: Money
    cause: str
    as_of: AwareDatetime


class ExecutionReported(Instrument):
    """The exchange's word on one of the account's own orders: a new state, and a fill if `trade_id` is given.

    `fee` is in `fee_currency`. From the user-data stream, from an order's own answer, or from a query: all the same shape.
    """

    QUEUE: ClassVar[Queue | None] = Queue.FILLS

    account: str
    client_order_id: str | None
    exchange_order_id: str
    side: Side
    state: OrderState
    filled: Money
    trade_id: str | None = None
    price: Money | None = None
    amount: Money | None = None
    fee: Money | None = None
    fee_currency: str | None = None
    is_maker: bool | None = None
    as_of: AwareDatetime

    @property
    def group(self) -> str | None:
        return f"{self.account}:{self.venue}:{self.symbol}"


class FillRecorded(Instrument):
    """A fill has been applied to order, ledger and position, once. Realised P&L in quote currency, net of fees in base and quote.

    `slippage` is how much worse than the decision price the fill was, as a share of it; negative where it was better.
    """

    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.ORDERS, Channel.PORTFOLIO)

    account: str
    order_id: str | None
    trade_id: str
    side: Side
    price: Money
    amount: Money
    fee: Money
    fee_currency: str
    realised_pnl: Money
    position_amount: Money
    position_average_price: Money
    slippage: Money | None = None
    as_of: AwareDatetime
