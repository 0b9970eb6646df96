"""Counts attempts in Redis, each step in one round trip that no other attempt can come between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import redis

from volexswarm.errors import Unavailable

# Returns -1 when the attempt was counted, else the milliseconds until the key is forgotten.
_COUNT = """
local taken = tonumber(redis.call('GET', KEYS[1]) or '0')
if taken >= tonumber(ARGV[1]) then
    return redis.call('PTTL', KEYS[1])
end
redis.call('INCR', KEYS[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return -1
"""

# Never below zero, and never a key without an end.
_TAKE_BACK = """
if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then
    redis.call('DECR', KEYS[1])
end
return 0
"""


class RedisAttempts:
    """`security.login.Attempts` over Redis. Should Redis forget, Vault's own lock of a user still holds."""

    def __init__(self, connection: redis.Redis[str]) -> None:
        self._redis = connection

    def count(self, key: str, limit: int, span: timedelta) -> timedelta | None:
        """Count one attempt; if `limit` had been reached, how long until attempts are counted again."""
        left = self._run(_COUNT, key, limit, int(span.total_seconds() * 1000))
        return None if left < 0 else timedelta(milliseconds=left)

    def take_back(self, key: str) -> None:
        """Uncount one attempt."""
        self._run(_TAKE_BACK, key)

    def forget(self, key: str) -> None:
        """Start counting the key from zero."""
        self._run("return redis.call('DEL', KEYS[1])", key)

    def _run(self, script: str, key: str, *arguments: int) -> int:
        script_call: Callable[..., int] = self._redis.eval
        try:
            return script_call(script, 1, f"volexswarm:logins:{key}", *map(str, arguments))
        except redis.RedisError as error:
            raise Unavailable("cache", str(error)) from error
