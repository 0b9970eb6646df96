"""Compliance's statements: the account's activity in market time, and what becomes of proposals."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from volexswarm.adapters.postgres.decisions import DecidingTransaction
from volexswarm.compliance.model import Activity
from volexswarm.messages import Event, TradeProposed

# Each trade is one row: an approved proposal (its order and its fills are the same trade), or an order that came past us, known
# by fills that belong to no order of ours. An order that ended counts with what it executed, and not at all if that is nothing.
_ACTIVITY = """
WITH trades AS (
    SELECT p.symbol, p.as_of,
           CASE WHEN o.state IN ('filled', 'canceled', 'rejected', 'expired') THEN o.cost
                ELSE coalesce(o.amount, p.amount) * coalesce(p.limit_price, p.reference_price) END AS value
    FROM proposals p LEFT JOIN orders o ON o.proposal_id = p.id AND o.purpose = 'trade'
    WHERE p.venue = %(venue)s AND p.account = %(account)s AND p.state = 'approved' AND p.id <> %(itself)s AND p.as_of > %(day)s
    UNION ALL
    SELECT symbol, min(as_of), sum(price * amount) FROM fills
    WHERE venue = %(venue)s AND account = %(account)s AND order_id IS NULL AND as_of > %(day)s
    GROUP BY symbol, exchange_order_id
)
SELECT count(*) FILTER (WHERE symbol = %(symbol)s AND as_of > %(hour)s) AS of_hour,
       count(*) FILTER (WHERE symbol = %(symbol)s) AS of_day,
       coalesce(sum(value) FILTER (WHERE split_part(symbol, '/', 2) = split_part(%(symbol)s, '/', 2)), 0) AS value
FROM trades WHERE value > 0
"""


class ComplianceTransaction(DecidingTransaction):
    """Implements `compliance.ports.ComplianceTransaction`."""

    STAGE = "compliance"

    def proposal_state(self, proposal_id: str) -> str | None:
        row = self.connection.execute("SELECT state FROM proposals WHERE id = %s", (proposal_id,)).fetchone()
        return None if row is None else str(row["state"])

    def activity(self, proposal: Event[TradeProposed], hour: datetime, day: datetime) -> Activity:
        row = self.connection.execute(
            _ACTIVITY,
            {
                "venue": proposal.data.venue,
                "account": proposal.data.account,
                "symbol": proposal.data.symbol,
                "itself": proposal.id,
                "hour": hour,
                "day": day,
            },
        ).fetchone()
        assert row is not None  # an aggregate always gives a row
        return Activity(trades_of_hour=row["of_hour"], trades_of_day=row["of_day"], value_of_day=row["value"])

    def conclude(self, proposal_id: str, state: Literal["approved", "refused"]) -> None:
        self.connection.execute(
            "UPDATE proposals SET state = %s WHERE id = %s AND state = 'proposed'", (state, proposal_id)
        )
