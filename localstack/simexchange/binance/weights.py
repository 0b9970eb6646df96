"""Counts what each client asks for and turns away who asks for too much: first 429, then, for the deaf, 418."""

from collections.abc import Callable
from dataclasses import dataclass

from simexchange.binance.errors import ApiError

MINUTE_SECONDS = 60
WARNINGS = 10
BAN_SECONDS = 120


@dataclass(slots=True)
class _Client:
    minute: int = 0
    used: int = 0
    warned: int = 0
    banned_until: float = 0.0


class WeightMeter:
    """Request weight per client and real minute.

    Parameters
    ----------
    limit : int
        Weight per minute.
    seconds : callable
        Real seconds.
    """

    def __init__(self, limit: int, seconds: Callable[[], float]) -> None:
        self.limit = limit
        self._seconds = seconds
        self._clients: dict[str, _Client] = {}

    def charge(self, client: str, weight: int) -> int:
        """Add a request and return the weight used in this minute.

        Raises
        ------
        ApiError
            429 above the limit; 418 for a while after ten requests that did not heed it.
        """
        now = self._seconds()
        entry = self._clients.setdefault(client, _Client())
        if now < entry.banned_until:
            raise self._too_many(418, entry.banned_until - now)
        minute = int(now // MINUTE_SECONDS)
        if minute != entry.minute:
            entry.minute, entry.used, entry.warned = minute, 0, 0
        entry.used += weight
        if entry.used > self.limit:
            entry.warned += 1
            if entry.warned > WARNINGS:
                entry.banned_until = now + BAN_SECONDS
                raise self._too_many(418, BAN_SECONDS)
            raise self._too_many(429, MINUTE_SECONDS - now % MINUTE_SECONDS)
        return entry.used

    def _too_many(self, http: int, seconds: float) -> ApiError:
        words = f"Too much request weight used; current limit is {self.limit} request weight per 1 MINUTE."
        return ApiError(-1003, words, http, retry_after=max(1, int(seconds) + 1))
