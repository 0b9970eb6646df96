"""Risk's statements: the account as one consistent view, its history, and the proposals that bind its money."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from volexswarm.adapters.postgres.decisions import DecidingTransaction
from volexswarm.adapters.postgres.market_clock import market_time
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Event, Side, TradeProposed
from volexswarm.risk.breakers import Breaker, Kind, Outcome, Probe
from volexswarm.risk.model import ZERO, Bar, Holdings, Pending, Periods, Surroundings, Worths

# One statement, hence one snapshot: between two, a fill could leave the pending orders before it reaches the balances.
# Numbers travel as text inside JSON, because JSON readers make floats of them.
_HOLDINGS = """
SELECT a.mode, a.units,
    (SELECT coalesce(jsonb_object_agg(currency, amount::text), '{}') FROM (
        SELECT currency, sum(amount) AS amount FROM transfers
        WHERE venue = a.venue AND account = a.account AND value IS NULL GROUP BY currency
     ) unvalued) AS flows,
    (SELECT coalesce(jsonb_object_agg(currency, amount::text), '{}') FROM balances
     WHERE venue = a.venue AND account = a.account AND ledger_account = 'assets' AND amount <> 0) AS assets,
    (SELECT amount FROM positions WHERE venue = a.venue AND account = a.account AND symbol = %(symbol)s) AS position,
    (SELECT coalesce(jsonb_agg(jsonb_build_array(symbol, side, amount::text, price::text)), '[]')
     FROM (
        -- decided on, and no order yet
        SELECT p.symbol, p.side, p.amount,
               counted_price(p.side, p.limit_price, p.trigger_price, p.reference_price) AS price
        FROM proposals p
        WHERE p.venue = a.venue AND p.account = a.account AND p.state <> 'refused' AND p.proposed_at >= %(binding_since)s
          AND NOT EXISTS (SELECT FROM orders WHERE proposal_id = p.id AND purpose = 'trade')
          AND NOT EXISTS (SELECT FROM order_plans WHERE proposal_id = p.id)
        UNION ALL
        -- one order for the whole proposal
        SELECT p.symbol, p.side, o.amount - o.filled, counted_price(p.side, p.limit_price, p.trigger_price, p.reference_price)
        FROM orders o JOIN proposals p ON p.id = o.proposal_id
        WHERE o.venue = a.venue AND o.account = a.account AND o.purpose = 'trade'
          AND o.state NOT IN ('filled', 'canceled', 'rejected', 'expired')
        UNION ALL
        -- in slices: all that is not executed binds while the plan goes on, then only what still stands
        SELECT p.symbol, p.side,
               CASE WHEN l.state = 'working' THEN p.amount - coalesce(sum(o.filled), 0)
                    ELSE coalesce(sum(o.amount - o.filled)
                                  FILTER (WHERE o.state NOT IN ('filled', 'canceled', 'rejected', 'expired')), 0) END,
               l.worst_price
        FROM order_plans l JOIN proposals p ON p.id = l.proposal_id
             LEFT JOIN orders o ON o.proposal_id = p.id AND o.purpose = 'slice'
        WHERE l.venue = a.venue AND l.account = a.account
          AND (l.state = 'working' OR o.state NOT IN ('filled', 'canceled', 'rejected', 'expired'))
        GROUP BY p.id, l.proposal_id
        UNION ALL
        -- ways out that sell at once; a stop that waits at the exchange gives way to a sale
        SELECT symbol, side, amount - filled, counted_price(side, limit_price, trigger_price, reference_price) FROM orders
        WHERE venue = a.venue AND account = a.account AND purpose IN ('take_profit', 'time_exit', 'flatten')
          AND state NOT IN ('filled', 'canceled', 'rejected', 'expired')
     ) binding) AS pending
FROM accounts a WHERE a.venue = %(venue)s AND a.account = %(account)s
"""

# Of one unit, that is to be counted in the units of today: what came or went since is neither gain nor loss.
_WORTHS = """
SELECT
    (SELECT max(equity / nullif(units, 0)) FROM equity_snapshots
     WHERE venue = a.venue AND account = a.account AND currency = %(currency)s) AS peak,
    began.starts,
    (SELECT equity / units FROM equity_snapshots
     WHERE venue = a.venue AND account = a.account AND currency = %(currency)s AND units > 0 AND equity > 0
     ORDER BY as_of DESC LIMIT 1) AS last,
    (SELECT count(*) FROM proposals
     WHERE venue = a.venue AND account = a.account AND side = 'buy' AND state <> 'refused' AND as_of >= %(day)s) AS entries
FROM accounts a CROSS JOIN LATERAL (
    SELECT array_agg(coalesce(
        (SELECT equity / nullif(units, 0) FROM equity_snapshots
         WHERE venue = a.venue AND account = a.account AND currency = %(currency)s AND as_of < period.start
         ORDER BY as_of DESC LIMIT 1),
        (SELECT equity / nullif(units, 0) FROM equity_snapshots
         WHERE venue = a.venue AND account = a.account AND currency = %(currency)s AND as_of >= period.start
         ORDER BY as_of LIMIT 1)) ORDER BY period.place) AS starts
    FROM unnest(ARRAY[%(day)s, %(week)s, %(month)s]::timestamptz[]) WITH ORDINALITY AS period (start, place)
) began
WHERE a.venue = %(venue)s AND a.account = %(account)s
"""

_LAST_EQUITY = """
SELECT a.units * s.equity / nullif(s.units, 0) AS equity
FROM accounts a JOIN equity_snapshots s USING (venue, account)
WHERE a.venue = %(venue)s AND a.account = %(account)s AND s.currency = %(currency)s
ORDER BY s.as_of DESC LIMIT 1
"""

_BARS = """
SELECT high, low, close FROM candles
WHERE venue = %(venue)s AND symbol = %(symbol)s AND timeframe = %(timeframe)s AND closed
  AND opened_at <= %(last)s AND (%(since)s::timestamptz IS NULL OR opened_at >= %(since)s)
ORDER BY opened_at DESC LIMIT %(count)s
"""

# one step down an index for each hour of each symbol, however many candles there are
_HOURLY_CLOSES = """
SELECT wanted.symbol, array_agg(candle.close::double precision ORDER BY hour.ends) AS closes
FROM unnest(%(symbols)s::text[]) AS wanted (symbol)
CROSS JOIN generate_series(%(first)s::timestamptz, %(until)s::timestamptz, interval '1 hour') AS hour (ends)
LEFT JOIN LATERAL (
    SELECT close FROM candles
    WHERE venue = %(venue)s AND symbol = wanted.symbol AND timeframe = %(timeframe)s AND closed
      AND opened_at >= hour.ends - interval '1 hour' AND opened_at < hour.ends
    ORDER BY opened_at DESC LIMIT 1
) candle ON true
GROUP BY wanted.symbol
"""

# A trade is what was bought by one order of the strategy, as far as it was sold since, first in, first out. Cost and proceeds
# hold no fee in a third currency.
_CLOSED_TRADES = """
SELECT CASE WHEN NOT bool_or(EXISTS (
    SELECT FROM fills u WHERE u.venue = c.venue AND u.account = c.account AND u.symbol = c.symbol
    AND u.trade_id IN (c.entry_id, c.exit_id) AND u.fee <> 0 AND u.fee_currency <> ALL (string_to_array(u.symbol, '/'))
)) THEN (sum(c.proceeds) - sum(c.cost)) / sum(c.cost) END AS result
FROM closings c
JOIN fills f ON f.venue = c.venue AND f.account = c.account AND f.symbol = c.symbol AND f.trade_id = c.entry_id
JOIN orders o ON o.id = f.order_id
WHERE c.venue = %(venue)s AND c.account = %(account)s AND o.strategy_id = %(strategy)s
GROUP BY coalesce(o.proposal_id, o.id) HAVING sum(c.cost) > 0
ORDER BY max(c.closed_at) DESC, coalesce(o.proposal_id, o.id) LIMIT %(limit)s
"""

_SURROUNDINGS = """
SELECT
    (SELECT coalesce(jsonb_object_agg(strategy_id, side), '{}') FROM (
        SELECT DISTINCT ON (strategy_id) strategy_id, side FROM signals
        WHERE venue = %(venue)s AND symbol = %(symbol)s AND as_of > %(voices_since)s AND amount IS NULL
        ORDER BY strategy_id, as_of DESC, id
    ) latest) AS voices,
    (SELECT count(DISTINCT t.order_id) FROM order_transitions t JOIN orders o ON o.id = t.order_id
     WHERE t.after = 'unknown' AND t.changed_at > %(errors_since)s AND o.venue = %(venue)s AND o.account = %(account)s
    ) AS exchange_errors
"""

_BREAKERS = """
SELECT b.kind, b.scope, b.state, b.reason, b.since, b.until, b.cooldown, b.probe_id, CASE
    WHEN b.probe_id IS NULL THEN NULL
    WHEN p.id IS NULL OR p.state = 'refused' THEN 'void'
    WHEN o.filled > 0 THEN 'filled'
    WHEN o.number = 0 THEN CASE WHEN p.proposed_at < %(binding_since)s THEN 'void' ELSE 'outstanding' END
    WHEN o.standing > 0 THEN 'outstanding'
    WHEN o.failed > 0 THEN 'failed'
    ELSE 'void' END AS outcome, coalesce(p.as_of, b.since) AS probed_at
FROM breakers b LEFT JOIN proposals p ON p.id = b.probe_id
LEFT JOIN LATERAL (
    SELECT count(*) AS number, coalesce(sum(filled), 0) AS filled,
        count(*) FILTER (WHERE state NOT IN ('filled', 'canceled', 'rejected', 'expired')) AS standing,
        count(*) FILTER (WHERE state IN ('rejected', 'expired')) AS failed
    FROM orders WHERE proposal_id = p.id AND purpose IN ('trade', 'slice')
) o ON true
WHERE b.venue = %(venue)s AND b.account = %(account)s ORDER BY b.kind, b.scope
"""

_SAVE_BREAKER = """
INSERT INTO breakers (venue, account, kind, scope, state, reason, since, until, cooldown, probe_id, updated_at)
VALUES (%(venue)s, %(account)s, %(kind)s, %(scope)s, %(state)s, %(reason)s, %(since)s, %(until)s, %(cooldown)s, %(probe_id)s,
    %(at)s)
ON CONFLICT (venue, account, kind, scope) DO UPDATE SET state = EXCLUDED.state, reason = EXCLUDED.reason,
    since = EXCLUDED.since, until = EXCLUDED.until, cooldown = EXCLUDED.cooldown, probe_id = EXCLUDED.probe_id,
    updated_at = EXCLUDED.updated_at
"""

# The first valuation of an account makes its units. While money from outside has just come or gone the books' own valuation alone
# is stored: it is the one that changes the units, and this one may have been begun before.
_RECORD_EQUITY = """
WITH first AS (
    UPDATE accounts SET units = greatest(%(equity)s, 0) WHERE venue = %(venue)s AND account = %(account)s AND units IS NULL
    RETURNING units
)
INSERT INTO equity_snapshots (venue, account, as_of, currency, equity, cash, units, taken_at)
SELECT %(venue)s, %(account)s, %(as_of)s, %(currency)s, %(equity)s, %(cash)s, coalesce(f.units, a.units), %(at)s
FROM accounts a LEFT JOIN first f ON true
WHERE a.venue = %(venue)s AND a.account = %(account)s AND NOT EXISTS (
    SELECT FROM transfers WHERE venue = a.venue AND account = a.account
    AND (value IS NULL OR booked_at > %(at)s::timestamptz - interval '1 minute'))
ON CONFLICT (venue, account, as_of) DO UPDATE
SET currency = EXCLUDED.currency, equity = EXCLUDED.equity, cash = EXCLUDED.cash, units = EXCLUDED.units,
    taken_at = EXCLUDED.taken_at
"""


class RiskTransaction(DecidingTransaction):
    """Implements `risk.ports.RiskTransaction`."""

    STAGE = "risk"

    def holdings(self, venue: str, account: str, symbol: str | None, binding_since: datetime) -> Holdings | None:
        wanted = {"venue": venue, "account": account, "symbol": symbol, "binding_since": binding_since}
        row = self.connection.execute(_HOLDINGS, wanted).fetchone()
        if row is None:
            return None
        return Holdings(
            mode=row["mode"],
            assets={currency: Decimal(amount) for currency, amount in row["assets"].items()},
            position=ZERO if row["position"] is None else row["position"],
            pending=tuple(
                Pending(symbol, Side(side), max(ZERO, Decimal(amount)), Decimal(price))
                for symbol, side, amount, price in row["pending"]
            ),
            units=row["units"],
            flows={currency: Decimal(amount) for currency, amount in row["flows"].items()},
        )

    def worths(self, venue: str, account: str, currency: str, periods: Periods) -> Worths:
        keys = {"venue": venue, "account": account, "currency": currency}
        began = {"day": periods.day, "week": periods.week, "month": periods.month}
        row = self.connection.execute(_WORTHS, keys | began).fetchone()
        assert row is not None  # holdings were found, so the account is there
        day, week, month = row["starts"]
        return Worths(row["peak"], day, week, month, row["last"], row["entries"])

    def last_equity(self, venue: str, account: str, currency: str) -> Decimal | None:
        keys = {"venue": venue, "account": account, "currency": currency}
        row = self.connection.execute(_LAST_EQUITY, keys).fetchone()
        equity: Decimal | None = None if row is None else row["equity"]
        return equity

    def bars(
        self,
        venue: str,
        symbol: str,
        timeframe: Timeframe,
        until: datetime,
        count: int,
        since: datetime | None = None,
    ) -> Sequence[Bar]:
        wanted = {"venue": venue, "symbol": symbol, "timeframe": timeframe.value, "count": count}
        span = {"last": until - timeframe.length, "since": since}
        rows = self.connection.execute(_BARS, wanted | span).fetchall()
        return [Bar(**row) for row in reversed(rows)]

    def hourly_closes(
        self, venue: str, symbols: Collection[str], timeframe: Timeframe, until: datetime, hours: int
    ) -> Mapping[str, Sequence[float | None]]:
        first = until - timedelta(hours=hours - 1)
        wanted = {"venue": venue, "symbols": list(symbols), "timeframe": timeframe.value}
        rows = self.connection.execute(_HOURLY_CLOSES, wanted | {"first": first, "until": until})
        return {row["symbol"]: row["closes"] for row in rows}

    def closed_trades(self, venue: str, account: str, strategy_id: str, limit: int) -> Sequence[Decimal | None]:
        wanted = {"venue": venue, "account": account, "strategy": strategy_id, "limit": limit}
        return [row["result"] for row in self.connection.execute(_CLOSED_TRADES, wanted)]

    def surroundings(
        self, venue: str, account: str, symbol: str, voices_since: datetime, errors_since: datetime
    ) -> Surroundings:
        keys = {"venue": venue, "account": account, "symbol": symbol}
        row = self.connection.execute(
            _SURROUNDINGS, keys | {"voices_since": voices_since, "errors_since": errors_since}
        ).fetchone()
        assert row is not None  # a SELECT of scalars always gives a row
        voices = {strategy: Side(side) for strategy, side in row["voices"].items()}
        return Surroundings(voices, row["exchange_errors"])

    def breakers(self, venue: str, account: str, binding_since: datetime) -> Sequence[tuple[Breaker, Probe | None]]:
        keys = {"venue": venue, "account": account, "binding_since": binding_since}
        return [
            (_breaker(row), None if row["outcome"] is None else Probe(Outcome(row["outcome"]), row["probed_at"]))
            for row in self.connection.execute(_BREAKERS, keys)
        ]

    def save_breaker(self, venue: str, account: str, breaker: Breaker, at: datetime) -> None:
        state = {field.name: getattr(breaker, field.name) for field in fields(breaker)}
        plain = {"kind": breaker.kind.value, "cooldown": breaker.cooldown.total_seconds()}
        self.connection.execute(_SAVE_BREAKER, state | plain | {"venue": venue, "account": account, "at": at})

    def market_time(self, venue: str) -> datetime | None:
        return market_time(self.connection, venue)

    def record_equity(
        self, venue: str, account: str, currency: str, equity: Decimal, cash: Decimal, as_of: datetime, at: datetime
    ) -> None:
        valuation = {"venue": venue, "account": account, "currency": currency, "equity": equity, "cash": cash}
        self.connection.execute(_RECORD_EQUITY, {**valuation, "as_of": as_of, "at": at})

    def record_proposal(self, event: Event[TradeProposed], at: datetime) -> None:
        trade = event.data
        self.connection.execute(
            "INSERT INTO proposals (id, signal_id, strategy_id, venue, account, symbol, side, order_type, amount, limit_price,"
            " reference_price, stop_price, sizing, as_of, proposed_at, correlation_id, trigger_price, time_in_force, protection,"
            " volatility) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                event.id,
                trade.signal_id,
                trade.strategy_id,
                trade.venue,
                trade.account,
                trade.symbol,
                trade.side.value,
                trade.order_type.value,
                trade.amount,
                trade.limit_price,
                trade.reference_price,
                trade.stop_price,
                trade.sizing,
                trade.as_of,
                at,
                event.correlationid,
                trade.trigger_price,
                trade.time_in_force.value,
                None if trade.protection is None else Jsonb(trade.protection.model_dump(mode="json")),
                trade.volatility,
            ),
        )


def _breaker(row: Mapping[str, Any]) -> Breaker:
    return Breaker(
        kind=Kind(row["kind"]),
        scope=row["scope"],
        state=row["state"],
        reason=row["reason"],
        since=row["since"],
        until=row["until"],
        cooldown=timedelta(seconds=row["cooldown"]),
        probe_id=None if row["probe_id"] is None else str(row["probe_id"]),
    )
