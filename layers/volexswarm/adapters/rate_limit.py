"""What a venue allows a key to ask, shared by every process that uses the key: one token bucket in Redis per venue and key.

A bucket fills by Redis's own clock and every withdrawal is one step there, so that any number of functions together stay within
the limit. Part of it is kept for cancellations: taking an order off must not wait for questions. Should Redis be away, each
process lives on a small share of its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import Final

import redis

from volexswarm.errors import Unavailable, require

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limit:
    """How much may be asked, in the units in which ccxt counts a venue's calls: `per_second` in the long run, `burst` at once.

    Over any span of t seconds at most `burst + per_second * t` is taken.
    """

    per_second: float
    burst: float

    def __post_init__(self) -> None:
        require(self.per_second > 0, "per_second", self.per_second, "more than 0")
        require(self.burst > 0, "burst", self.burst, "more than 0")


# Four fifths of what the venue documents, in the units of ccxt 4.5.90 (one is 1 / `rateLimit` ms), bursts included in its window.
LIMITS: Final = {
    "binance": Limit(12, 200),  # 6000 weight a minute, 5 to a unit
    "bitget": Limit(16, 8),
    "bybit": Limit(40, 25),
    "coinbase": Limit(23, 10),
    "gate": Limit(16, 20),
    "kraken": Limit(0.8, 20),
    "kucoin": Limit(90, 400),  # in 30 s
    "okx": Limit(7, 8),
}

_RESERVED_SHARE: Final = 0.2  # of a bucket, for cancellations only
_LOCAL_SHARE: Final = 0.1  # of a limit, for each process while Redis is away
_BUDGET: Final = timedelta(seconds=2)  # longest wait for room; urgent calls wait twice as long
_LONGEST_NAP: Final = 0.25

# Takes ARGV[1] units from a bucket that fills by ARGV[2] a second up to ARGV[3], if ARGV[4] are left then; a call that asks for
# more than ever can be left takes the full bucket and leaves it in debt. Answers the milliseconds to wait, 0 when it was taken.
_TAKE: Final = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
local weight, rate, burst, reserve = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local state = redis.call('HMGET', KEYS[1], 'units', 'at', 'shut_until')
local shut_until = tonumber(state[3] or '0')
if now < shut_until then
    return math.ceil(shut_until - now)
end
local units = burst
if state[1] then
    units = math.min(burst, tonumber(state[1]) + math.max(0, now - tonumber(state[2])) * rate / 1000)
end
local needed = math.min(weight + reserve, burst)
if units < needed then
    return math.max(1, math.ceil((needed - units) * 1000 / rate))
end
redis.call('HSET', KEYS[1], 'units', tostring(units - weight), 'at', string.format('%.3f', now))
redis.call('PEXPIRE', KEYS[1], 3600000)
return 0
"""

# Empties the bucket and lets nobody take anything for ARGV[1] milliseconds; an earlier, longer ban stays.
_DRAIN: Final = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
local shut_until = math.max(now + tonumber(ARGV[1]), tonumber(redis.call('HGET', KEYS[1], 'shut_until') or '0'))
redis.call('HSET', KEYS[1], 'units', '0', 'at', string.format('%.3f', shut_until),
    'shut_until', string.format('%.3f', shut_until))
redis.call('PEXPIRE', KEYS[1], math.ceil(shut_until - now) + 3600000)
return 0
"""


class Bucket:
    """The room that one key has at one venue.

    Parameters
    ----------
    name : str
        Of the bucket in Redis; all processes with the same name share it.
    budget : timedelta
        Longest wait for room.
    pause, monotonic : callable
        Seconds to wait; seconds that only grow.
    """

    def __init__(
        self,
        connection: redis.Redis[str],
        name: str,
        limit: Limit,
        *,
        budget: timedelta = _BUDGET,
        pause: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = connection
        self._name = name
        self._limit = limit
        self._budget = budget
        self._pause = pause
        self._monotonic = monotonic
        self._alone = _LocalBucket(
            Limit(limit.per_second * _LOCAL_SHARE, max(1.0, limit.burst * _LOCAL_SHARE)), monotonic
        )
        self._is_alone = False

    def take(self, weight: float, *, urgent: bool = False) -> None:
        """Take room for a call that counts `weight`, waiting for it if need be.

        Parameters
        ----------
        urgent : bool
            A cancellation: may use what is kept for those, and waits twice as long.

        Raises
        ------
        Unavailable
            If there is none within the budget; its `after` says when there will be. Nothing was taken.
        """
        last = self._monotonic() + self._budget.total_seconds() * (2 if urgent else 1)
        while (wait := self._try(weight, urgent)) > 0:
            if self._monotonic() + wait > last:
                reason = f"the rate limit of {self._name} leaves no room for {wait:.1f} s"
                raise Unavailable("exchange", reason, timedelta(seconds=wait))
            self._pause(min(wait, _LONGEST_NAP))

    def drain(self, span: timedelta) -> None:
        """Let nobody ask anything for so long: the venue has said that it was too much."""
        logger.warning("%s wants to be left alone for %s", self._name, span)
        self._alone.drain(span)
        self._run(_DRAIN, span.total_seconds() * 1000)

    def _try(self, weight: float, urgent: bool) -> float:
        """Seconds to wait; 0 when it was taken."""
        reserve = 0.0 if urgent else self._limit.burst * _RESERVED_SHARE
        wait = self._run(_TAKE, weight, self._limit.per_second, self._limit.burst, reserve)
        return self._alone.take(weight) if wait is None else wait / 1000

    def _run(self, script: str, *arguments: float) -> int | None:
        """The script's answer; None while Redis is away."""
        call: Callable[..., int] = self._redis.eval
        try:
            answer = call(script, 1, f"volexswarm:room:{self._name}", *(f"{value:.6f}" for value in arguments))
        except redis.RedisError as error:
            if not self._is_alone:
                logger.warning("rate limits of %s are not shared, as the cache is away: %s", self._name, error)
            self._is_alone = True
            return None
        self._is_alone = False
        return answer


class _LocalBucket:
    """The same for one process, without its order of precedence: so little that every call of it is worth the same."""

    def __init__(self, limit: Limit, monotonic: Callable[[], float]) -> None:
        self._limit = limit
        self._monotonic = monotonic
        self._units = limit.burst
        self._at = monotonic()

    def take(self, weight: float) -> float:
        """Seconds to wait; 0 when it was taken."""
        now = self._monotonic()
        if now > self._at:
            self._units = min(self._limit.burst, self._units + (now - self._at) * self._limit.per_second)
            self._at = now
        missing = min(weight, self._limit.burst) - self._units
        if now < self._at or missing > 0:
            return max(self._at - now, 0.0) + max(missing, 0.0) / self._limit.per_second
        self._units -= weight
        return 0.0

    def drain(self, span: timedelta) -> None:
        self._units, self._at = 0.0, max(self._at, self._monotonic() + span.total_seconds())


class RateLimits:
    """The buckets in one Redis.

    Parameters
    ----------
    limits : mapping
        By venue.
    """

    def __init__(self, connection: redis.Redis[str], limits: dict[str, Limit] | None = None) -> None:
        self._redis = connection
        self._limits = LIMITS if limits is None else limits

    def bucket(self, venue: str, api_key: str) -> Bucket:
        """The bucket of a key, which it is named after without telling it."""
        name = f"{venue}:{blake2b(api_key.encode(), digest_size=8).hexdigest()}"
        return Bucket(self._redis, name, self._limits[venue])
