"""When to start a part again that keeps dying. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Backoff:
    """Waiting times that double with each failure and begin anew after a stable time.

    `first`, `longest` and `stable` in seconds.
    """

    first: float = 0.5
    longest: float = 30.0
    stable: float = 60.0
    _failures: int = 0
    _last_failure: float | None = None

    def failed(self, now: float) -> float:
        """Note a failure at `now` (monotonic seconds) and return when to try again."""
        if self._last_failure is not None and now - self._last_failure > self.stable + self._delay():
            self._failures = 0
        self._failures += 1
        self._last_failure = now
        return now + self._delay()

    def _delay(self) -> float:
        return float(min(self.first * 2 ** max(self._failures - 1, 0), self.longest))
