"""Strategies, candle windows and signals in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

from volexswarm.adapters.postgres.signal_rows import insert_signal
from volexswarm.adapters.postgres.store import PostgresTransaction
from volexswarm.messages import Event, Side, SignalRaised
from volexswarm.signals.model import StoredSignal, StoredStrategy
from volexswarm.signals.ports import CandleRow

_WINDOW = """
SELECT opened_at, open::float8, high::float8, low::float8, close::float8, volume::float8 FROM candles
WHERE venue = %s AND symbol = %s AND timeframe = %s AND opened_at <= %s AND closed
ORDER BY opened_at DESC LIMIT %s
"""

# a person's signal has no timeframe
_LAST_SIGNAL = """
SELECT id::text, strategy_id, side, confidence, reason, as_of FROM signals
WHERE venue = %s AND symbol = %s AND timeframe = %s AND as_of <= %s
ORDER BY as_of DESC, id DESC LIMIT 1
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

    def last_signal(self, venue: str, symbol: str, timeframe: str, until: datetime) -> StoredSignal | None:
        """The newest signal of a strategy on this timeframe by a moment of market time; None without one."""
        row = self.connection.execute(_LAST_SIGNAL, (venue, symbol, timeframe, until)).fetchone()
        return None if row is None else StoredSignal(**{**row, "side": Side(row["side"])})

    def add_signal(self, event: Event[SignalRaised]) -> bool:
        """Store the signal under its event's id; False if it is stored already."""
        return insert_signal(self.connection, event)
