"""How far a venue's market is known: the newest moment through which the feed is complete for any of its symbols."""

from __future__ import annotations

from datetime import datetime

from volexswarm.adapters.postgres.database import Connection


def market_time(connection: Connection, venue: str) -> datetime | None:
    """Market time; None before anything was heard of the venue."""
    row = connection.execute("SELECT max(complete_to) AS moment FROM watermarks WHERE venue = %s", (venue,)).fetchone()
    assert row is not None  # an aggregate always answers
    moment: datetime | None = row["moment"]
    return moment
