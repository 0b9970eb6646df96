"""When something happened at the simulated exchange, by our clock: its own runs faster, and waits where the machine is slow."""

from __future__ import annotations

import time
from bisect import bisect_left
from datetime import UTC, datetime

import httpx


class ExchangeClock:
    """Samples of both clocks, taken again and again while the market runs.

    Parameters
    ----------
    url : str
        Of the simulated exchange.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._market: list[float] = []
        self._wall: list[float] = []

    def sample(self) -> None:
        """Ask what time it is there; the answer belongs to the middle of the asking."""
        asked = time.time()
        answer = httpx.get(f"{self._url}/admin/clock", timeout=10).raise_for_status().json()
        self._market.append(answer["simulatedTime"] / 1000)
        self._wall.append((asked + time.time()) / 2)

    def wall(self, market: datetime) -> datetime | None:
        """Our time at that moment of the market; None if it was not between two samples."""
        moment = market.timestamp()
        after = bisect_left(self._market, moment)
        if after == 0 or after == len(self._market):
            return None
        (m0, m1), (w0, w1) = self._market[after - 1 : after + 1], self._wall[after - 1 : after + 1]
        return datetime.fromtimestamp(w0 + (moment - m0) / (m1 - m0) * (w1 - w0), UTC)
