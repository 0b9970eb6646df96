"""How a signal becomes a row: the same for a strategy's and for a person's."""

from __future__ import annotations

from psycopg.types.json import Jsonb

from volexswarm.adapters.postgres.database import Connection
from volexswarm.messages import Event, SignalRaised

_INSERT = """
INSERT INTO signals (id, strategy_id, strategy, venue, symbol, timeframe, side, confidence, price, amount, stop_price, as_of,
    candle_opened_at, reason, indicators, requested_by, raised_at, correlation_id)
VALUES (%(id)s, %(strategy_id)s, %(strategy)s, %(venue)s, %(symbol)s, %(timeframe)s, %(side)s, %(confidence)s, %(price)s,
    %(amount)s, %(stop_price)s, %(as_of)s, %(candle_opened_at)s, %(reason)s, %(indicators)s, %(requested_by)s, %(raised_at)s,
    %(correlation_id)s)
ON CONFLICT (id) DO NOTHING
"""


def insert_signal(connection: Connection, event: Event[SignalRaised]) -> bool:
    """Store the signal under its event's id; False if it is stored already."""
    values = event.data.model_dump() | {
        "indicators": Jsonb(event.data.indicators),
        "id": event.id,
        "raised_at": event.time,
        "correlation_id": event.correlationid,
    }
    return connection.execute(_INSERT, values).rowcount == 1
