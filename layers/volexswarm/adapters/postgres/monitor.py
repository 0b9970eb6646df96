"""The monitor's statements: counts of events, health of parts, the inbox's end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.store import PostgresTransaction
from volexswarm.market.progress import Progress
from volexswarm.monitor.ports import Gap, Health


class MonitorTransaction(PostgresTransaction):
    """Implements `volexswarm.monitor.ports.MonitorTransaction`."""

    def count_event(self, source: str, event_type: str, occurred_at: datetime) -> None:
        """Add one to what this source has published of this type."""
        self.connection.execute(
            "INSERT INTO agent_activity AS known (source, event_type, events, last_event) VALUES (%s, %s, 1, %s)"
            " ON CONFLICT (source, event_type) DO UPDATE"
            " SET events = known.events + 1, last_event = greatest(known.last_event, excluded.last_event)",
            (source, event_type, occurred_at),
        )

    def known_health(self) -> dict[str, bool]:
        """Whether each part was well when it was looked at last."""
        rows = self.connection.execute("SELECT part, healthy FROM health FOR UPDATE").fetchall()
        return {row["part"]: row["healthy"] for row in rows}

    def save_health(self, findings: Sequence[Health], checked_at: datetime) -> None:
        """Replace what is known of these parts; parts that are not probed any more are forgotten."""
        parts = [finding.part for finding in findings]
        self.connection.execute("DELETE FROM health WHERE part <> ALL(%s)", (parts,))
        self.connection.execute(
            "INSERT INTO health (part, healthy, detail, checked_at)"
            " SELECT part, healthy, detail, %s FROM unnest(%s::text[], %s::boolean[], %s::text[]) AS f(part, healthy, detail)"
            " ON CONFLICT (part) DO UPDATE"
            " SET healthy = excluded.healthy, detail = excluded.detail, checked_at = excluded.checked_at",
            (checked_at, parts, [f.healthy for f in findings], [f.detail for f in findings]),
        )

    def forget_answers(self, before: datetime) -> int:
        """Drop inbox entries of messages that can't come again; how many."""
        return self.connection.execute("DELETE FROM inbox WHERE received_at < %s", (before,)).rowcount


class FeedProgress:
    """Implements `volexswarm.monitor.ports.FeedProgress`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def gap(self, venue: str) -> Gap | None:
        """What the session that was heard of last lacks; None if it lacks nothing."""
        with self._database.connection() as connection:
            row = connection.execute(
                "SELECT session, progress, now() - waiting_since AS waited FROM feeds WHERE venue = %s"
                " ORDER BY updated_at DESC LIMIT 1",
                (venue,),
            ).fetchone()
        if row is None or row["waited"] is None:
            return None
        missing = Progress.model_validate(row["progress"]).missing
        return None if missing is None else Gap(row["session"], *missing, row["waited"])
