"""Reads what the monitor and the feed have recorded about the swarm's parts, agents and progress."""

from __future__ import annotations

from datetime import datetime, timedelta

from psycopg.rows import DictRow

from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.clock import Clock
from volexswarm.views.swarm import Activity, Feed, Health, Part

STALE_AFTER = timedelta(minutes=5)
"""The monitor looks every minute and schedules may come a minute late: after five its word is no longer news."""


class PostgresSwarmReader:
    """SwarmReader over PostgreSQL."""

    def __init__(self, database: Database, scope: Scope, clock: Clock) -> None:
        self._database = database
        self._scope = scope
        self._clock = clock

    def parts(self) -> list[Part]:
        """Each part's last recorded health; unknown once that is older than STALE_AFTER."""
        with self._database.connection() as connection:
            rows = connection.execute("SELECT part, healthy, detail, checked_at FROM health ORDER BY part").fetchall()
        return [self._part(row) for row in rows]

    def _part(self, row: DictRow) -> Part:
        age = self._clock.now() - row["checked_at"]
        health = Health.HEALTHY if row["healthy"] else Health.UNHEALTHY
        return Part(
            part=row["part"],
            health=Health.UNKNOWN if age > STALE_AFTER else health,
            detail=row["detail"],
            checked_at=row["checked_at"],
            age_seconds=age.total_seconds(),
        )

    def feeds(self) -> list[Feed]:
        """The progress of each symbol of the venue."""
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT symbol, complete_to, last_trade_id, updated_at FROM watermarks WHERE venue = %(venue)s ORDER BY symbol",
                self._scope.keys,
            ).fetchall()
        now = self._clock.now()
        return [Feed(**row, age_seconds=(now - row["updated_at"]).total_seconds()) for row in rows]

    def account_opened_at(self) -> datetime | None:
        """When the account's books began; None while they have not."""
        with self._database.connection() as connection:
            row = connection.execute(
                "SELECT opened_at FROM accounts WHERE venue = %(venue)s AND account = %(account)s", self._scope.keys
            ).fetchone()
        return row["opened_at"] if row else None

    def activity(self) -> list[Activity]:
        """Counted events by source and type."""
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT source, event_type, events, last_event FROM agent_activity ORDER BY source, event_type"
            ).fetchall()
        return [Activity(**row) for row in rows]
