"""Risk's statements: the account as one consistent view, its history, and the proposals that bind its money."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from psycopg.types.json import Jsonb

from volexswarm.adapters.postgres.decisions import DecidingTransaction
from volexswarm.messages import Event, Side, TradeProposed
from volexswarm.risk.model import ZERO, History, Holdings, Pending

# One statement, hence one snapshot: between two, a fill could leave the pending orders before it reaches the balances.
# Numbers travel as text inside JSON, because JSON readers make floats of them.
_HOLDINGS = """
SELECT a.mode,
    (SELECT coalesce(jsonb_object_agg(currency, amount::text), '{}') FROM balances
     WHERE venue = a.venue AND account = a.account AND ledger_account = 'assets' AND amount <> 0) AS assets,
    (SELECT amount FROM positions WHERE venue = a.venue AND account = a.account AND symbol = %(symbol)s) AS position,
    (SELECT coalesce(jsonb_agg(jsonb_build_array(symbol, side, amount::text, price::text)), '[]')
     FROM (
        -- one order for the whole proposal, or none yet
        SELECT p.symbol, p.side, coalesce(o.amount, p.amount) - coalesce(o.filled, 0) AS amount,
               coalesce(p.limit_price, p.reference_price) AS price
        FROM proposals p LEFT JOIN orders o ON o.proposal_id = p.id AND o.purpose = 'trade'
        WHERE p.venue = a.venue AND p.account = a.account AND p.state <> 'refused'
          AND NOT EXISTS (SELECT FROM order_plans WHERE proposal_id = p.id)
          AND CASE WHEN o.id IS NULL THEN p.proposed_at >= %(binding_since)s
                   ELSE o.state NOT IN ('filled', 'canceled', 'rejected', 'expired') END
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
        SELECT symbol, side, amount - filled, coalesce(limit_price, reference_price) FROM orders
        WHERE venue = a.venue AND account = a.account AND purpose IN ('take_profit', 'time_exit', 'flatten')
          AND state NOT IN ('filled', 'canceled', 'rejected', 'expired')
     ) binding) AS pending
FROM accounts a WHERE a.venue = %(venue)s AND a.account = %(account)s
"""

# Worth of one unit then, times the units of today: what came or went since is neither gain nor loss.
_HISTORY = """
SELECT
    a.units * (SELECT max(equity / nullif(units, 0)) FROM equity_snapshots
     WHERE venue = a.venue AND account = a.account AND currency = %(currency)s) AS peak,
    a.units * coalesce(
        (SELECT equity / nullif(units, 0) FROM equity_snapshots
         WHERE venue = a.venue AND account = a.account AND currency = %(currency)s AND as_of < %(day)s
         ORDER BY as_of DESC LIMIT 1),
        (SELECT equity / nullif(units, 0) FROM equity_snapshots
         WHERE venue = a.venue AND account = a.account AND currency = %(currency)s AND as_of >= %(day)s
         ORDER BY as_of LIMIT 1)) AS day_start,
    (SELECT count(*) FROM proposals
     WHERE venue = a.venue AND account = a.account AND side = 'buy' AND state <> 'refused' AND as_of >= %(day)s) AS entries
FROM accounts a WHERE a.venue = %(venue)s AND a.account = %(account)s
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

    def holdings(self, venue: str, account: str, symbol: str, binding_since: datetime) -> Holdings | None:
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
        )

    def history(self, venue: str, account: str, currency: str, day: datetime) -> History:
        row = self.connection.execute(
            _HISTORY, {"venue": venue, "account": account, "currency": currency, "day": day}
        ).fetchone()
        assert row is not None  # holdings were found, so the account is there
        return History(peak=row["peak"], day_start=row["day_start"], entries=row["entries"])

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
