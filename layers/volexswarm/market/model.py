"""What the market context speaks of: candles in exact decimals, with the trade ids that bound them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from volexswarm.market.timeframes import Timeframe


@dataclass(frozen=True, slots=True)
class Candle:
    """One interval's trades summed up; a part of an interval's trades makes a candle too, and parts merge.

    `open` and `close` are the prices of the first and the last trade by id, which is what makes merging independent of order.
    Prices in quote currency, `volume` in base.
    """

    timeframe: Timeframe
    opened_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    trade_count: int
    first_trade_id: int
    last_trade_id: int

    @property
    def as_of(self) -> datetime:
        """End of the interval, in market time."""
        return self.opened_at + self.timeframe.length


@dataclass(frozen=True, slots=True)
class Part:
    """A symbol's candle made of one batch's new trades. `late`: its interval had been declared complete before them."""

    symbol: str
    candle: Candle
    late: bool


@dataclass(frozen=True, slots=True)
class StoredCandle:
    """A symbol's candle as it stands. `revision` counts the times it changed after it had been closed."""

    symbol: str
    candle: Candle
    revision: int
