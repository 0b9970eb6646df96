"""Counts the functions' calls in Redis: one hash and one short list of durations for each function, in one round trip."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import redis

from volexswarm.errors import Unavailable
from volexswarm.monitor.runs import Run, Runs

DURATIONS = 200
"""So many of the last calls are what the percentiles are taken of."""

PATIENCE = 0.2
"""Seconds: a call is not to wait for its own statistics."""

SULK = 30.0
"""Seconds without another try after Redis did not answer, so that an outage costs each process one wait and not one a call."""


class RedisRunLog:
    """RunLog over Redis.

    Parameters
    ----------
    url : str
        Redis's address.
    stack : str
        Prefix of the keys.
    monotonic : callable
        Seconds that only grow.
    """

    def __init__(self, url: str, stack: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis.Redis.from_url(
            url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, decode_responses=True
        )
        self._stack = stack
        self._monotonic = monotonic
        self._again_at = 0.0

    def note(self, run: Run) -> None:
        """Add a call; nothing is tried for a while after Redis did not answer. Raises Unavailable."""
        if self._monotonic() < self._again_at:
            return
        key = self._key(run.function)
        pipe = self._redis.pipeline(transaction=False)
        pipe.hincrby(key, "calls", 1)
        for field, count in (
            ("failures", int(run.failure is not None)),
            ("messages", run.messages),
            ("returned", run.returned),
            ("cold_starts", int(run.cold)),
        ):
            if count:
                pipe.hincrby(key, field, count)
        pipe.hset(key, mapping=_latest(run))
        pipe.lpush(f"{key}:ms", f"{run.milliseconds:.1f}")
        pipe.ltrim(f"{key}:ms", 0, DURATIONS - 1)
        try:
            pipe.execute()
        except redis.RedisError as error:
            self._again_at = self._monotonic() + SULK
            raise Unavailable("cache", str(error)) from error

    def of(self, functions: Sequence[str]) -> dict[str, Runs]:
        """What is remembered of each; a function that was never called is missing. Raises Unavailable."""
        pipe = self._redis.pipeline(transaction=False)
        for function in functions:
            pipe.hgetall(self._key(function))
            pipe.lrange(f"{self._key(function)}:ms", 0, -1)
        try:
            answers: list[Any] = pipe.execute()
        except redis.RedisError as error:
            raise Unavailable("cache", str(error)) from error
        pairs = zip(functions, answers[::2], answers[1::2], strict=True)
        return {function: _runs(function, kept, durations) for function, kept, durations in pairs if kept}

    def _key(self, function: str) -> str:
        return f"volexswarm:runs:{self._stack}:{function}"


def _latest(run: Run) -> dict[str | bytes, bytes | float | int | str]:
    fields: dict[str | bytes, bytes | float | int | str] = {
        "last_run": run.ended_at.isoformat(),
        "version": run.version,
    }
    if run.failure is not None:
        fields |= {"last_failed_at": run.ended_at.isoformat(), "last_failure": run.failure}
    return fields


def _runs(function: str, kept: dict[str, str], durations: list[str]) -> Runs:
    failed_at = kept.get("last_failed_at")
    return Runs(
        function=function,
        calls=int(kept["calls"]),
        failures=int(kept.get("failures", 0)),
        messages=int(kept.get("messages", 0)),
        returned=int(kept.get("returned", 0)),
        cold_starts=int(kept.get("cold_starts", 0)),
        last_run=datetime.fromisoformat(kept["last_run"]),
        last_failed_at=None if failed_at is None else datetime.fromisoformat(failed_at),
        last_failure=kept.get("last_failure"),
        version=kept["version"],
        durations=tuple(map(float, durations)),
    )
