"""What the feed asks of the database at its start: how far the stored trades reach without a hole, which fills are recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from volexswarm.adapters.postgres.database import Connection, Database
from volexswarm.realtime.ports import RecordedFills

NEWEST_TRADES = 200_000  # how far back a hole is looked for: what was on its way when a run died is far less
NEWEST_FILLS = 500

_REACH = """
WITH newest AS (
    SELECT trade_id FROM trades WHERE venue = %(venue)s AND symbol = %(symbol)s ORDER BY trade_id DESC LIMIT %(limit)s
), steps AS (
    SELECT trade_id, lead(trade_id) OVER (ORDER BY trade_id) AS following FROM newest
)
SELECT (SELECT first_trade_id FROM feed_origins WHERE venue = %(venue)s AND symbol = %(symbol)s) AS origin,
       (SELECT min(trade_id) FROM newest) AS lowest,
       (SELECT count(*) FROM newest) AS counted,
       (SELECT min(trade_id) FROM steps WHERE following IS NULL OR following > trade_id + 1) AS reach
"""

_FILLS = """
SELECT trade_id FROM fills WHERE venue = %s AND account = %s AND symbol = %s
ORDER BY as_of DESC, trade_id DESC LIMIT %s
"""


class PostgresFeedStore:
    """FeedStore over PostgreSQL. Every method raises Unavailable if the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def resume_after(self, venue: str, symbols: Sequence[str]) -> dict[str, int]:
        """Per symbol, the id through which no trade is missing; no entry if its feed has never begun."""
        with self._database.connection() as connection:
            reaches = {symbol: _reach(connection, venue, symbol) for symbol in symbols}
        return {symbol: reach for symbol, reach in reaches.items() if reach is not None}

    def begin(self, venue: str, symbol: str, first_trade_id: int, began_at: datetime) -> None:
        """Remember where a symbol's feed began; the first word counts."""
        with self._database.connection() as connection:
            connection.execute(
                "INSERT INTO feed_origins (venue, symbol, first_trade_id, began_at) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                (venue, symbol, first_trade_id, began_at),
            )

    def recorded_fills(self, venue: str, account: str, symbols: Sequence[str]) -> Mapping[str, RecordedFills]:
        """Newest recorded fills per symbol; empty while the account's books are not open."""
        with self._database.connection() as connection:
            opened = connection.execute(
                "SELECT opened_at FROM accounts WHERE venue = %s AND account = %s", (venue, account)
            ).fetchone()
            if opened is None:
                return {}
            return {
                symbol: RecordedFills(_fill_ids(connection, venue, account, symbol), opened["opened_at"])
                for symbol in symbols
            }


def _reach(connection: Connection, venue: str, symbol: str) -> int | None:
    found = connection.execute(_REACH, {"venue": venue, "symbol": symbol, "limit": NEWEST_TRADES}).fetchone()
    assert found is not None  # a query of scalars always answers
    origin, reach = found["origin"], found["reach"]
    if origin is None:
        return int(reach) if reach is not None else None
    if reach is None or (found["counted"] < NEWEST_TRADES and found["lowest"] > origin):
        return int(origin) - 1
    return int(reach)


def _fill_ids(connection: Connection, venue: str, account: str, symbol: str) -> frozenset[str]:
    rows = connection.execute(_FILLS, (venue, account, symbol, NEWEST_FILLS)).fetchall()
    return frozenset(row["trade_id"] for row in rows)
