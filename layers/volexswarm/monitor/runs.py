"""What the functions' calls come to: noted by each call, read by whoever looks at an agent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Run:
    """One call of a function, as it was after its end.

    `milliseconds` it took; `failure` what it ended with, in words, None if it did not fail; `messages` it was given, `returned`
    of them that it could not answer and that come again; `cold` whether it was its process's first; `version` of the code.
    """

    function: str
    ended_at: datetime
    milliseconds: float
    failure: str | None
    messages: int
    returned: int
    cold: bool
    version: str


@dataclass(frozen=True)
class Runs:
    """All calls of a function that are remembered. Durations are of the last few, in milliseconds, newest first."""

    function: str
    calls: int
    failures: int
    messages: int
    returned: int
    cold_starts: int
    last_run: datetime
    last_failed_at: datetime | None
    last_failure: str | None
    version: str
    durations: tuple[float, ...]


class RunLog(Protocol):
    """Remembers runs. It may forget: nothing but what is shown depends on it."""

    def note(self, run: Run) -> None:
        """Add a call. Raises Unavailable."""
        ...

    def of(self, functions: Sequence[str]) -> dict[str, Runs]:
        """What is remembered of each; a function that was never called is missing. Raises Unavailable."""
        ...
