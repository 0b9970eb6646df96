"""Reads backtests, searches for parameters, and searches for strategies."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from volexswarm.adapters.postgres.backtest import unpacked
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.readers import cursor as cursors
from volexswarm.adapters.postgres.readers.beginnings import bounds, the_one
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.views import studies as views
from volexswarm.views.shape import Page

POINTS = 1_000
"""Of a curve, so many are shown or a few more: a screen has no more."""

_BACKTEST = """
SELECT id::text, requested_by, venue, symbol, timeframe, strategy, parameters, since, until, candles, figures, words, made_at
"""

_BACKTESTS = (
    _BACKTEST
    + """
FROM backtests WHERE venue = %(venue)s AND (%(symbol)s::text IS NULL OR symbol = %(symbol)s)
  AND (%(moment)s::timestamptz IS NULL OR (made_at, id) < (%(moment)s, %(last)s::uuid))
ORDER BY made_at DESC, id DESC LIMIT %(rows)s
"""
)

_ONE_BACKTEST = (
    _BACKTEST
    + """, policy_version, assumptions, unfilled, trades, curve
FROM backtests WHERE venue = %(venue)s AND id BETWEEN %(low)s AND %(high)s LIMIT 2
"""
)

_OPTIMIZATION = """
SELECT id::text, requested_by, discovery_id::text, venue, symbol, timeframe, strategy, since, until, candles, budget_runs, status,
    result, words, started_at, finished_at,
    (SELECT count(*) FROM optimization_trials t WHERE t.optimization_id = optimizations.id) AS runs
FROM optimizations WHERE venue = %(venue)s
"""

_OPTIMIZATIONS = (
    _OPTIMIZATION
    + """
  AND (%(symbol)s::text IS NULL OR symbol = %(symbol)s)
  AND (%(moment)s::timestamptz IS NULL OR (started_at, id) < (%(moment)s, %(last)s::uuid))
ORDER BY started_at DESC, id DESC LIMIT %(rows)s
"""
)

_TRIALS = """
SELECT fold, number, parameters, sharpe, reason, total_return, trades FROM optimization_trials
WHERE optimization_id = %(id)s ORDER BY fold, number
"""

_DISCOVERY = """
SELECT id::text, requested_by, venue, symbols, days, until, status, result, words, started_at, finished_at
FROM discoveries WHERE venue = %(venue)s
"""

_DISCOVERIES = (
    _DISCOVERY
    + """
  AND (%(symbol)s::text IS NULL OR %(symbol)s = ANY(symbols))
  AND (%(moment)s::timestamptz IS NULL OR (started_at, id) < (%(moment)s, %(last)s::uuid))
ORDER BY started_at DESC, id DESC LIMIT %(rows)s
"""
)


class PostgresStudyReader:
    """StudyReader over PostgreSQL."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._scope = scope

    def backtests(self, symbol: str | None, limit: int, cursor: str | None) -> Page[views.Backtest]:
        """Newest first."""
        rows = self._page(_BACKTESTS, symbol, limit, cursor)
        return cursors.page(rows, limit, self._backtest, lambda row: (row["made_at"], row["id"]))

    def backtest(self, backtest_id: str) -> views.BacktestDetail:
        """The backtest whose id begins so. Raises NotFound, or Conflict if several do."""
        row = self._one("backtest", _ONE_BACKTEST, backtest_id)
        trades, curve = unpacked(row["trades"]), unpacked(row["curve"])
        return views.BacktestDetail(
            backtest=self._backtest(row),
            policy_version=row["policy_version"],
            assumptions=row["assumptions"],
            unfilled=row["unfilled"],
            trades=[views.SupposedTrade(**trade) for trade in trades["closed"]],
            open_trade=None if trades["open"] is None else views.SupposedPosition(**trades["open"]),
            curve=[views.CurvePoint(at=at, equity=equity) for at, equity in _thinned(curve)],
        )

    def optimizations(self, symbol: str | None, limit: int, cursor: str | None) -> Page[views.Optimization]:
        """Newest first."""
        rows = self._page(_OPTIMIZATIONS, symbol, limit, cursor)
        return cursors.page(rows, limit, self._optimization, lambda row: (row["started_at"], row["id"]))

    def optimization(self, optimization_id: str) -> views.OptimizationDetail:
        """The search whose id begins so, with its trials. Raises NotFound, or Conflict if several do."""
        row = self._one("optimization", _OPTIMIZATION + " AND id BETWEEN %(low)s AND %(high)s LIMIT 2", optimization_id)
        trials = self._rows(_TRIALS, {"id": row["id"]})
        return views.OptimizationDetail(
            optimization=self._optimization(row), trials=[views.SearchTrial(**trial) for trial in trials]
        )

    def discoveries(self, symbol: str | None, limit: int, cursor: str | None) -> Page[views.Discovery]:
        """Newest first."""
        rows = self._page(_DISCOVERIES, symbol, limit, cursor)
        return cursors.page(rows, limit, self._discovery, lambda row: (row["started_at"], row["id"]))

    def discovery(self, discovery_id: str) -> views.Discovery:
        """The search for strategies whose id begins so. Raises NotFound, or Conflict if several do."""
        return self._discovery(
            self._one("discovery", _DISCOVERY + " AND id BETWEEN %(low)s AND %(high)s LIMIT 2", discovery_id)
        )

    @property
    def _label(self) -> dict[str, Any]:
        return {"mode": self._scope.mode, "simulated": self._scope.simulated}

    def _backtest(self, row: DictRow) -> views.Backtest:
        return views.Backtest(**row, **self._label)

    def _optimization(self, row: DictRow) -> views.Optimization:
        return views.Optimization(**row, **self._label)

    def _discovery(self, row: DictRow) -> views.Discovery:
        return views.Discovery(**row, **self._label)

    def _page(self, query: str, symbol: str | None, limit: int, cursor: str | None) -> list[DictRow]:
        moment, last = cursors.decode(cursor, (UUID,))
        return self._rows(query, {"symbol": symbol, "moment": moment, "last": last, "rows": limit + 1})

    def _one(self, kind: str, query: str, key: str) -> DictRow:
        span = bounds(key)
        rows = [] if span is None else self._rows(query, span)
        the_one(kind, key, [row["id"] for row in rows])
        return rows[0]

    def _rows(self, query: str, wanted: dict[str, Any]) -> list[DictRow]:
        with self._database.connection() as connection:
            return connection.execute(query, wanted | self._scope.keys).fetchall()


def _thinned(curve: list[Any]) -> list[Any]:
    step = max(1, len(curve) // POINTS)
    kept = curve[::step]
    return kept if not curve or kept[-1] == curve[-1] else [*kept, curve[-1]]
