"""What the monitor needs: its own tables, the outbox, and a probe for each part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from volexswarm.ports import Transaction


@dataclass(frozen=True)
class Health:
    """One part as it was found. `detail` is for people: what was measured, or why the part is not well."""

    part: str
    healthy: bool
    detail: str


@dataclass(frozen=True)
class Gap:
    """Tick batches `first` to `last` of a session have not arrived although later ones have, for `waited` (wall time)."""

    session: str
    first: int
    last: int
    waited: timedelta


class FeedProgress(Protocol):
    """How far the feed's batches have arrived."""

    def gap(self, venue: str) -> Gap | None:
        """What the newest session lacks first; None if it lacks nothing. Raises Unavailable."""
        ...


class Probe(Protocol):
    """Looks at one part."""

    @property
    def part(self) -> str:
        """The part's name in the records."""
        ...

    def measure(self) -> tuple[bool, str]:
        """Whether the part is well, and what was seen. May raise Unavailable, which means that it is not."""
        ...


class MonitorTransaction(Transaction, Protocol):
    """The monitor's records."""

    def count_event(self, source: str, event_type: str, occurred_at: datetime) -> None:
        """Add one to what this source has published of this type."""
        ...

    def known_health(self) -> dict[str, bool]:
        """Whether each part was well when it was looked at last."""
        ...

    def save_health(self, findings: Sequence[Health], checked_at: datetime) -> None:
        """Replace what is known of these parts; parts that are not probed any more are forgotten."""
        ...

    def forget_answers(self, before: datetime) -> int:
        """Drop inbox entries of messages that can't come again; how many."""
        ...


class Outbox(Protocol):
    """Messages that were stored and not yet sent."""

    def sweep(self, older_than: timedelta = ..., limit: int = ...) -> int:
        """Send up to `limit` of those that are older, of each queue; how many went out. A queue that fails keeps its own."""
        ...

    def prune(self, older_than: timedelta = ...) -> int:
        """Delete those that were sent before; how many."""
        ...
