"""Trades, candles and watermarks in PostgreSQL: one statement per step, whatever the size of the batch.

Trades are inserted first and concurrently, in the order of their key, so that two transactions can't wait for each other.
Whatever touches candles then holds the venue's lock to the end of the transaction: it is short, and rules out deadlocks and
lost updates among candles and watermarks altogether.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from volexswarm.adapters.postgres import watches
from volexswarm.adapters.postgres.store import PostgresTransaction
from volexswarm.market.model import Candle, Part, StoredCandle
from volexswarm.market.progress import Mark, Progress
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Columns
from volexswarm.ports import PriceWatch, Reached

# epoch + ms × 1 ms is exact; to_timestamp(ms / 1000.0) would round
_ADD_TRADES = """
WITH added AS (
    INSERT INTO trades (venue, symbol, trade_id, traded_at, price, amount, side)
    SELECT %(venue)s, symbol, id, timestamptz 'epoch' + ms * interval '1 millisecond', price, amount, side
    FROM unnest(%(symbols)s::text[], %(ids)s::bigint[], %(times)s::bigint[], %(prices)s::numeric[], %(amounts)s::numeric[],
        string_to_array(%(sides)s, NULL)) AS batch (symbol, id, ms, price, amount, side)
    ORDER BY symbol, id
    ON CONFLICT DO NOTHING
    RETURNING symbol, trade_id
)
SELECT symbol, array_agg(trade_id) AS ids FROM added GROUP BY symbol
"""

_MERGE = """
INSERT INTO candles AS stored (venue, symbol, timeframe, opened_at, open, high, low, close, volume, trade_count,
    first_trade_id, last_trade_id, closed, revision)
SELECT %(venue)s, symbol, timeframe, opened_at, open, high, low, close, volume, trade_count, first_trade_id, last_trade_id,
    late, late::integer
FROM unnest(%(symbol)s::text[], %(timeframe)s::text[], %(opened_at)s::timestamptz[], %(open)s::numeric[], %(high)s::numeric[],
    %(low)s::numeric[], %(close)s::numeric[], %(volume)s::numeric[], %(trade_count)s::integer[],
    %(first_trade_id)s::bigint[], %(last_trade_id)s::bigint[], %(late)s::boolean[])
    AS part (symbol, timeframe, opened_at, open, high, low, close, volume, trade_count, first_trade_id, last_trade_id, late)
ON CONFLICT (venue, symbol, timeframe, opened_at) DO UPDATE SET
    open = CASE WHEN excluded.first_trade_id < stored.first_trade_id THEN excluded.open ELSE stored.open END,
    high = greatest(stored.high, excluded.high),
    low = least(stored.low, excluded.low),
    close = CASE WHEN excluded.last_trade_id > stored.last_trade_id THEN excluded.close ELSE stored.close END,
    volume = stored.volume + excluded.volume,
    trade_count = stored.trade_count + excluded.trade_count,
    first_trade_id = least(stored.first_trade_id, excluded.first_trade_id),
    last_trade_id = greatest(stored.last_trade_id, excluded.last_trade_id),
    revision = stored.revision + stored.closed::integer
RETURNING *
"""

_CLOSE = """
UPDATE candles SET closed = true
FROM unnest(%(symbols)s::text[], %(timeframes)s::text[], %(until)s::timestamptz[]) AS due (symbol, timeframe, until)
WHERE candles.venue = %(venue)s AND candles.symbol = due.symbol AND candles.timeframe = due.timeframe
    AND NOT candles.closed AND candles.opened_at <= due.until
RETURNING candles.*
"""

_ADVANCE = """
INSERT INTO watermarks AS stored (venue, symbol, complete_to, last_trade_id)
SELECT %(venue)s, mark.symbol, coalesce(mark.complete_to, known.complete_to), mark.last_trade_id
FROM unnest(%(symbols)s::text[], %(complete_to)s::timestamptz[], %(last_trade_ids)s::bigint[])
    AS mark (symbol, complete_to, last_trade_id)
LEFT JOIN watermarks known ON known.venue = %(venue)s AND known.symbol = mark.symbol
WHERE coalesce(mark.complete_to, known.complete_to) IS NOT NULL
ON CONFLICT (venue, symbol) DO UPDATE SET
    complete_to = greatest(stored.complete_to, excluded.complete_to),
    last_trade_id = greatest(stored.last_trade_id, excluded.last_trade_id),
    updated_at = now()
"""

# a session that still waits for the same batch has waited since before
_KEEP_PROGRESS = """
INSERT INTO feeds AS stored (venue, session, progress, waiting_since)
VALUES (%(venue)s, %(session)s, %(progress)s, CASE WHEN %(waits)s THEN now() END)
ON CONFLICT (venue, session) DO UPDATE SET progress = excluded.progress, updated_at = now(), waiting_since = CASE
    WHEN stored.progress -> 'next_sequence' = excluded.progress -> 'next_sequence'
    THEN coalesce(stored.waiting_since, excluded.waiting_since) ELSE excluded.waiting_since END
"""

_CANDLE_FIELDS = ("open", "high", "low", "close", "volume", "trade_count", "first_trade_id", "last_trade_id")


class MarketTransaction(PostgresTransaction):
    """Implements `market.ports.MarketTransaction`."""

    def add_trades(self, venue: str, trades: Mapping[str, Columns]) -> dict[str, frozenset[int]]:
        """Store the trades that are not stored yet; their ids by symbol."""
        filled = [(symbol, columns) for symbol, columns in trades.items() if len(columns)]
        if not filled:
            return {}
        batch = {
            "venue": venue,
            "symbols": [symbol for symbol, columns in filled for _ in columns.ids],
            "ids": [value for _, columns in filled for value in columns.ids],
            "times": [value for _, columns in filled for value in columns.times],
            "prices": [value for _, columns in filled for value in columns.prices],
            "amounts": [value for _, columns in filled for value in columns.amounts],
            "sides": "".join(columns.sides for _, columns in filled),
        }
        rows = self.connection.execute(_ADD_TRADES, batch).fetchall()
        return {row["symbol"]: frozenset(row["ids"]) for row in rows}

    def progress(self, venue: str, session: str) -> Progress:
        """The session's progress; takes the venue's lock."""
        watches.hold_market(self.connection, venue)
        row = self.connection.execute(
            "SELECT progress FROM feeds WHERE venue = %s AND session = %s", (venue, session)
        ).fetchone()
        return Progress() if row is None else Progress.model_validate(row["progress"])

    def keep_progress(self, venue: str, session: str, progress: Progress) -> None:
        self.connection.execute(
            _KEEP_PROGRESS,
            {
                "venue": venue,
                "session": session,
                "progress": progress.model_dump_json(),
                "waits": progress.missing is not None,
            },
        )

    def complete_to(self, venue: str, symbols: Collection[str]) -> dict[str, datetime]:
        """The watermarks there are."""
        rows = self.connection.execute(
            "SELECT symbol, complete_to FROM watermarks WHERE venue = %s AND symbol = ANY(%s)", (venue, list(symbols))
        )
        return {row["symbol"]: row["complete_to"] for row in rows}

    def advance(self, venue: str, marks: Mapping[str, Mark]) -> None:
        """Move watermarks forward, never backwards."""
        if not marks:
            return
        batch = {
            "venue": venue,
            "symbols": list(marks),
            "complete_to": [mark.complete_to for mark in marks.values()],
            "last_trade_ids": [mark.last_trade_id for mark in marks.values()],
        }
        self.connection.execute(_ADVANCE, batch)

    def merge(self, venue: str, parts: Sequence[Part]) -> list[StoredCandle]:
        """Merge the parts into the stored candles; returns those that had been closed."""
        if not parts:
            return []
        batch: dict[str, Any] = {field: [getattr(part.candle, field) for part in parts] for field in _CANDLE_FIELDS}
        batch |= {
            "venue": venue,
            "symbol": [part.symbol for part in parts],
            "timeframe": [part.candle.timeframe.value for part in parts],
            "opened_at": [part.candle.opened_at for part in parts],
            "late": [part.late for part in parts],
        }
        rows = self.connection.execute(_MERGE, batch)
        return _in_order(_stored(row) for row in rows if row["closed"])

    def close(
        self, venue: str, complete_to: Mapping[str, datetime], timeframes: Sequence[Timeframe]
    ) -> list[StoredCandle]:
        """Close each open candle that ends at or before its symbol's watermark."""
        due = [
            (symbol, timeframe.value, moment - timeframe.length)
            for symbol, moment in complete_to.items()
            for timeframe in timeframes
        ]
        if not due:
            return []
        symbols, names, until = zip(*due, strict=True)
        batch = {"venue": venue, "symbols": list(symbols), "timeframes": list(names), "until": list(until)}
        return _in_order(_stored(row) for row in self.connection.execute(_CLOSE, batch))

    def watches(self, venue: str, symbols: Collection[str]) -> list[PriceWatch]:
        """The price watches of these symbols; the venue's lock must be held."""
        return watches.open_watches(self.connection, venue, symbols)

    def saw(self, watch: PriceWatch, reached: Reached | None) -> None:
        """Store what a watch has seen."""
        watches.saw(self.connection, watch, reached)


def _stored(row: Mapping[str, Any]) -> StoredCandle:
    values = {field: row[field] for field in _CANDLE_FIELDS}
    candle = Candle(timeframe=Timeframe(row["timeframe"]), opened_at=row["opened_at"], **values)
    return StoredCandle(row["symbol"], candle, row["revision"])


def _in_order(candles: Iterable[StoredCandle]) -> list[StoredCandle]:
    return sorted(
        candles, key=lambda stored: (stored.candle.as_of, stored.symbol, stored.candle.timeframe.milliseconds)
    )
