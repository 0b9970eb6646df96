"""Reads news, strategies with their record, and market reports."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.playbook import PlaybookTransaction
from volexswarm.adapters.postgres.readers import cursor as cursors
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.errors import NotFound
from volexswarm.messages import StrategyChanged, StrategyStatus
from volexswarm.playbook.agent import TRADES
from volexswarm.playbook.lifecycle import WAYS
from volexswarm.playbook.record import track_record
from volexswarm.views.research import MarketReport, NewsItem, Record, StatusChange, Strategy, StrategyDetail
from volexswarm.views.shape import Page

_NEWS = """
SELECT id::text, origin AS source, headline, url, symbols, score, scorer, published_at, received_at, submitted_by FROM news_items
WHERE (%(symbol)s::text IS NULL OR symbols = '{}' OR %(symbol)s = ANY(symbols))
  AND (%(moment)s::timestamptz IS NULL OR (published_at, id) < (%(moment)s, %(last)s::uuid))
ORDER BY published_at DESC, id DESC LIMIT %(rows)s
"""

_STRATEGIES = """
SELECT s.id, s.template, s.venue, s.symbol, s.timeframe, s.parameters, s.status, s.created_at, s.updated_at,
    last.side AS last_side, last.as_of AS last_signal_at
FROM strategies s LEFT JOIN LATERAL (
    SELECT side, as_of FROM signals WHERE strategy_id = s.id ORDER BY as_of DESC, id DESC LIMIT 1
) last ON true
WHERE s.venue = %(venue)s
"""

_PAGE_OF_STRATEGIES = (
    _STRATEGIES
    + """
  AND (%(symbol)s::text IS NULL OR s.symbol = %(symbol)s) AND (%(status)s::text IS NULL OR s.status = %(status)s)
  AND (%(moment)s::timestamptz IS NULL OR (s.updated_at, s.id) < (%(moment)s, %(last)s))
ORDER BY s.updated_at DESC, s.id DESC LIMIT %(rows)s
"""
)

_CHANGES = """
SELECT data ->> 'before' AS before, data ->> 'after' AS after, data ->> 'actor' AS actor, data ->> 'reason' AS reason,
    occurred_at AS at
FROM events WHERE type = %(type)s AND subject = %(id)s ORDER BY occurred_at DESC, id DESC LIMIT 100
"""

_REPORTS = """
SELECT id::text, venue, symbols, as_of, words, body, pictures, requested_by, written_at FROM market_reports
WHERE (%(id)s::uuid IS NULL OR id = %(id)s) AND (%(symbol)s::text IS NULL OR %(symbol)s = ANY(symbols))
  AND (%(moment)s::timestamptz IS NULL OR (written_at, id) < (%(moment)s, %(last)s::uuid))
ORDER BY written_at DESC, id DESC LIMIT %(rows)s
"""


class PostgresResearchReader:
    """ResearchReader over PostgreSQL."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._scope = scope

    def news(self, symbol: str | None, limit: int, cursor: str | None) -> Page[NewsItem]:
        """Newest first; of one symbol and of the whole market, or all."""
        moment, last = cursors.decode(cursor, (UUID,))
        rows = self._rows(_NEWS, {"symbol": symbol, "moment": moment, "last": last, "rows": limit + 1})
        return cursors.page(rows, limit, lambda row: NewsItem(**row), lambda row: (row["published_at"], row["id"]))

    def strategies(
        self, symbol: str | None, status: StrategyStatus | None, limit: int, cursor: str | None
    ) -> Page[Strategy]:
        """Those that changed last first."""
        moment, last = cursors.decode(cursor, (str,))
        wanted = {**self._scope.keys, "symbol": symbol, "status": status, "moment": moment, "last": last}
        rows = self._rows(_PAGE_OF_STRATEGIES, wanted | {"rows": limit + 1})
        return cursors.page(rows, limit, lambda row: Strategy(**row), lambda row: (row["updated_at"], row["id"]))

    def strategy(self, strategy_id: str) -> StrategyDetail:
        """One strategy. Raises NotFound."""
        wanted = {**self._scope.keys, "id": strategy_id, "type": StrategyChanged.type_name()}
        with self._database.connection() as connection:
            row = connection.execute(_STRATEGIES + " AND s.id = %(id)s", wanted).fetchone()
            if row is None:
                raise NotFound("strategy", strategy_id)
            changes = connection.execute(_CHANGES, wanted).fetchall()
            results = PlaybookTransaction(connection).results(
                self._scope.venue, self._scope.account, row["symbol"], [strategy_id], None, TRADES
            )
        fared = track_record(results)
        strategy = Strategy(**row)
        return StrategyDetail(
            strategy=strategy,
            record=None if fared is None else Record(**vars(fared)),
            changes=[StatusChange(**change) for change in changes],
            next=list(WAYS[strategy.status]),
        )

    def reports(self, symbol: str | None, limit: int, cursor: str | None) -> Page[MarketReport]:
        """Newest first."""
        moment, last = cursors.decode(cursor, (UUID,))
        wanted = {"id": None, "symbol": symbol, "moment": moment, "last": last, "rows": limit + 1}
        rows = self._rows(_REPORTS, wanted)
        return cursors.page(rows, limit, lambda row: MarketReport(**row), lambda row: (row["written_at"], row["id"]))

    def report(self, report_id: str) -> MarketReport:
        """One report. Raises NotFound."""
        try:
            wanted: dict[str, Any] = {"id": UUID(report_id), "symbol": None, "moment": None, "last": None, "rows": 1}
        except ValueError as error:
            raise NotFound("report", report_id) from error
        rows = self._rows(_REPORTS, wanted)
        if not rows:
            raise NotFound("report", report_id)
        return MarketReport(**rows[0])

    def _rows(self, query: str, wanted: dict[str, Any]) -> list[DictRow]:
        with self._database.connection() as connection:
            return connection.execute(query, wanted).fetchall()
