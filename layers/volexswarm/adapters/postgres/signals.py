"""Strategies, candle windows and signals in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

from volexswarm.adapters.postgres.signal_rows import insert_signal
from volexswarm.adapters.postgres.store import PostgresTransaction
from volexswarm.messages import Event, SignalRaised
from volexswarm.signals.model import StoredStrategy
from volexswarm.signals.ports import CandleRow

_WINDOW = """
SELECT opened_at, open::float8, high::float8, low::float8, close::float8, volume::float8 FROM candles
WHERE venue = %s AND symbol = %s AND timeframe = %s AND opened_at <= %s AND closed
ORDER BY opened_at DESC LIMIT %s
"""


class SignalsTransaction(PostgresTransaction):
    """Implements `signals.ports.SignalsTransaction`."""

    def active_strategies(self, venue: str, symbol: str, timeframe: str) -> list[StoredStrategy]:
        """Ascending by id."""
        rows = self.connection.execute(
            "SELECT id, template, parameters FROM strategies"
            " WHERE venue = %s AND symbol = %s AND timeframe = %s AND status = 'active' ORDER BY id",
            (venue, symbol, timeframe),
        )
        return [StoredStrategy(row["id"], row["template"], row["parameters"]) for row in rows]

    def window(self, venue: str, symbol: str, timeframe: str, until: datetime, length: int) -> list[CandleRow]:
        """The last `length` closed candles that opened at or before `until`, ascending."""
        rows = self.connection.execute(_WINDOW, (venue, symbol, timeframe, until, length)).fetchall()
        return [
            (row["opened_at"], row["open"], row["high"], row["low"], row["close"], row["volume"])
            for row in reversed(rows)
        ]

    def add_signal(self, event: Event[SignalRaised]) -> bool:
        """Store the signal under its event's id; False if it is stored already."""
        return insert_signal(self.connection, event)
