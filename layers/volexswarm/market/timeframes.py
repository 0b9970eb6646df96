"""Candle intervals: their names as ccxt writes them, their lengths, and where in time they begin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum


class Timeframe(StrEnum):
    """A candle's length. Candles begin at whole multiples of it since the Unix epoch, UTC, as exchanges do."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"

    @property
    def milliseconds(self) -> int:
        return _MINUTES[self] * 60_000

    @property
    def length(self) -> timedelta:
        return timedelta(milliseconds=self.milliseconds)

    def opening_ms(self, milliseconds: int) -> int:
        """Start, in Unix ms, of the candle that holds this moment."""
        return milliseconds - milliseconds % self.milliseconds

    def opening(self, moment: datetime) -> datetime:
        """Start of the candle that holds this moment."""
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        return moment - (moment - epoch) % self.length


_MINUTES = {
    Timeframe.M1: 1,
    Timeframe.M5: 5,
    Timeframe.M15: 15,
    Timeframe.H1: 60,
    Timeframe.H4: 240,
    Timeframe.D1: 1440,
}
