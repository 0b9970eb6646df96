"""Reads the deeds that govern trading from the journal of events."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.readers import cursor as cursors
from volexswarm.messages import Payload
from volexswarm.views.audit import AuditEntry
from volexswarm.views.shape import Page

# The conditions are those of the index `events_audited`.
_DEEDS = """
SELECT id::text, occurred_at AS at, type, source, subject, data, correlation_id::text FROM events
WHERE (type IN ('volexswarm.TradingHalted', 'volexswarm.TradingResumed', 'volexswarm.ModeSwitched', 'volexswarm.PolicyActivated',
               'volexswarm.FlagChanged', 'volexswarm.BreakerChanged', 'volexswarm.DifferenceSettled', 'volexswarm.CancelOrder',
               'volexswarm.StrategyChanged', 'volexswarm.ApprovalDecided')
   OR (type = 'volexswarm.SignalRaised' AND data ->> 'requested_by' IS NOT NULL))
  AND (%(since)s::timestamptz IS NULL OR occurred_at >= %(since)s)
  AND (%(moment)s::timestamptz IS NULL OR (occurred_at, id) < (%(moment)s, %(last)s::uuid))
ORDER BY occurred_at DESC, id DESC LIMIT %(rows)s
"""

_PREFIX = Payload.type_name().removesuffix(Payload.__name__)


class PostgresAuditReader:
    """AuditReader over PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def audit(self, since: datetime | None, limit: int, cursor: str | None) -> Page[AuditEntry]:
        """Deeds since a moment of wall time, newest first; of every account, for they govern all."""
        moment, last = cursors.decode(cursor, (UUID,))
        parameters = {"since": since, "moment": moment, "last": last, "rows": limit + 1}
        with self._database.connection() as connection:
            rows = connection.execute(_DEEDS, parameters).fetchall()
        return cursors.page(rows, limit, _entry, lambda row: (row["at"], row["id"]))


def _entry(row: DictRow) -> AuditEntry:
    data = row["data"]
    return AuditEntry(
        id=row["id"],
        at=row["at"],
        action=row["type"].removeprefix(_PREFIX),
        actor=data.get("actor") or data.get("requested_by") or row["source"],
        subject=row["subject"],
        reason=data.get("reason", ""),
        details=data,
        correlation_id=row["correlation_id"],
    )
