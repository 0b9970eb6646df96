"""Reads what the comparisons with the exchange came to."""

from __future__ import annotations

from uuid import UUID

from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.readers import cursor as cursors
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.views.reconciliation import Comparison, Difference, Reconciliation
from volexswarm.views.shape import Page

_LAST = """
SELECT occasion, started_at, finished_at, as_of, orders, fills, transfers, repaired, open FROM reconciliations
WHERE venue = %(venue)s AND account = %(account)s ORDER BY finished_at DESC LIMIT 1
"""

_DIFFERENCE = """
SELECT id::text, kind, subject, ours, theirs, cause, state, found_at, seen_at, times, settled_by, reason, settled_at
FROM differences WHERE venue = %(venue)s AND account = %(account)s
"""

_OPEN = _DIFFERENCE + " AND state = 'open' ORDER BY found_at DESC, id DESC LIMIT 1000"

_PAGE = (
    _DIFFERENCE
    + """
  AND (%(state)s::text IS NULL OR state = %(state)s)
  AND (%(moment)s::timestamptz IS NULL OR (found_at, id) < (%(moment)s, %(last)s::uuid))
ORDER BY found_at DESC, id DESC LIMIT %(rows)s
"""
)


class PostgresReconciliationReader:
    """ReconciliationReader over PostgreSQL."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._scope = scope

    def reconciliation(self) -> Reconciliation:
        """The last comparison and the open differences."""
        with self._database.connection() as connection:
            last = connection.execute(_LAST, self._scope.keys).fetchone()
            rows = connection.execute(_OPEN, self._scope.keys).fetchall()
        return Reconciliation(
            venue=self._scope.venue,
            account=self._scope.account,
            last=Comparison(**last) if last else None,
            open=[Difference(**row) for row in rows],
        )

    def differences(self, state: str | None, limit: int, cursor: str | None) -> Page[Difference]:
        """Newest first, of one state or of all."""
        moment, last = cursors.decode(cursor, (UUID,))
        parameters = {**self._scope.keys, "state": state, "moment": moment, "last": last, "rows": limit + 1}
        with self._database.connection() as connection:
            rows = connection.execute(_PAGE, parameters).fetchall()
        return cursors.page(rows, limit, lambda row: Difference(**row), lambda row: (row["found_at"], row["id"]))
