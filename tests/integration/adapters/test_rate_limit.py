"""One bucket for all: on a real Redis, from several processes at once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context

import pytest
import redis

from volexswarm.adapters.rate_limit import Bucket, Limit, RateLimits
from volexswarm.adapters.redis_quotes import client
from volexswarm.errors import InvalidInput, Unavailable

SLOW = Limit(per_second=0.001, burst=10)  # fills by nothing while a test runs
AT_ONCE = timedelta(0)


@pytest.fixture
def connection(redis_url: str) -> Iterator[redis.Redis[str]]:
    with client(redis_url) as made:
        yield made


def bucket(connection: redis.Redis[str], limit: Limit = SLOW, budget: timedelta = AT_ONCE) -> Bucket:
    return Bucket(connection, "binance:key", limit, budget=budget)


def taken(of: Bucket, weight: float = 1, *, urgent: bool = False) -> int:
    """How often it can be taken from until there is no room."""
    count = 0
    try:
        while True:
            of.take(weight, urgent=urgent)
            count += 1
    except Unavailable:
        return count


def hammer(url: str, calls: int) -> int:
    with client(url) as own:
        shared = Bucket(own, "binance:key", Limit(per_second=200, burst=20), budget=timedelta(seconds=30))
        for _ in range(calls):
            shared.take(1)
    return calls


def test_many_processes_together_stay_within_the_limit(redis_url: str, connection: redis.Redis[str]) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        before = connection.time()
        done = sum(pool.map(hammer, [redis_url] * 4, [100] * 4))
        after = connection.time()
    seconds = (after[0] - before[0]) + (after[1] - before[1]) / 1e6
    assert done == 400
    assert done <= 20 + 200 * seconds  # by the clock of Redis, that the bucket fills by


def test_what_is_kept_for_cancellations_only_they_can_use(connection: redis.Redis[str]) -> None:
    assert taken(bucket(connection)) == 8
    assert taken(bucket(connection), urgent=True) == 2


def test_a_heavier_call_takes_more(connection: redis.Redis[str]) -> None:
    assert taken(bucket(connection), weight=2.5) == 3


def test_a_call_heavier_than_the_bucket_leaves_a_debt(connection: redis.Redis[str]) -> None:
    quick = Limit(per_second=10, burst=10)
    bucket(connection, quick).take(50)
    with pytest.raises(Unavailable) as refused:
        bucket(connection, quick).take(1)
    assert refused.value.after > timedelta(seconds=4)


def test_who_does_not_get_room_learns_when_there_will_be(connection: redis.Redis[str]) -> None:
    limit = Limit(per_second=0.1, burst=10)
    full = bucket(connection, limit)
    assert taken(full) == 8
    with pytest.raises(Unavailable, match=r"rate limit of binance:key leaves no room for \d+\.\d s") as refused:
        full.take(1)
    assert timedelta(seconds=5) < refused.value.after <= timedelta(seconds=10)


def test_who_is_refused_takes_nothing(connection: redis.Redis[str]) -> None:
    full = bucket(connection)
    taken(full)
    before = connection.hget("volexswarm:room:binance:key", "units")
    assert taken(full) == 0
    assert connection.hget("volexswarm:room:binance:key", "units") == before


def test_a_venue_that_wants_to_be_left_alone_is_left_alone_by_all(connection: redis.Redis[str]) -> None:
    bucket(connection).drain(timedelta(minutes=2))
    bucket(connection).drain(timedelta(seconds=1))  # of a process that knows less
    for urgent in (False, True):
        with pytest.raises(Unavailable) as refused:
            bucket(connection).take(1, urgent=urgent)
        assert timedelta(minutes=1) < refused.value.after <= timedelta(minutes=2)


def test_keys_have_room_of_their_own_and_are_not_told(connection: redis.Redis[str]) -> None:
    limits = RateLimits(connection, {"binance": SLOW})
    for key in ("first-key", "second-key"):
        limits.bucket("binance", key).take(1)
    names = connection.keys("*")
    assert len(names) == 2
    assert not any("key" in name.removeprefix("volexswarm:room:") for name in names)


def test_without_redis_a_process_lives_on_a_share_of_its_own_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        alone = bucket(client("redis://127.0.0.1:1"), Limit(per_second=0.001, burst=30))
        assert taken(alone) == 3
    assert [record.message.partition(":")[0] for record in caplog.records] == ["rate limits of binance"]
    alone.drain(timedelta(minutes=5))
    with pytest.raises(Unavailable) as refused:
        alone.take(1, urgent=True)
    assert refused.value.after > timedelta(minutes=4)


@pytest.mark.parametrize(("per_second", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_limit_without_any_room_is_refused(per_second: float, burst: float) -> None:
    with pytest.raises(InvalidInput, match=r"per_second|burst"):
        Limit(per_second, burst)
