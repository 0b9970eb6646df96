"""What clients say: every message gets an answer, and nothing that is no action does anything."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.push.stage import Stage
from volexswarm.errors import InvalidInput, Unavailable
from volexswarm.push.model import Limits
from volexswarm.push.protocol import NAMES, Unreadable, read
from volexswarm.security.roles import Role

LONGEST = 16 * 1024


@pytest.fixture
def stage():
    stage = Stage()
    stage.enter("ann")
    return stage


HOSTILE = {
    "nothing": ("", "a JSON object"),
    "no JSON": ("{", "a JSON object"),
    "binary, as the gateway hands it on": ("\ufffd\ufffd\x00\x01", "a JSON object"),
    "a number": ("17", "a JSON object"),
    "a list": ("[]", "a JSON object"),
    "not a number": ('{"action":"ping","id":NaN}', "a JSON object"),
    "too long": ('{"action":"ping","id":"%s"}' % ("x" * LONGEST), "at most 16384 bytes"),
    "deeply nested lists": ("[" * 8000 + "]" * 8000, "a JSON object"),
    "deeply nested objects": ('{"a":' * 1500 + "1" + "}" * 1500, "a JSON object"),
    "half a surrogate": ('{"action":"ping","id":"\ud800"}', "a JSON object"),
    "no action": ("{}", "one of subscribe"),
    "an unknown action": ('{"action":"drop"}', "one of subscribe"),
    "an action that is no text": ('{"action":["subscribe"]}', "one of subscribe"),
    "no channel": ('{"action":"subscribe"}', "a value"),
    "an unknown channel": ('{"action":"subscribe","channel":"secrets"}', "'quotes'"),
    "an unknown field": ('{"action":"ping","extra":1}', "no field"),
    "an id that is no text": ('{"action":"ping","id":{}}', "text"),
    "filters that are no lists": ('{"action":"subscribe","channel":"orders","filters":{"symbol":7}}', "a list"),
    "too many filters": (
        json.dumps({"action": "subscribe", "channel": "orders", "filters": {str(n): ["x"] for n in range(11)}}),
        "at most 10",
    ),
    "an unknown filter": (
        '{"action":"subscribe","channel":"orders","filters":{"owner":["x"]}}',
        "one of event, symbol",
    ),
    "a filter of what is not seen": (
        json.dumps({"action": "subscribe", "channel": "orders", "filters": {"symbol": ["BTC\x00"]}}),
        "visible characters",
    ),
    "an empty filter": ('{"action":"subscribe","channel":"orders","filters":{"symbol":[]}}', "1 to 50 values"),
    "a number below zero": ('{"action":"resume","channel":"orders","epoch":"e","number":-1}', "at least 0"),
    "no number": ('{"action":"resume","channel":"orders","epoch":"e"}', "a value"),
    "a token that is none": ('{"action":"auth","token":"x"}', "log in again"),
    "an unknown command": ('{"action":"command","command":"format"}', "echo"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_wrong_is_named_and_the_connection_goes_on(stage, kind):
    text, words = HOSTILE[kind]
    stage.desk.take("ann", text)
    (error,) = stage.heard("ann")
    assert error["type"] == "error"
    assert words in error["message"]
    assert stage.state.subscriptions == {}
    assert [m["type"] for m in stage.say("ann", "ping")] == ["pong"]


@given(st.text(max_size=200) | st.from_regex(r'\{"action":"[a-z]+","[a-z]+":.{0,40}\}', fullmatch=True))
def test_no_text_brings_the_reader_down(text):
    with contextlib.suppress(Unreadable):
        assert read(text, LONGEST).action in NAMES


@pytest.mark.parametrize("action", ["ping", "subscribe", "drop"])
def test_an_answer_names_what_it_answers(stage, action):
    for message in stage.say("ann", action, id="17"):
        assert message["id"] == "17"


def test_a_channel_needs_its_permission(stage):
    stage.state.clients["ann"].principal.__dict__["permissions"] = frozenset()
    (error,) = stage.say("ann", "subscribe", channel="orders", id="1")
    assert (error["code"], error["id"]) == ("Forbidden", "1")
    assert "trade:read" in error["message"]


def test_a_role_that_lost_a_permission_ceases_to_watch(stage, monkeypatch):
    stage.say("ann", "subscribe", channel="orders")
    monkeypatch.setattr(Role, "permissions", property(lambda _: frozenset()))
    assert stage.say("ann", "auth", token="admin")[0]["type"] == "authenticated"
    assert stage.state.subscriptions == {}


def test_a_command_is_carried_out_as_the_one_who_gives_it(stage):
    (result,) = stage.say("ann", "command", command="echo", parameters={"task": "t1"}, body={"a": 1}, key="k", id="c")
    assert (result["type"], result["command"], result["id"]) == ("result", "echo", "c")
    assert result["data"] == {"by": "admin", "parameters": {"task": "t1"}, "body": {"a": 1}, "key": "k"}


def test_a_result_that_is_too_long_is_named_and_left_out():
    stage = Stage(limits=Limits(frame_bytes=200))
    stage.enter("ann")
    (result,) = stage.say("ann", "command", command="echo", body={"long": "x" * 300})
    assert result["data"] is None
    assert "HTTP API" in result["omitted"]


def test_whoever_acts_too_often_is_disconnected(stage):
    stage.pace.tired.add("ann")
    (error,) = stage.say("ann", "ping")
    assert error["code"] == "too_many_actions"
    assert stage.outlet.closed == {"ann"}
    assert stage.state.clients == {}


def test_a_connection_that_nobody_knows_is_told_so_and_closed(stage):
    (error,) = stage.say("stranger", "ping")
    assert "not known any more" in error["message"]
    assert stage.outlet.closed == {"stranger"}


def test_a_snapshot_that_cannot_be_had_is_said_and_nothing_begins(stage):
    stage.snapshots.failing = Unavailable("database", "away")
    (error,) = stage.say("ann", "subscribe", channel="orders")
    assert error["code"] == "Unavailable"
    assert stage.state.subscriptions == {}


@pytest.mark.parametrize("action", [{"action": "subscribe"}, {"action": "resume", "epoch": "epoch-1", "number": 0}])
def test_filters_that_a_snapshot_refuses_are_refused(stage, action):
    stage.snapshots.failing = InvalidInput("symbol", "x", "a market like BTC/USDT")
    (error,) = stage.say("ann", channel="signals", filters={"symbol": ["BTC/USDT", "x"]}, **action)
    assert error["code"] == "InvalidInput"
    assert stage.state.subscriptions == {}


@pytest.mark.parametrize("action", [{"action": "subscribe"}, {"action": "resume", "epoch": "epoch-1", "number": 0}])
def test_a_first_frame_that_is_not_delivered_begins_nothing_and_is_answered_by_an_error(stage, action):
    stage.outlet.refuses = lambda frame: '"error"' not in frame
    (error,) = stage.say("ann", channel="orders", id="7", **action)
    assert (error["type"], error["code"], error["id"]) == ("error", "Unavailable", "7")
    assert stage.state.subscriptions == {}


def test_a_client_that_left_before_its_answer_is_forgotten(stage):
    stage.outlet.left = {"ann"}
    assert stage.say("ann", "subscribe", channel="orders") == []
    assert stage.state.clients == {}
