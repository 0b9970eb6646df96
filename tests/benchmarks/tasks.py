"""How long tasks take on a whole cloud: one alone, when its functions are cold and when they are warm; and many at once.

From the moment in which a task is posted to the one in which it has ended, by the tasks' own record; both are of this machine's
clock. The market runs fast until there is something to talk about, then slowly enough not to be what is measured.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import psycopg

from tests.benchmarks import clouds
from tests.benchmarks.figure import Figure, spread
from volexlocal.cloud import Cloud

SYMBOLS = ("BTC/USDT", "ETH/USDT")
TASKS = 20
CANDLES = 60
WARM_UP_SPEED, WARM_UP_PATIENCE = 120.0, 300.0
SPEED = 1.0
SETTLE_SECONDS = 10.0
PATIENCE = 600.0
LOOK_EVERY = 0.2

_KNOWN = "SELECT count(*) FROM candles WHERE closed AND timeframe = '1m' GROUP BY symbol"
_ENDED = "SELECT id::text, status, reason, ended_at FROM tasks WHERE id = ANY(%s::uuid[]) AND ended_at IS NOT NULL"


@dataclass(frozen=True)
class _Posted:
    id: str
    at: datetime


def run(tasks: int = TASKS) -> Iterator[Figure]:
    """Let the team analyze a market, twice one after the other, then so many times at once.

    Raises
    ------
    RuntimeError
        If a task does not succeed, or is not over in time.
    """
    with clouds.running(symbols=",".join(SYMBOLS), speed=WARM_UP_SPEED) as cloud:
        _await_history(cloud)
        with _person(cloud) as person:
            for state in ("cold", "warm"):
                (alone,) = _seconds(cloud, [_post(person, 0)])
                yield Figure(f"one analysis alone, {state}", round(alone, 2), "s")
            yield from _together(cloud, person, tasks)


def _together(cloud: Cloud, person: httpx.Client, tasks: int) -> Iterator[Figure]:
    with ThreadPoolExecutor(tasks) as pool:
        posted = list(pool.map(lambda number: _post(person, number), range(tasks)))
    first = min(one.at for one in posted)
    waits = _seconds(cloud, posted)
    last = max(one.at.timestamp() + wait for one, wait in zip(posted, waits, strict=True))
    yield from spread(f"{tasks} analyses at once, posted → ended", [round(wait, 2) for wait in waits], "s")
    yield Figure(f"{tasks} analyses at once", round(tasks / (last - first.timestamp()) * 60, 1), "tasks/min")


def _await_history(cloud: Cloud) -> None:
    """Wait until indicators have what they need in each market, and what its candles brought about is done."""
    end = time.monotonic() + WARM_UP_PATIENCE
    with psycopg.connect(cloud.dsn, autocommit=True) as database:
        while [number >= CANDLES for (number,) in database.execute(_KNOWN)] != [True] * len(SYMBOLS):
            if time.monotonic() > end:
                raise RuntimeError(f"there were not {CANDLES} candles of each market after {WARM_UP_PATIENCE:.0f} s")
            time.sleep(1)
    clouds.set_speed(cloud, SPEED)
    time.sleep(SETTLE_SECONDS)


@contextmanager
def _person(cloud: Cloud) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{cloud.api_url}/api", timeout=60) as person:
        answer = person.post("/login", json={"username": "admin", "password": cloud.admin_password})
        person.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['data']['token']}"
        yield person


def _post(person: httpx.Client, number: int) -> _Posted:
    wish = {"type": "analyze", "parameters": {"symbols": [SYMBOLS[number % len(SYMBOLS)]]}}
    at = datetime.now(UTC)
    answer = person.post("/task", json=wish, headers={"Idempotency-Key": uuid.uuid4().hex})
    return _Posted(answer.raise_for_status().json()["data"]["task"]["id"], at)


def _seconds(cloud: Cloud, posted: Sequence[_Posted]) -> list[float]:
    """From the post to the end, of each."""
    end = time.monotonic() + PATIENCE
    ids = [one.id for one in posted]
    with psycopg.connect(cloud.dsn, autocommit=True) as database:
        while len(ended := database.execute(_ENDED, (ids,)).fetchall()) < len(posted):
            if time.monotonic() > end:
                raise RuntimeError(f"only {len(ended)} of {len(posted)} tasks were over after {PATIENCE:.0f} s")
            time.sleep(LOOK_EVERY)
    if bad := [f"{task}: {status}, {reason}" for task, status, reason, _ in ended if status != "succeeded"]:
        raise RuntimeError("; ".join(bad))
    moments = {task: moment for task, _, _, moment in ended}
    return [(moments[one.id] - one.at).total_seconds() for one in posted]
