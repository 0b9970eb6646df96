"""The exchange's clock as seen from here: it may run faster than ours (a replay), so it is asked, and followed in between."""

from __future__ import annotations

HIGHEST_PACE = 100_000.0


class ExchangeTime:
    """Exchange time in Unix ms at moments of our steady clock, in seconds."""

    def __init__(self) -> None:
        self._told: int | None = None
        self._told_at = 0.0
        self._pace = 1.0

    def told(self, exchange_ms: int, at: float) -> None:
        """The exchange's clock said this, and the answer came then."""
        if self._told is not None and at > self._told_at:
            pace = (exchange_ms - self._told) / 1000 / (at - self._told_at)
            self._pace = min(max(pace, 0.0), HIGHEST_PACE)
        self._told, self._told_at = exchange_ms, at

    def at(self, moment: float) -> int | None:
        """Exchange time then, from the last answer and the pace between the last two; None before the first."""
        if self._told is None:
            return None
        return self._told + int((moment - self._told_at) * 1000 * self._pace)
