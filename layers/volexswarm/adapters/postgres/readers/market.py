"""Reads stored candles."""

from __future__ import annotations

from datetime import datetime

from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.market.timeframes import Timeframe
from volexswarm.views.market import Candle, Candles

_CANDLES = """
SELECT opened_at, open, high, low, close, volume, trade_count, first_trade_id, last_trade_id, closed, revision FROM candles
WHERE venue = %(venue)s AND symbol = %(symbol)s AND timeframe = %(timeframe)s
  AND (%(before)s::timestamptz IS NULL OR opened_at < %(before)s)
ORDER BY opened_at DESC LIMIT %(limit)s
"""


class PostgresCandleReader:
    """CandleReader over PostgreSQL."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._scope = scope

    def candles(self, symbol: str, timeframe: Timeframe, limit: int, before: datetime | None) -> Candles:
        """The last `limit` candles that opened before `before` (or at all), oldest first."""
        parameters = {
            "venue": self._scope.venue,
            "symbol": symbol,
            "timeframe": timeframe.value,
            "before": before,
            "limit": limit,
        }
        with self._database.connection() as connection:
            rows = connection.execute(_CANDLES, parameters).fetchall()
        candles = [Candle(**row) for row in reversed(rows)]
        return Candles(venue=self._scope.venue, symbol=symbol, timeframe=timeframe.value, candles=candles)
