"""The log of updates, tickets and the pace in a real Redis."""

import contextlib

import pytest
import redis

from tests.fakes.push import principal
from tests.fakes.transaction import START
from volexswarm.adapters.rate_limit import Limit
from volexswarm.adapters.redis_pushes import (
    KEPT_UPDATES,
    RedisAudience,
    RedisPace,
    RedisTickets,
    RedisUpdateLog,
)
from volexswarm.adapters.redis_quotes import client
from volexswarm.errors import Unauthorized, Unavailable
from volexswarm.messages import Channel
from volexswarm.push.model import Cursor, Update
from volexswarm.security.roles import Role

ORDERS = Channel.ORDERS


@pytest.fixture
def connection(redis_url):
    with contextlib.closing(client(redis_url)) as connection:
        yield connection


@pytest.fixture
def log(connection):
    return RedisUpdateLog(connection)


def update(number):
    return Update(
        "OrderChanged", f"key {number}", START, {"symbol": "BTC/USDT"}, True, {"filled": str(number), "ü": None}
    )


def test_updates_are_numbered_once_and_come_back_as_they_were(log):
    first = log.append(ORDERS, "a", [update(1), update(2)])
    again = log.append(ORDERS, "a", [update(1), update(2)])
    second = log.append(ORDERS, "b", [update(3)])
    assert (first.number, again.number, second.number) == (2, 2, 3)
    assert first.epoch == second.epoch
    window = log.window(ORDERS, 1)
    assert [(one.number, one.update) for one in window.updates] == [(2, update(2)), (3, update(3))]
    assert (window.head, window.oldest) == (second, 1)
    assert log.window(ORDERS, None).updates == ()
    assert log.window(ORDERS, 3).updates == ()
    assert log.window(Channel.QUOTES, None).head.number == 0


def test_the_log_keeps_the_latest_and_says_which_is_the_oldest(log):
    log.append(ORDERS, "a", [update(n) for n in range(KEPT_UPDATES + 5)])
    window = log.window(ORDERS, 0)
    assert (window.oldest, len(window.updates)) == (6, KEPT_UPDATES)
    assert (window.covers(4), window.covers(5), window.covers(KEPT_UPDATES + 6)) == (False, True, False)


def test_places_move_forward_only_and_not_under_a_client_that_has_taken_another(log):
    log.append(ORDERS, "a", [update(n) for n in range(9)])
    log.advance(ORDERS, {"c": Cursor(5, 4)})
    assert log.cursors(ORDERS, ["c", "d"]) == {"c": Cursor(5, 4)}
    log.advance(ORDERS, {"c": Cursor(3, 3)})
    assert log.cursors(ORDERS, ["c"])["c"].considered == 5
    before = log.cursors(ORDERS, ["c"])["c"]
    log.place(ORDERS, "c", Cursor(2, 2))
    log.advance(ORDERS, {"c": Cursor(9, 9, stamp=before.stamp)})
    placed = log.cursors(ORDERS, ["c"])["c"]
    assert (placed.considered, placed.sent) == (2, 2)
    log.advance(ORDERS, {"c": Cursor(9, 8, 12.5, placed.stamp)})
    assert log.cursors(ORDERS, ["c"])["c"] == Cursor(9, 8, 12.5, placed.stamp)


def test_who_is_gone_has_no_place(log):
    log.append(ORDERS, "a", [update(1)])
    log.advance(ORDERS, {name: Cursor(1, 1) for name in "abc"})
    log.forget(ORDERS, ["a"])
    log.forget(ORDERS, [])
    log.prune(ORDERS, ["c", "d"])
    assert set(log.cursors(ORDERS, ["a", "b", "c"])) == {"c"}


def test_a_redis_that_was_emptied_begins_a_new_epoch_without_places(log, connection):
    before = log.append(ORDERS, "a", [update(1)])
    log.advance(ORDERS, {"c": Cursor(1, 1)})
    connection.flushall()
    after = log.append(ORDERS, "a", [update(1)])
    assert (after.number, after.epoch == before.epoch) == (1, False)
    assert log.cursors(ORDERS, ["c"]) == {}


def test_a_redis_that_was_started_again_with_older_contents_begins_a_new_epoch(log, connection):
    before = log.append(ORDERS, "a", [update(1)])
    log.advance(ORDERS, {"c": Cursor(1, 1)})
    another_run = "0" * 12 + before.epoch[12:]
    connection.hset("volexswarm:push:{orders}:head", "epoch", another_run)
    assert log.cursors(ORDERS, ["c"]) == {}
    after = log.append(ORDERS, "a", [update(1)])  # also what that run had seen is told anew
    assert after.number == 1
    assert after.epoch not in (before.epoch, another_run)


def test_one_of_many_takes_the_turn(log):
    assert [log.turn("keeping", 60) for _ in range(3)] == [True, False, False]
    assert log.turn("another", 60)


def test_somebody_watches_or_nobody(log, connection):
    audience = RedisAudience(connection)
    assert not audience.watches(Channel.QUOTES)
    log.want(Channel.QUOTES)
    assert audience.watches(Channel.QUOTES)
    assert not audience.watches(ORDERS)


def test_a_ticket_is_good_once_and_soon_over(connection):
    tickets = RedisTickets(connection)
    someone = principal(Role.TRADER)
    ticket = tickets.issue(someone, 30)
    assert not [key for key in connection.scan_iter() if ticket in key]
    assert tickets.redeem(ticket) == someone
    for bad in (ticket, "", "\ud800"):
        with pytest.raises(Unauthorized):
            tickets.redeem(bad)
    tickets.issue(someone, 30)
    (key,) = connection.keys("*ticket*")
    assert 0 < connection.pttl(key) <= 30_000


def test_a_client_that_acts_too_often_is_told(connection):
    pace = RedisPace(connection, Limit(per_second=0.001, burst=3))
    assert [pace.allows("c") for _ in range(4)] == [True, True, True, False]
    assert pace.allows("d")


def test_a_redis_that_is_away_is_said_to_be():
    nobody = redis.Redis(host="127.0.0.1", port=1, decode_responses=True)
    log = RedisUpdateLog(nobody)
    deeds = [
        lambda: log.append(ORDERS, "a", [update(1)]),
        lambda: log.window(ORDERS, None),
        lambda: log.cursors(ORDERS, ["c"]),
        lambda: log.advance(ORDERS, {"c": Cursor(1, 1)}),
        lambda: log.place(ORDERS, "c", Cursor(1, 1)),
        lambda: log.forget(ORDERS, ["c"]),
        lambda: log.prune(ORDERS, []),
        lambda: log.want(ORDERS),
        lambda: log.turn("keeping", 1),
        lambda: RedisTickets(nobody).issue(principal(), 30),
        lambda: RedisTickets(nobody).redeem("x"),
    ]
    for deed in deeds:
        with pytest.raises(Unavailable):
            deed()
    assert not RedisAudience(nobody).watches(ORDERS)
