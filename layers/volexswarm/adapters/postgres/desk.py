"""The desk's statements: a person's signal, stored once and found again."""

from __future__ import annotations

from psycopg.types.json import Jsonb

from volexswarm.adapters.postgres.store import PostgresTransaction
from volexswarm.errors import NotFound
from volexswarm.messages import Event, SignalRaised

_ADD = """
INSERT INTO signals (id, strategy_id, strategy, venue, symbol, timeframe, side, confidence, price, amount, stop_price, as_of,
                     candle_opened_at, reason, indicators, requested_by, raised_at, correlation_id)
VALUES (%(id)s, %(strategy_id)s, %(strategy)s, %(venue)s, %(symbol)s, %(timeframe)s, %(side)s, %(confidence)s, %(price)s,
        %(amount)s, %(stop_price)s, %(as_of)s, %(candle_opened_at)s, %(reason)s, %(indicators)s, %(requested_by)s,
        %(raised_at)s, %(correlation_id)s)
ON CONFLICT (id) DO NOTHING
"""


class DeskTransaction(PostgresTransaction):
    """`volexswarm.desk.ports.DeskTransaction` on PostgreSQL."""

    def add_signal(self, event: Event[SignalRaised]) -> bool:
        """Store the signal; False if one with this id is there already."""
        parameters = {
            **event.data.model_dump(),
            "indicators": Jsonb(event.data.indicators),
            "id": event.id,
            "raised_at": event.time,
            "correlation_id": event.correlationid,
        }
        return self.connection.execute(_ADD, parameters).rowcount == 1

    def signal(self, signal_id: str) -> SignalRaised:
        """What was published under this id, read from the journal: the row of the signal holds no order type."""
        row = self.connection.execute("SELECT data FROM events WHERE id = %s", (signal_id,)).fetchone()
        if row is None:
            raise NotFound("signal", signal_id)
        return SignalRaised.model_validate(row["data"])
