"""Every message on the wire, as CloudEvents 1.0, and the one way to write and read it.

An event's id is derived from what caused it, so that doing the same work twice gives the same message twice, and whoever
receives it can drop the second. Commands are imperative, events are in the past tense; both travel in the same envelope.
"""

from __future__ import annotations

import base64
import uuid
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, ClassVar, Generic, Literal, Protocol, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from volexswarm.errors import InvalidInput

NAMESPACE = uuid.UUID("6f0c8b1e-9a0b-5d5e-8b51-6d1f6f1c7a11")
PREFIX = "volexswarm."
MAX_MESSAGE_BYTES = 262_144
"""256 KiB: what every SQS, old or new, and every emulator takes."""


def _plain(value: Decimal) -> str:
    return format(value, "f")


Money = Annotated[Decimal, PlainSerializer(_plain, return_type=str, when_used="json")]
"""An exact amount or price; a plain decimal string on the wire, never an exponent."""


def _all_plain(values: list[Decimal]) -> list[str]:
    return [format(value, "f") for value in values]


MoneyColumn = Annotated[list[Decimal], PlainSerializer(_all_plain, return_type=list[str], when_used="json")]
"""Many of them, written in one call: there are two for each trade, and a call for each would be a third of the writing."""


class Queue(StrEnum):
    """The queues by their short names; a FIFO queue's name ends in `.fifo`, as SQS wants it."""

    TICKS = "ticks"
    CANDLES = "candles"
    SIGNALS = "signals"
    PROPOSALS = "proposals"
    ORDERS = "orders.fifo"
    FILLS = "fills.fifo"
    EVENTS = "events"

    @property
    def is_fifo(self) -> bool:
        return self.value.endswith(".fifo")

    @property
    def dead_letters(self) -> str:
        """Short name of the queue's dead-letter queue."""
        return f"{self.value.removesuffix('.fifo')}-dead{'.fifo' if self.is_fifo else ''}"


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"


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


class Payload(BaseModel):
    """The `data` of an event. A class names its type on the wire and the queue that carries it on, if any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    QUEUE: ClassVar[Queue | None] = None

    @classmethod
    def type_name(cls) -> str:
        """CloudEvents `type`, for example `volexswarm.CandleClosed`."""
        return PREFIX + cls.__name__

    @property
    def group(self) -> str | None:
        """Message group: what must stay in order among itself on a FIFO queue."""
        return None


class Instrument(Payload):
    """A payload that speaks of one symbol at one venue."""

    venue: str
    symbol: str

    @property
    def key(self) -> str:
        return f"{self.venue}:{self.symbol}"


class Columns(BaseModel):
    """Trades of one symbol in columns, ascending by id, all of equal length.

    `ids` venue's trade ids; `times` exchange time in Unix ms; `prices` quote per base; `amounts` in base;
    `sides` one letter per trade, the taker's side: b or s.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ids: list[int]
    times: list[int]
    prices: MoneyColumn
    amounts: MoneyColumn
    sides: str = Field(pattern="^[bs]*$")

    @model_validator(mode="after")
    def _equally_long(self) -> Columns:
        lengths = {len(self.ids), len(self.times), len(self.prices), len(self.amounts), len(self.sides)}
        if len(lengths) != 1:
            raise ValueError(f"columns differ in length: {sorted(lengths)}")
        return self

    def __len__(self) -> int:
        return len(self.ids)


class Quote(BaseModel):
    """Best bid and ask. `as_of` is the exchange's time, `received_at` ours: staleness is judged by ours."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bid: Money
    ask: Money
    as_of: AwareDatetime
    received_at: AwareDatetime

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2


class TickBatch(Payload):
    """Many trades of many symbols, from one run of `realtime-data`. Repeating one is harmless: trades are stored by id.

    `watermarks`: per symbol, the exchange time through which its trades are complete in this batch and the earlier ones; a
    candle that ends at or before it may be closed. Sent also without trades, so that a quiet symbol's candles close.
    `sequence` counts from 0 without a hole within a session: a watermark comes into force only when every earlier batch of the
    session has arrived. A feed that can't keep that promise starts a new session.
    """

    QUEUE: ClassVar[Queue | None] = Queue.TICKS

    venue: str
    session: str
    sequence: int = Field(ge=0)
    trades: dict[str, Columns]
    watermarks: dict[str, AwareDatetime]


class CandleClosed(Instrument):
    """A candle that is complete as far as the feed can tell. `as_of` is the end of its interval, in market time.

    `WORTH`: wall time after which it raises no signal any more, for the market that it speaks of is gone.
    """

    QUEUE: ClassVar[Queue | None] = Queue.CANDLES
    WORTH: ClassVar[timedelta] = timedelta(minutes=15)

    timeframe: str
    opened_at: AwareDatetime
    as_of: AwareDatetime
    open: Money
    high: Money
    low: Money
    close: Money
    volume: Money
    trade_count: int
    first_trade_id: int
    last_trade_id: int


class CandleCorrected(CandleClosed):
    """A late trade changed a candle that had been closed; `revision` counts such changes, from 1."""

    QUEUE: ClassVar[Queue | None] = None

    revision: int = Field(ge=1)


class SignalRaised(Instrument):
    """Somebody wants to trade: a strategy at a candle's close, or a person (`strategy` = "manual").

    `amount` in base currency is given only by a person; otherwise risk sizes the trade. `price` is the decision price against
    which slippage is measured. `stop_price` is where the idea is wrong, if the strategy knows it.
    """

    QUEUE: ClassVar[Queue | None] = Queue.SIGNALS

    strategy_id: str
    strategy: str
    timeframe: str | None = None
    side: Side
    confidence: float = Field(ge=0, le=1)
    price: Money
    amount: Money | None = None
    order_type: OrderType = OrderType.MARKET
    limit_price: Money | None = None
    stop_price: Money | None = None
    volatility: float | None = Field(default=None, ge=0)
    as_of: AwareDatetime
    candle_opened_at: AwareDatetime | None = None
    reason: str
    indicators: dict[str, float] = Field(default_factory=dict)
    requested_by: str | None = None


class Check(BaseModel):
    """One rule's answer, readable as it stands: what was allowed, what was found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    limit: str
    value: str
    passed: bool


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
    reference_price: Money = Field(gt=0)
    stop_price: Money | None = None
    as_of: AwareDatetime

    @property
    def notional(self) -> Decimal:
        """Value in quote currency at the limit price, or at the decision price of a market order."""
        return self.amount * (self.limit_price or self.reference_price)

    @property
    def group(self) -> str | None:
        return f"{self.account}:{self.venue}:{self.symbol}"


class TradeProposed(Trade):
    """Risk approved and sized it; compliance comes next. The proposal's id is this event's id."""

    QUEUE: ClassVar[Queue | None] = Queue.PROPOSALS

    sizing: str
    verdict: Verdict


class TradeRefused(Instrument):
    """Risk or compliance refused; the verdict says which check and why. Nothing was sent."""

    account: str
    signal_id: str
    side: Side
    verdict: Verdict
    as_of: AwareDatetime


class OrderApproved(Trade):
    """The command to place an order: both verdicts are in. `proposal_id` gives the client order id."""

    QUEUE: ClassVar[Queue | None] = Queue.ORDERS

    proposal_id: str


class OrderChanged(Instrument):
    """An order went from one state to the next; `cause` says on what evidence."""

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
    """A fill has been applied to order, ledger and position, once. Realised P&L in quote currency, net of fees."""

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
    as_of: AwareDatetime


class AccountOpened(Payload):
    """The books of an account start with the exchange's balances at this moment."""

    venue: str
    account: str
    balances: dict[str, Money]
    as_of: AwareDatetime


DataT = TypeVar("DataT", bound=Payload)


class Cause(Protocol):
    """What led to a message: an event, or the memory of one that is stored elsewhere."""

    @property
    def id(self) -> str: ...

    @property
    def correlationid(self) -> str: ...


class Event(BaseModel, Generic[DataT]):
    """CloudEvents 1.0 envelope. `correlationid` is shared by the whole chain; `causationid` is the message that led here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: AwareDatetime
    correlationid: str
    causationid: str | None = None
    data: DataT

    @classmethod
    def root(cls, data: DataT, *, source: str, subject: str, identity: str, time: datetime) -> Event[DataT]:
        """The first message of a chain. `identity` says what makes it unique: the same identity gives the same id."""
        event_id = str(uuid.uuid5(NAMESPACE, f"{data.type_name()}/{identity}"))
        return cls(
            id=event_id,
            source=source,
            type=data.type_name(),
            subject=subject,
            time=time,
            correlationid=event_id,
            data=data,
        )

    @classmethod
    def caused_by(
        cls,
        cause: Cause,
        data: DataT,
        *,
        source: str,
        subject: str,
        time: datetime,
        correlationid: str | None = None,
        new_chain: bool = False,
    ) -> Event[DataT]:
        """The next message of a chain; its id is derived from the cause, the type and the subject.

        It stays in the cause's chain, unless `correlationid` puts it into another (a fill belongs to its order's story) or
        `new_chain` starts one (a closed candle begins the story of a trade).
        """
        event_id = str(uuid.uuid5(NAMESPACE, f"{cause.id}/{data.type_name()}/{subject}"))
        return cls(
            id=event_id,
            source=source,
            type=data.type_name(),
            subject=subject,
            time=time,
            correlationid=event_id if new_chain else correlationid or cause.correlationid,
            causationid=cause.id,
            data=data,
        )


_DEFLATED = "deflate"
_ENVELOPE = TypeAdapter(dict[str, Any])


def encode(event: Event[Any]) -> str:
    """One event as JSON text for a queue; a TickBatch's data is deflated into CloudEvents' `data_base64`."""
    if event.type != TickBatch.type_name():
        return event.model_dump_json()
    envelope = event.model_dump(mode="json", exclude={"data"})
    packed = zlib.compress(event.data.model_dump_json().encode(), level=1)  # level 3: twice the time for 5 % less
    envelope |= {"contentencoding": _DEFLATED, "data_base64": base64.b64encode(packed).decode()}
    return _ENVELOPE.dump_json(envelope).decode()


def decode(body: str, expected: type[DataT]) -> Event[DataT]:
    """Read one message and check it against its type; `Payload` itself stands for any type there is.

    Raises
    ------
    InvalidInput
        If it is no CloudEvent, of another type, or its data does not fit.
    """
    try:
        raw = _ENVELOPE.validate_json(body)
        if raw.pop("contentencoding", None) == _DEFLATED:
            packed = base64.b64decode(raw.pop("data_base64"))
            raw["data"] = _ENVELOPE.validate_json(zlib.decompress(packed))
        kind = _known_types().get(raw.get("type", ""), expected) if expected is Payload else expected
        if raw.get("type") != kind.type_name():
            raise InvalidInput("type", raw.get("type"), expected.type_name())
        return Event[kind].model_validate(raw)  # type: ignore[valid-type]
    except (ValidationError, ValueError, zlib.error, KeyError) as error:
        raise InvalidInput("message", body[:200], f"a {expected.type_name()} event ({error})") from error


@cache
def _known_types() -> dict[str, type[Any]]:
    """Every payload that may travel, by its name on the wire."""
    found: list[type[Payload]] = [Payload]
    for kind in found:  # grows while it is walked
        found += kind.__subclasses__()
    return {kind.type_name(): kind for kind in found}
