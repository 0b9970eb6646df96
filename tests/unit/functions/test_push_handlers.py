"""The handlers of live watching: what the gateway and the queue hand in, and what they get back."""

import json
import random
from datetime import timedelta
from types import SimpleNamespace

import pytest

from chalicelib.agents import push
from chalicelib.runtime import wiring
from chalicelib.runtime.batch import Batch, Drill
from tests.unit.functions.deliveries import RecordedDeliveries
from tests.unit.push.stage import Stage, order_event
from volexswarm.errors import Unavailable
from volexswarm.messages import encode
from volexswarm.push.model import Limits

CONTEXT = SimpleNamespace(get_remaining_time_in_millis=lambda: 20_000)


@pytest.fixture
def stage(monkeypatch):
    stage = Stage(limits=Limits(per_user=1))
    monkeypatch.setattr(wiring, "gate", lambda: stage.gate)
    monkeypatch.setattr(wiring, "subscription_desk", lambda: stage.desk)
    monkeypatch.setattr(wiring, "broadcaster", lambda: stage.broadcaster)
    monkeypatch.setattr(wiring, "connection_keeper", lambda: stage.keeper)
    return stage


def call(route, client="c1", body=None, **event):
    kind = {"$connect": "CONNECT", "$disconnect": "DISCONNECT"}.get(route, "MESSAGE")
    context = {"routeKey": route, "connectionId": client, "eventType": kind}
    return push.on_websocket({"requestContext": context, "body": body, **event}, CONTEXT)


def bearer(token):
    return {"headers": {"Authorization": f"Bearer {token}"}}


def test_a_client_connects_subscribes_and_leaves(stage):
    assert call("$connect", **bearer("trader")) == {"statusCode": 200}
    assert call("$default", body='{"action":"subscribe","channel":"orders"}') == {"statusCode": 200}
    assert [m["type"] for m in stage.heard("c1")] == ["subscribed"]
    assert call("$disconnect") == {"statusCode": 200}
    assert stage.state.clients == {}


def test_the_offered_subprotocol_is_named(stage):
    answer = call("$connect", headers={"Sec-WebSocket-Protocol": "volexswarm.v1, bearer.trader"})
    assert answer == {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "volexswarm.v1"}}


@pytest.mark.parametrize(
    ("handshake", "status"),
    [
        ({}, 401),
        (bearer("nonsense"), 401),
        ({"queryStringParameters": {"token": "trader"}}, 400),
        ({"queryStringParameters": {"ticket": "used"}}, 401),
    ],
)
def test_a_refused_handshake_says_why_by_status(stage, handshake, status):
    answer = call("$connect", **handshake)
    assert (answer["statusCode"], stage.state.clients) == (status, {})
    assert json.loads(answer["body"])["message"]


def looks(stage, monkeypatch):
    """The seconds that each look at the connections is given."""
    given = []
    look = stage.keeper.look_after_if_due

    def noted(seconds_left):
        given.append(seconds_left())
        look(seconds_left)

    monkeypatch.setattr(stage.keeper, "look_after_if_due", noted)
    return given


def test_nobody_looks_after_connections_for_a_stranger(stage, monkeypatch):
    given = looks(stage, monkeypatch)
    call("$connect", **bearer("nonsense"))
    assert given == []
    call("$connect", **bearer("trader"))
    assert given == [push.LOOKING]


def test_a_look_leaves_the_handshake_time_for_its_answer(stage, monkeypatch):
    given = looks(stage, monkeypatch)
    monkeypatch.setattr(CONTEXT, "get_remaining_time_in_millis", lambda: 4_500)
    assert call("$connect", **bearer("trader"))["statusCode"] == 200
    assert given == [1.5]


def test_the_place_of_one_that_left_without_a_word_is_free_at_once(stage):
    call("$connect", **bearer("trader"))
    stage.clock.advance(timedelta(minutes=4))
    stage.log.turns.clear()
    stage.outlet.left = {"c1"}
    assert call("$connect", "c2", **bearer("trader"))["statusCode"] == 200


def test_telling_and_looking_share_the_time_of_the_call(stage, monkeypatch):
    monkeypatch.setattr(wiring, "batch", lambda: Batch(RecordedDeliveries(), Drill(0, random.Random(1))))
    given = looks(stage, monkeypatch)
    remaining = iter([9_000, 9_000, 9_000])
    monkeypatch.setattr(CONTEXT, "get_remaining_time_in_millis", lambda: next(remaining, 5_000))
    push.on_pushes(records(encode(order_event(1))), CONTEXT)
    assert given == [2.0]


def test_one_too_many_is_told_to_come_later(stage):
    call("$connect", **bearer("trader"))
    assert call("$connect", "c2", **bearer("trader"))["statusCode"] == 429


def test_a_vault_that_is_away_opens_nothing(stage, monkeypatch):
    def away(_):
        raise Unavailable("vault", "sealed")

    monkeypatch.setattr(stage.verifier, "verify", away)
    assert call("$connect", **bearer("trader"))["statusCode"] == 503


@pytest.mark.parametrize("event", [{"body": None}, {"body": "AAEC", "isBase64Encoded": True}, {"body": "\ufffd\x00"}])
def test_what_is_no_text_is_answered_by_an_error(stage, event):
    call("$connect", **bearer("trader"))
    assert call("$default", **event) == {"statusCode": 200}
    assert [m["code"] for m in stage.heard("c1")] == ["Unreadable"]


def test_a_client_that_names_the_gateways_own_routes_is_not_taken_for_the_gateway(stage):
    call("$connect", **bearer("trader"))
    for route in ("$connect", "$disconnect"):
        context = {"routeKey": route, "connectionId": "c1", "eventType": "MESSAGE"}
        body = json.dumps({"action": route})
        assert push.on_websocket({"requestContext": context, "body": body}, CONTEXT) == {"statusCode": 200}
    assert [m["code"] for m in stage.heard("c1")] == ["Unreadable", "Unreadable"]
    assert set(stage.state.clients) == {"c1"}


def test_a_store_that_is_away_is_told_to_the_client(stage, monkeypatch):
    call("$connect", **bearer("trader"))

    def away(*_):
        raise Unavailable("database", "away")

    monkeypatch.setattr(stage.state.__class__, "connection_of", away)
    assert call("$default", body='{"action":"ping"}') == {"statusCode": 200}
    assert [m["code"] for m in stage.heard("c1")] == ["Unavailable"]


def records(*bodies):
    return {
        "Records": [
            {
                "messageId": str(number),
                "receiptHandle": "r",
                "body": body,
                "eventSourceARN": "arn:aws:sqs:r:1:volexswarm-pushes.fifo",
                "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": "orders"},
            }
            for number, body in enumerate(bodies)
        ]
    }


def test_a_batch_is_told_at_once_and_what_no_client_could_be_told_does_not_come_back(stage, monkeypatch):
    deliveries = RecordedDeliveries()
    monkeypatch.setattr(wiring, "batch", lambda: Batch(deliveries, Drill(0, random.Random(1))))
    stage.enter("c1", "c2")
    for client in ("c1", "c2"):
        stage.say(client, "subscribe", channel="orders")
    post = stage.outlet.post

    def broken(frames, seconds):
        if any(client == "c2" for client, _ in frames):
            raise RuntimeError("the gateway answers nonsense")
        return post(frames, seconds)

    monkeypatch.setattr(stage.outlet, "post", broken)
    answer = push.on_pushes(records(encode(order_event(1)), encode(order_event(2))), CONTEXT)
    assert answer == {"batchItemFailures": []}
    monkeypatch.setattr(stage.outlet, "post", post)
    push.on_pushes(records(encode(order_event(3))), CONTEXT)
    for client in ("c1", "c2"):
        assert [m["number"] for m in stage.heard(client)] == [1, 2, 3]


def test_a_log_that_is_away_keeps_the_messages_in_the_queue(stage, monkeypatch):
    deliveries = RecordedDeliveries()
    monkeypatch.setattr(wiring, "batch", lambda: Batch(deliveries, Drill(0, random.Random(1))))

    def away(*_):
        raise Unavailable("updates", "away")

    monkeypatch.setattr(stage.log, "append", away)
    answer = push.on_pushes(records(encode(order_event(1)), encode(order_event(2))), CONTEXT)
    assert [item["itemIdentifier"] for item in answer["batchItemFailures"]] == ["0", "1"]
    assert deliveries.buried == []
