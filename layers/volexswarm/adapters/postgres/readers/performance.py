"""Reads how the account has fared: the database thins the curve and sums the trades, the domain computes the figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from psycopg.rows import DictRow

from volexswarm.adapters.postgres.database import Connection, Database
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.portfolio import performance as measures
from volexswarm.portfolio.attribution import Dimension, Part, Result, attribute, totals
from volexswarm.portfolio.performance import YEAR, CashFlow, Point, TradeSums
from volexswarm.views.performance import (
    Attribution,
    Drawdown,
    EquityHistory,
    Figure,
    HistoryPoint,
    Performance,
    Period,
    Share,
    TradeFigures,
)

_MINUTES = (1, 5, 15, 30, 60, 120, 240, 720)
_DAYS = (1, 3, 7, 30, 90, 365)
_STEPS = (*(timedelta(minutes=minutes) for minutes in _MINUTES), *(timedelta(days=days) for days in _DAYS))
_HISTORY_POINTS = 500
_RETURNS = 1_000

# A period begins with the last valuation before it, so that its first return is part of it. Nothing left is no worth of a unit.
_SPAN = """
WITH valued AS (
    SELECT as_of FROM equity_snapshots
    WHERE venue = %(venue)s AND account = %(account)s AND currency = %(currency)s AND units > 0 AND equity > 0
), latest AS (SELECT max(as_of) AS until FROM valued)
SELECT until, coalesce(
    (SELECT max(as_of) FROM valued WHERE as_of <= until - %(span)s::interval), (SELECT min(as_of) FROM valued)) AS since
FROM latest
"""

# A look into the index for each step: ten times as fast as sorting all valuations by it.
_CLOSING = """
SELECT s.as_of, s.equity, s.cash, s.equity::float8 / s.units::float8 AS worth
FROM generate_series(date_bin(%(step)s, %(since)s, 'epoch'), %(until)s, %(step)s) AS step (start)
CROSS JOIN LATERAL (
    SELECT as_of, equity, cash, units FROM equity_snapshots
    WHERE venue = %(venue)s AND account = %(account)s AND currency = %(currency)s AND units > 0 AND equity > 0
      AND as_of >= greatest(step.start, %(since)s) AND as_of < step.start + %(step)s
    ORDER BY as_of DESC LIMIT 1
) s ORDER BY s.as_of
"""

# What thinning must not lose: the first valuation, and both ends of the deepest fall.
_ENDS = """
WITH points AS (
    SELECT as_of, equity::float8 AS equity, equity::float8 / units::float8 AS worth FROM equity_snapshots
    WHERE venue = %(venue)s AND account = %(account)s AND currency = %(currency)s AND units > 0 AND equity > 0
      AND as_of >= %(since)s AND as_of <= %(until)s
), trough AS (
    SELECT as_of, equity, worth, peak FROM (SELECT *, max(worth) OVER (ORDER BY as_of) AS peak FROM points) running
    ORDER BY worth / peak, as_of LIMIT 1
)
(SELECT as_of, equity, worth FROM points WHERE as_of = %(since)s)
UNION ALL (SELECT p.as_of, p.equity, p.worth FROM points p, trough t WHERE p.worth = t.peak AND p.as_of <= t.as_of
           ORDER BY p.as_of DESC LIMIT 1)
UNION ALL (SELECT as_of, equity, worth FROM trough)
"""

_FLOWS = """
SELECT valued_as_of AS as_of, value FROM transfers
WHERE venue = %(venue)s AND account = %(account)s AND value_currency = %(currency)s
  AND valued_as_of > %(since)s AND valued_as_of <= %(until)s ORDER BY valued_as_of
"""

# An order is filled in many parts; a trade is what one order bought and another sold.
_TRADES = """
WITH closed AS (
    SELECT split_part(c.symbol, '/', 2) AS currency, sum(c.proceeds - c.cost) AS result,
           max(c.closed_at) - min(c.opened_at) AS held
    FROM closings c
    JOIN fills e ON e.venue = c.venue AND e.account = c.account AND e.symbol = c.symbol AND e.trade_id = c.entry_id
    JOIN fills x ON x.venue = c.venue AND x.account = c.account AND x.symbol = c.symbol AND x.trade_id = c.exit_id
    WHERE c.venue = %(venue)s AND c.account = %(account)s
      AND (%(since)s::timestamptz IS NULL OR c.closed_at > %(since)s)
    GROUP BY c.symbol, e.exchange_order_id COLLATE "C", x.exchange_order_id COLLATE "C"
)
SELECT currency, count(*) AS count, count(*) FILTER (WHERE result > 0) AS wins, count(*) FILTER (WHERE result < 0) AS losses,
       coalesce(sum(result) FILTER (WHERE result > 0), 0) AS won, coalesce(-sum(result) FILTER (WHERE result < 0), 0) AS lost,
       greatest(max(result), 0) AS largest_win, greatest(-min(result), 0) AS largest_loss, sum(held) AS held
FROM closed GROUP BY currency ORDER BY currency
"""

# What those figures lack.
_FEES_APART = """
SELECT split_part(symbol, '/', 2) AS currency, fee_currency, sum(fee) AS fee FROM fills
WHERE venue = %(venue)s AND account = %(account)s AND fee <> 0 AND fee_currency <> ALL (string_to_array(symbol, '/'))
  AND (%(since)s::timestamptz IS NULL OR as_of > %(since)s)
GROUP BY currency, fee_currency
"""

# Whose a fill is: a way out belongs to the order whose position it leaves.
_ORIGIN = """
SELECT f.symbol, f.trade_id, f.as_of, f.fee, f.fee_currency, coalesce(p.strategy_id, o.strategy_id, 'outside') AS strategy,
       CASE WHEN s.requested_by IS NOT NULL THEN 'api' WHEN s.id IS NOT NULL THEN 'signal'
            WHEN o.id IS NOT NULL THEN 'execution' ELSE 'outside' END AS agent
FROM fills f
LEFT JOIN orders o ON o.id = f.order_id
LEFT JOIN orders p ON p.id = o.parent_id
LEFT JOIN signals s ON s.id = coalesce(p.signal_id, o.signal_id)
WHERE f.venue = %(venue)s AND f.account = %(account)s
"""

_REALISED = f"""
SELECT o.strategy, c.symbol, o.agent, count(*) AS closed, sum(c.proceeds - c.cost) AS realised, sum(c.fees) AS fees
FROM closings c JOIN ({_ORIGIN}) o ON o.symbol = c.symbol AND o.trade_id = c.entry_id
WHERE c.venue = %(venue)s AND c.account = %(account)s AND (%(since)s::timestamptz IS NULL OR c.closed_at > %(since)s)
GROUP BY o.strategy, c.symbol, o.agent
"""  # noqa: S608 - both parts are constants of this module

_HELD = f"""
WITH held AS (
    SELECT o.strategy, l.symbol, o.agent, sum(l.amount) AS amount, sum(l.cost) AS cost
    FROM lots l JOIN ({_ORIGIN}) o ON o.symbol = l.symbol AND o.trade_id = l.trade_id
    WHERE l.venue = %(venue)s AND l.account = %(account)s GROUP BY o.strategy, l.symbol, o.agent
), marks AS (
    SELECT symbol, (SELECT price FROM trades t WHERE t.venue = %(venue)s AND t.symbol = h.symbol
                    ORDER BY trade_id DESC LIMIT 1) AS mark
    FROM (SELECT DISTINCT symbol FROM held) h
)
SELECT strategy, symbol, agent, amount * mark - cost AS unrealised FROM held JOIN marks USING (symbol)
"""  # noqa: S608

_OTHER_FEES = f"""
SELECT strategy, symbol, agent, fee_currency, sum(fee) AS fee FROM ({_ORIGIN}) o
WHERE fee <> 0 AND fee_currency <> ALL (string_to_array(symbol, '/'))
  AND (%(since)s::timestamptz IS NULL OR as_of > %(since)s)
GROUP BY strategy, symbol, agent, fee_currency
"""  # noqa: S608


class PostgresPerformanceReader:
    """PerformanceReader over PostgreSQL."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._scope = scope

    def history(self, period: Period) -> EquityHistory:
        """The equity over the period, thinned."""
        with self._database.connection() as connection:
            since, until = self._span(connection, period)
            step = _step(since, until, _HISTORY_POINTS)
            bounds = {**self._keys, "since": since, "until": until, "step": step}
            rows = connection.execute(_CLOSING, bounds).fetchall()
        return EquityHistory(
            **self._label,
            period=period,
            step_seconds=step.total_seconds(),
            points=[HistoryPoint(**row) for row in rows],
        )

    def performance(self, period: Period, risk_free: float) -> Performance:
        """Returns and ratios over the period, as of one moment."""
        with self._database.connection() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            since, until = self._span(connection, period)
            step = _step(since, until, _RETURNS)
            bounds = {**self._keys, "since": since, "until": until, "step": step}
            closing = connection.execute(_CLOSING, bounds).fetchall()
            ends = connection.execute(_ENDS, bounds).fetchall()
            flows = connection.execute(_FLOWS, bounds).fetchall()
            trades = _all_trades(connection, bounds | {"since": since if period.span else None})
            start, end = self._equities(connection, since, until)
        return Performance(
            **self._label,
            period=period,
            since=since,
            until=until,
            risk_free=risk_free,
            start_equity=start,
            end_equity=end,
            net_flows=sum((row["value"] for row in flows), Decimal(0)),
            trades=trades,
            **_measured(
                [_point(row) for row in closing],
                [_point(row) for row in ends],
                [CashFlow(row["as_of"], float(row["value"])) for row in flows],
                step,
                risk_free,
            ),
        )

    def attribution(self, by: str, period: Period) -> Attribution:
        """The result of the period, divided."""
        with self._database.connection() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            since = self._span(connection, period)[0] if period.span else None
            parts = _parts(*(connection.execute(sql, {**self._keys, "since": since}) for sql in _ATTRIBUTED))
        shares = attribute(parts, Dimension(by))
        unpriced = sorted({part.symbol for part in parts if part.result.unrealised is None})
        return Attribution(
            **self._label,
            by=by,
            period=period,
            since=since,
            shares=[_share(key, currency, result) for (key, currency), result in shares.items()],
            totals=[_share("total", currency, result) for currency, result in totals(parts).items()],
            missing=[f"{symbol}: no trade has been seen yet, there is no price to value it at" for symbol in unpriced],
        )

    @property
    def _keys(self) -> dict[str, Any]:
        return {**self._scope.keys, "currency": self._scope.valuation_currency}

    @property
    def _label(self) -> dict[str, Any]:
        scope = self._scope
        return {
            "mode": scope.mode,
            "simulated": scope.simulated,
            "venue": scope.venue,
            "account": scope.account,
            "valuation_currency": scope.valuation_currency,
        }

    def _span(self, connection: Connection, period: Period) -> tuple[datetime | None, datetime | None]:
        row = connection.execute(_SPAN, {**self._keys, "span": period.span}).fetchone()
        assert row is not None  # an aggregate always gives a row
        return row["since"], row["until"]

    def _equities(
        self, connection: Connection, since: datetime | None, until: datetime | None
    ) -> tuple[Decimal | None, Decimal | None]:
        rows = connection.execute(
            "SELECT as_of, equity FROM equity_snapshots"
            " WHERE venue = %(venue)s AND account = %(account)s AND as_of IN (%(since)s, %(until)s)",
            {**self._scope.keys, "since": since, "until": until},
        )
        known = {row["as_of"]: row["equity"] for row in rows}
        return known.get(since), known.get(until)


_ATTRIBUTED = (_REALISED, _HELD, _OTHER_FEES)


def _step(since: datetime | None, until: datetime | None, most: int) -> timedelta:
    """The shortest step of which the span has at most so many."""
    span = until - since if since and until else timedelta(0)
    return next((step for step in _STEPS if span / step <= most - 2), _STEPS[-1])


def _point(row: DictRow) -> Point:
    return Point(row["as_of"], float(row["equity"]), row["worth"])


def _measured(
    closing: list[Point], ends: list[Point], flows: list[CashFlow], step: timedelta, risk_free: float
) -> dict[str, Any]:
    curve = sorted({*closing, *ends}, key=lambda point: point.as_of)
    series = measures.returns(closing, step)
    fall = measures.max_drawdown(curve)
    figures = {
        "simple_return": measures.simple_return(curve, flows),
        "time_weighted_return": measures.time_weighted_return(curve),
        "annual_return": measures.annual_return(curve),
        "money_weighted_return": measures.money_weighted_return(curve, flows),
        "money_weighted_annual": measures.money_weighted_annual(curve, flows),
        "volatility": measures.volatility(series, step),
        "sharpe": measures.sharpe(series, step, risk_free),
        "sortino": measures.sortino(series, step, risk_free),
        "calmar": measures.calmar(curve),
    }
    return {
        **{name: _figure(figure) for name, figure in figures.items()},
        "max_drawdown": None
        if fall is None
        else Drawdown(share=fall.share, peak_at=fall.peak_at, trough_at=fall.trough_at, recovered_at=fall.recovered_at),
        "returns": len(series),
        "step_seconds": step.total_seconds(),
        "periods_per_year": YEAR / step,
    }


def _figure(figure: measures.Figure) -> Figure:
    return Figure(value=figure.value, reason=figure.reason)


def _all_trades(connection: Connection, bounds: Mapping[str, Any]) -> list[TradeFigures]:
    apart: defaultdict[str, dict[str, Decimal]] = defaultdict(dict)
    for row in connection.execute(_FEES_APART, bounds):
        apart[row["currency"]][row["fee_currency"]] = row["fee"]
    return [_trade_figures(row, apart[row["currency"]]) for row in connection.execute(_TRADES, bounds)]


def _trade_figures(row: DictRow, other_fees: dict[str, Decimal]) -> TradeFigures:
    money = {name: float(row[name]) for name in ("won", "lost", "largest_win", "largest_loss")}
    sums = TradeSums(count=row["count"], wins=row["wins"], losses=row["losses"], held=row["held"], **money)
    return TradeFigures(
        **{name: value for name, value in row.items() if name != "held"},
        win_rate=_figure(measures.win_rate(sums)),
        profit_factor=_figure(measures.profit_factor(sums)),
        expectancy=_figure(measures.expectancy(sums)),
        average_win=_figure(measures.average_win(sums)),
        average_loss=_figure(measures.average_loss(sums)),
        average_holding_seconds=_figure(measures.average_holding(sums)),
        other_fees=other_fees,
    )


def _parts(realised: Any, held: Any, other_fees: Any) -> list[Part]:
    """Each row of each kind is a part of its own: they are summed up later."""
    parts = [
        Part(row["strategy"], row["symbol"], row["agent"], Result(row["closed"], row["realised"], row["fees"]))
        for row in realised
    ]
    parts += [Part(row["strategy"], row["symbol"], row["agent"], Result(unrealised=row["unrealised"])) for row in held]
    fees: defaultdict[tuple[str, str, str], dict[str, Decimal]] = defaultdict(dict)
    for row in other_fees:
        fees[row["strategy"], row["symbol"], row["agent"]][row["fee_currency"]] = row["fee"]
    return parts + [Part(*key, Result(other_fees=charged)) for key, charged in fees.items()]


def _share(key: str, currency: str, result: Result) -> Share:
    return Share(
        key=key,
        currency=currency,
        closed=result.closed,
        realised=result.realised,
        fees=result.fees,
        unrealised=result.unrealised,
        other_fees=dict(result.other_fees),
    )
