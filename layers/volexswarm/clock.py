"""Wall time as a port: the domain never asks the machine, so that every run can be repeated.

Wall time says when we did something. *Market time* (`as_of` in messages) says when it was on the exchange; in a replay or
on a sped-up simulated exchange the two differ, and every business rule (daily loss, orders per hour) counts in market time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells wall time, aware and in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def from_ms(milliseconds: int) -> datetime:
    """Aware UTC time from Unix milliseconds, exact to the millisecond."""
    seconds, rest = divmod(milliseconds, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)


def to_ms(moment: datetime) -> int:
    """Unix milliseconds of an aware time, rounded down."""
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000
