"""Reads how positions are left by themselves."""

from __future__ import annotations

from uuid import UUID

from psycopg.rows import DictRow

from volexswarm.adapters.postgres.database import Connection, Database
from volexswarm.adapters.postgres.readers import cursor as cursors
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.views.protections import GuardedPosition
from volexswarm.views.shape import Page

_PROTECTION = """
SELECT p.order_id::text, p.symbol, p.state, p.holder, p.amount, p.stop_price, p.take_profit_price, p.trailing_share,
       (SELECT max(extreme) FROM price_watches w WHERE w.entry_id = p.order_id) AS best_price,
       p.entered_at + p.max_holding * interval '1 second' AS due_at, p.way, p.reached_price, p.reached_at, p.refusal,
       p.paused, p.reason, p.entered_at, p.updated_at, p.correlation_id::text
FROM protections p
"""

_PAGE = (
    _PROTECTION
    + """
WHERE p.venue = %(venue)s AND p.account = %(account)s
  AND (%(symbol)s::text IS NULL OR p.symbol = %(symbol)s) AND (%(state)s::text IS NULL OR p.state = %(state)s)
  AND (%(moment)s::timestamptz IS NULL OR (p.entered_at, p.order_id) < (%(moment)s, %(last)s::uuid))
ORDER BY p.entered_at DESC, p.order_id DESC LIMIT %(rows)s
"""
)


class PostgresProtectionReader:
    """ProtectionReader over PostgreSQL."""

    def __init__(self, database: Database, scope: Scope) -> None:
        self._database = database
        self._scope = scope

    def protections(
        self, symbol: str | None, state: str | None, limit: int, cursor: str | None
    ) -> Page[GuardedPosition]:
        """Protections, the newest entry first."""
        moment, last = cursors.decode(cursor, (UUID,))
        parameters = {
            **self._scope.keys,
            "symbol": symbol,
            "state": state,
            "moment": moment,
            "last": last,
            "rows": limit + 1,
        }
        with self._database.connection() as connection:
            rows = connection.execute(_PAGE, parameters).fetchall()
        return cursors.page(rows, limit, self._view, lambda row: (row["entered_at"], row["order_id"]))

    def of_order(self, connection: Connection, order_id: str) -> GuardedPosition | None:
        """That of one entry, within a reader's transaction; None if it has none."""
        row = connection.execute(_PROTECTION + " WHERE p.order_id = %s", (order_id,)).fetchone()
        return None if row is None else self._view(row)

    def _view(self, row: DictRow) -> GuardedPosition:
        return GuardedPosition(**row, simulated=self._scope.simulated)
