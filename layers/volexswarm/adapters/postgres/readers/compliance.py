"""Reads flags, and reports of a day or a month in market time."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.readers import cursor as cursors
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.views import compliance as views
from volexswarm.views.shape import Page

_FLAGS = """
SELECT id::text, rule, subject, day, state, count, detail, first_as_of, last_as_of, raised_at, escalated_by, escalated_at,
       escalation_reason, cleared_by, cleared_at, clearing_reason, correlation_id::text
FROM compliance_flags
WHERE venue = %(venue)s AND account = %(account)s AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(moment)s::timestamptz IS NULL OR (raised_at, id) < (%(moment)s, %(last)s::uuid))
ORDER BY raised_at DESC, id DESC LIMIT %(rows)s
"""

_ORDERS = """
SELECT symbol, purpose, state, count(*) AS orders FROM orders
WHERE venue = %(venue)s AND account = %(account)s AND as_of >= %(since)s AND as_of < %(until)s
GROUP BY symbol, purpose, state ORDER BY symbol, purpose, state
"""

_CANCELED = """
SELECT avg((state = 'canceled' AND filled = 0)::int)::float AS share FROM orders
WHERE venue = %(venue)s AND account = %(account)s AND as_of >= %(since)s AND as_of < %(until)s
"""

_TRADED = """
SELECT symbol, side, count(*) AS fills, count(DISTINCT exchange_order_id) AS orders, sum(amount) AS amount,
       sum(price * amount) AS value, split_part(symbol, '/', 2) AS quote_currency
FROM fills WHERE venue = %(venue)s AND account = %(account)s AND as_of >= %(since)s AND as_of < %(until)s
GROUP BY symbol, side ORDER BY symbol, side
"""

_FEES = """
SELECT fee_currency AS currency, sum(fee) AS amount
FROM fills WHERE venue = %(venue)s AND account = %(account)s AND as_of >= %(since)s AND as_of < %(until)s
GROUP BY fee_currency HAVING sum(fee) <> 0 ORDER BY fee_currency
"""

# A refusal by risk leaves no proposal: whose books it was for is not stored, so such decisions of the venue count for all.
_DECIDED = """
FROM decisions d JOIN signals s ON s.id = d.signal_id LEFT JOIN proposals p ON p.signal_id = d.signal_id
"""
_OF_PERIOD = """
WHERE s.venue = %(venue)s AND (p.account IS NULL OR p.account = %(account)s) AND d.as_of >= %(since)s AND d.as_of < %(until)s
"""

_DECISIONS = (
    "SELECT d.stage, count(*) FILTER (WHERE d.approved) AS approved, count(*) FILTER (WHERE NOT d.approved) AS refused"
    + _DECIDED
    + _OF_PERIOD
    + "GROUP BY d.stage ORDER BY d.stage DESC"
)

_REFUSALS = (
    "SELECT d.stage, c.value->>'name' AS \"check\", count(*) AS refusals"
    + _DECIDED
    + "CROSS JOIN LATERAL jsonb_array_elements(d.checks) c"
    + _OF_PERIOD
    + "AND NOT d.approved AND NOT (c.value->>'passed')::boolean GROUP BY 1, 2 ORDER BY 1 DESC, 3 DESC, 2"
)

_POLICIES = (
    "SELECT d.stage AS name, d.policy_version AS version, count(*) AS decisions, v.activated_at, v.activated_by, v.reason"
    + _DECIDED
    + "LEFT JOIN policies v ON v.name = d.stage AND v.version = d.policy_version"
    + _OF_PERIOD
    + "GROUP BY 1, 2, 4, 5, 6 ORDER BY 1 DESC, 2"
)

_FLAG_COUNTS = """
SELECT rule, state, count(*) AS flags, sum(count)::int AS count FROM compliance_flags
WHERE venue = %(venue)s AND account = %(account)s AND day >= (%(since)s AT TIME ZONE 'UTC')::date
  AND day < (%(until)s AT TIME ZONE 'UTC')::date
GROUP BY rule, state ORDER BY rule, state
"""


class PostgresComplianceReader:
    """ComplianceReader over PostgreSQL."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._scope = scope

    def flags(self, state: str | None, limit: int, cursor: str | None) -> Page[views.Flag]:
        """Newest first, of one state or of all."""
        moment, last = cursors.decode(cursor, (UUID,))
        parameters = {**self._scope.keys, "state": state, "moment": moment, "last": last, "rows": limit + 1}
        with self._database.connection() as connection:
            rows = connection.execute(_FLAGS, parameters).fetchall()
        return cursors.page(rows, limit, lambda row: views.Flag(**row), lambda row: (row["raised_at"], row["id"]))

    def report(self, period: views.ReportPeriod, since: datetime, until: datetime) -> views.Report:
        """What happened from `since` to before `until`, as of one moment."""
        wanted = {**self._scope.keys, "since": since, "until": until}
        with self._database.connection() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

            def rows(query: str) -> list[dict[str, Any]]:
                return connection.execute(query, wanted).fetchall()

            return views.Report(
                period=period,
                since=since,
                until=until,
                venue=self._scope.venue,
                account=self._scope.account,
                mode=self._scope.mode,
                simulated=self._scope.simulated,
                orders=[views.OrderCount(**row) for row in rows(_ORDERS)],
                canceled_share=rows(_CANCELED)[0]["share"],
                traded=[views.Traded(**row) for row in rows(_TRADED)],
                fees=[views.Fee(**row) for row in rows(_FEES)],
                decisions=[views.StageCount(**row) for row in rows(_DECISIONS)],
                refusals=[views.RefusalCount(**row) for row in rows(_REFUSALS)],
                flags=[views.FlagCount(**row) for row in rows(_FLAG_COUNTS)],
                policies=[views.PolicyUsed(**row) for row in rows(_POLICIES)],
            )
