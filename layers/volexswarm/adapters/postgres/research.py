"""Research's statements: candles on a grid of time, and reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from volexswarm.adapters.postgres.market_clock import market_time
from volexswarm.adapters.postgres.store import PostgresTransaction
from volexswarm.market.timeframes import Timeframe
from volexswarm.research.model import Report, Step

# a candle belongs to the step in which it opened; the last one closes by `until`
_STEPS = """
SELECT symbol, round(extract(epoch FROM %(until)s - date_bin(%(length)s, opened_at, %(until)s)) / %(seconds)s)::int AS back,
    (array_agg(close::float8 ORDER BY opened_at DESC))[1] AS close, sum(close * volume)::float8 AS turnover
FROM (
    SELECT symbol, opened_at, close, volume FROM candles
    WHERE venue = %(venue)s AND symbol = ANY(%(symbols)s) AND timeframe = %(timeframe)s AND closed
      AND opened_at >= %(since)s AND opened_at <= %(last)s
) candle
GROUP BY symbol, 2
"""


class ResearchTransaction(PostgresTransaction):
    """Implements `research.ports.ResearchTransaction`."""

    def steps(
        self,
        venue: str,
        symbols: Sequence[str],
        timeframe: Timeframe,
        until: datetime,
        length: timedelta,
        count: int,
    ) -> Mapping[str, Sequence[Step | None]]:
        wanted = {
            "venue": venue,
            "symbols": list(symbols),
            "timeframe": timeframe.value,
            "until": until,
            "length": length,
            "seconds": length.total_seconds(),
            "since": until - count * length,
            "last": until - timeframe.length,
        }
        found: dict[str, list[Step | None]] = {symbol: [None] * count for symbol in symbols}
        for row in self.connection.execute(_STEPS, wanted):
            found[row["symbol"]][count - row["back"]] = Step(row["close"], row["turnover"])
        return found

    def known_since(self, venue: str, symbol: str, timeframe: Timeframe) -> datetime | None:
        row = self.connection.execute(
            "SELECT min(opened_at) AS since FROM candles WHERE venue = %s AND symbol = %s AND timeframe = %s",
            (venue, symbol, timeframe.value),
        ).fetchone()
        assert row is not None  # an aggregate always answers
        since: datetime | None = row["since"]
        return since

    def market_time(self, venue: str) -> datetime | None:
        return market_time(self.connection, venue)

    def add_report(self, report: Report) -> bool:
        row = {
            "id": report.id,
            "venue": report.venue,
            "symbols": list(report.symbols),
            "as_of": report.as_of,
            "words": report.words,
            "body": report.body,
            "pictures": Jsonb(report.pictures),
            "requested_by": report.requested_by,
            "written_at": report.written_at,
        }
        return (
            self.connection.execute(
                "INSERT INTO market_reports (id, venue, symbols, as_of, words, body, pictures, requested_by, written_at)"
                " VALUES (%(id)s, %(venue)s, %(symbols)s, %(as_of)s, %(words)s, %(body)s, %(pictures)s, %(requested_by)s,"
                " %(written_at)s) ON CONFLICT (id) DO NOTHING",
                row,
            ).rowcount
            == 1
        )
