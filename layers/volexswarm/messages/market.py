"""What realtime-data and market-data tell: trades, quotes, candles."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from volexswarm.messages.envelope import Channel, Instrument, Money, MoneyColumn, Payload, Queue


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


class QuotesMoved(Payload):
    """Quotes of a venue that have changed, for whoever watches; not in the journal, and the next one makes up for a lost one."""

    QUEUE: ClassVar[Queue | None] = Queue.PUSHES
    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.QUOTES,)

    venue: str
    quotes: dict[str, Quote]

    @property
    def group(self) -> str | None:
        return Channel.QUOTES.value


class TickBatch(Payload):
    """Many trades of many symbols, from one run of `realtime-data`. Repeating one is harmless: trades are stored by id.

    `watermarks`: per symbol, the exchange time through which its trades are complete in this batch and the earlier ones; a
    candle that ends at or before it may be closed. Sent also without trades, so that a quiet symbol's candles close.
    `sequence` counts from 0 without a hole within a session: a watermark comes into force only when every earlier batch of the
    session has arrived. A feed that can't keep that promise starts a new session.
    """

    QUEUE: ClassVar[Queue | None] = Queue.TICKS
    DEFLATED: ClassVar[bool] = True

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
    CHANNELS: ClassVar[tuple[Channel, ...]] = (Channel.CANDLES,)
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
