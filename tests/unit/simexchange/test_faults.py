"""A fault strikes what it is meant for, as often as it was asked to, and counts it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simexchange.binance import disturbed
from simexchange.binance.errors import NoAnswer
from simexchange.faults import BadFault, Faults, Kind
from simexchange.main import main

ORDER = "POST /api/v3/order"


class Seconds:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


@pytest.fixture
def faults(seconds):
    return Faults(seconds)


def struck(faults):
    return [fault["struck"] for fault in faults.listed()]


def test_a_fault_strikes_the_next_requests_of_its_route_and_no_other(faults):
    faults.arm({"kind": "lose_response", "route": ORDER, "count": 2})
    hit = [faults.of_request(route) is not None for route in ("GET /api/v3/order", ORDER, "GET /x", ORDER, ORDER)]
    assert hit == [False, True, False, True, False]
    (listed,) = faults.listed()
    assert (listed["struck"], listed["left"], listed["active"]) == (2, 0, False)


def test_a_route_is_a_pattern_and_by_default_everything(faults):
    faults.arm({"kind": "lose_request", "route": "* /api/v3/*rder"})
    faults.arm({"kind": "lose_request"})
    routes = ("WS ping", "DELETE /api/v3/order", "GET /api/v3/time")
    assert [bool(faults.of_request(route)) for route in routes] == [True, True, False]


def test_of_several_faults_the_oldest_strikes_first(faults):
    faults.arm({"kind": "lose_request"})
    faults.arm({"kind": "status", "status": 502})
    assert [faults.of_request(ORDER).kind for _ in range(2)] == [Kind.LOSE_REQUEST, Kind.STATUS]
    assert faults.of_request(ORDER) is None


@pytest.mark.parametrize(("kind", "http"), [("rate_limit", 429), ("ban", 418)])
def test_a_limit_begins_with_the_request_that_meets_it_and_says_how_long_it_lasts(faults, seconds, kind, http):
    faults.arm({"kind": kind, "seconds": 10, "route": ORDER})
    seconds.now += 1000
    fault = faults.of_request(ORDER)
    error = disturbed.error_of(fault, faults.seconds_left(fault))
    assert (error.http, error.retry_after, error.code) == (http, 10, -1003)
    seconds.now += 7.5
    assert disturbed.error_of(faults.of_request(ORDER), faults.seconds_left(fault)).retry_after == 3
    seconds.now += 2.5
    assert faults.of_request(ORDER) is None
    assert struck(faults) == [2]


def test_maintenance_is_on_for_every_request_until_it_ends(faults, seconds):
    faults.arm({"kind": "lose_request"})
    faults.arm({"kind": "maintenance", "seconds": 5})
    assert {faults.of_request(route).kind for route in (ORDER, "WS ping")} == {Kind.MAINTENANCE}
    seconds.now += 5
    assert faults.maintenance() is None
    assert faults.of_request(ORDER).kind is Kind.LOSE_REQUEST
    assert struck(faults) == [1, 2]


def test_a_clock_is_off_for_its_time_or_until_it_is_cleared(faults, seconds):
    faults.arm({"kind": "clock_skew", "ms": 1500, "seconds": 2})
    lasting = faults.arm({"kind": "clock_skew", "ms": -4000})
    assert faults.skew_ms() == -2500
    seconds.now += 2
    assert faults.skew_ms() == -4000
    assert faults.clear(lasting.id) == 1
    assert (faults.skew_ms(), struck(faults)) == (0, [1])


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("drop_event", [1, 4, 5, 6]),
        ("repeat_event", [1, 2, 2, 3, 3, 4, 5, 6]),
        ("reorder_event", [1, 3, 2, 5, 4, 6]),
    ],
)
def test_messages_of_a_stream_are_dropped_repeated_or_sent_behind_the_next(faults, kind, sent):
    def passed(n):
        return [int(m) for m in faults.sent("depth", "btcusdt@depth", b"%d" % n)]

    seen = passed(1)
    faults.arm({"kind": kind, "stream": "depth", "count": 2})
    assert faults.sent("user", "main", b"x") == (b"x",)
    for n in range(2, 7):
        seen += passed(n)
    assert seen == sent
    assert struck(faults) == [2]


@given(st.lists(st.sampled_from(["drop_event", "repeat_event", "reorder_event"])), st.integers(20, 30))
def test_what_is_not_dropped_always_arrives_whatever_else_is_armed(kinds, messages):
    faults = Faults(lambda: 0.0)
    for kind in kinds[:5]:
        faults.arm({"kind": kind, "stream": "trades"})
    seen = [m for n in range(messages) for m in faults.sent("trades", "a@trade", b"%d" % n)]
    assert len(set(seen)) == messages - kinds[:5].count("drop_event")
    assert len(seen) - len(set(seen)) == kinds[:5].count("repeat_event")
    assert struck(faults) == [1] * len(kinds[:5])


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({}, "kind is None"),
        ({"kind": "explode"}, "one of lose_request"),
        ({"kind": "delay_request"}, "needs seconds"),
        ({"kind": "delay_request", "seconds": 0}, "above 0"),
        ({"kind": "delay_request", "seconds": "soon"}, "above 0"),
        ({"kind": "delay_request", "seconds": float("nan")}, "above 0"),
        ({"kind": "lose_request", "count": 0}, "whole number from 1"),
        ({"kind": "lose_request", "count": True}, "whole number from 1"),
        ({"kind": "lose_request", "seconds": 1}, "takes no seconds; it takes count, route"),
        ({"kind": "status", "status": 200}, "400 to 599"),
        ({"kind": "status", "status": 502, "after": 1}, "true"),
        ({"kind": "drop_event", "stream": "news"}, "one of user"),
        ({"kind": "cut_sockets", "count": 2}, "takes no count; it takes stream"),
    ],
)
def test_a_fault_that_is_none_is_refused_in_words_and_nothing_is_armed(faults, spec, words):
    with pytest.raises(BadFault, match=words):
        faults.arm(spec)
    assert faults.listed() == []


async def test_a_request_suffers_what_strikes_it(faults):
    done = []

    async def act():
        done.append("acted")
        return "answer"

    async def ask():
        done.clear()
        got = await disturbed.answer(faults, ORDER, act, lambda error: error, lambda: "cut")
        return got, bool(done)

    assert await ask() == ("answer", True)
    faults.arm({"kind": "lose_request"})
    assert await ask() == ("cut", False)
    faults.arm({"kind": "lose_response"})
    assert await ask() == ("cut", True)
    for kind in ("delay_request", "delay_response"):
        faults.arm({"kind": kind, "seconds": 0.001})
        assert await ask() == ("answer", True)
    for after in (False, True):
        faults.arm({"kind": "status", "status": 502, "after": after})
        error, acted = await ask()
        assert (isinstance(error, NoAnswer), error.http, acted) == (True, 502, after)
        faults.arm({"kind": "error", "code": -1007, "message": "Timeout.", "after": after})
        error, acted = await ask()
        assert (error.body, acted) == ({"code": -1007, "msg": "Timeout."}, after)
    assert sum(struck(faults)) == 8


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["add", "delay_request"], "needs seconds"),
        (["list", "--url", "127.0.0.1:1"], "is no address"),
        (["list", "--url", "http://127.0.0.1:1"], "refused"),
    ],
)
def test_the_command_says_what_is_wrong(command, words, capsys):
    assert main(["faults", *command]) == 2
    assert words in capsys.readouterr().err
