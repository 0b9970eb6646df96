"""Attempts are counted exactly, also at the same moment, and forgotten in time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import redis

from volexswarm.adapters.redis_attempts import RedisAttempts
from volexswarm.adapters.redis_quotes import client
from volexswarm.errors import Unavailable

SPAN = timedelta(minutes=30)


@pytest.fixture
def attempts(redis_url: str) -> RedisAttempts:
    return RedisAttempts(client(redis_url))


def test_five_are_counted_and_the_sixth_has_to_wait(attempts: RedisAttempts) -> None:
    assert [attempts.count("ann", 5, SPAN) for _ in range(5)] == [None] * 5
    wait = attempts.count("ann", 5, SPAN)
    assert wait is not None
    assert SPAN - timedelta(minutes=1) < wait <= SPAN
    assert attempts.count("bob", 5, SPAN) is None


def test_of_many_at_the_same_moment_five_are_counted(attempts: RedisAttempts) -> None:
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: attempts.count("ann", 5, SPAN), range(40)))
    assert answers.count(None) == 5


def test_what_was_taken_back_or_forgotten_does_not_count(attempts: RedisAttempts) -> None:
    for _ in range(10):
        assert attempts.count("ann", 1, SPAN) is None
        attempts.take_back("ann")
    assert attempts.count("ann", 1, SPAN) is None
    attempts.forget("ann")
    attempts.take_back("ann")
    assert attempts.count("ann", 1, SPAN) is None
    assert attempts.count("ann", 1, SPAN) is not None


def test_a_count_ends_with_its_span(attempts: RedisAttempts, redis_url: str) -> None:
    attempts.count("ann", 5, SPAN)
    with redis.Redis.from_url(redis_url) as connection:
        (key,) = connection.keys("*")
        assert SPAN - timedelta(minutes=1) < timedelta(milliseconds=connection.pttl(key)) <= SPAN


def test_without_redis_nobody_is_counted() -> None:
    with pytest.raises(Unavailable, match="cache"):
        RedisAttempts(client("redis://127.0.0.1:1")).count("ann", 5, SPAN)
