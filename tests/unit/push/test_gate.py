"""The door: one good credential, within the limits, until the token ends."""

from datetime import timedelta

import pytest

from tests.fakes.push import principal
from tests.unit.push.stage import Stage, order_event
from volexswarm.errors import InvalidInput, TooManyAttempts, Unauthorized
from volexswarm.messages import Channel
from volexswarm.push.handshake import Credential, read
from volexswarm.push.model import Limits
from volexswarm.push.tickets import LIFETIME, TicketOffice
from volexswarm.security.roles import Role

JWT = "header.claims.signature"


@pytest.mark.parametrize(
    ("headers", "query", "credential"),
    [
        ({"Authorization": f"Bearer {JWT}"}, {}, Credential("token", JWT, None)),
        ({"authorization": f"bearer  {JWT} "}, {}, Credential("token", JWT, None)),
        (
            {"Sec-WebSocket-Protocol": f"volexswarm.v1, bearer.{JWT}"},
            {},
            Credential("token", JWT, "volexswarm.v1"),
        ),
        ({}, {"ticket": "t1"}, Credential("ticket", "t1", None)),
        ({"Sec-WebSocket-Protocol": "volexswarm.v1"}, {"ticket": "t1"}, Credential("ticket", "t1", "volexswarm.v1")),
    ],
)
def test_each_way_to_show_who_one_is(headers, query, credential):
    assert read(headers, query) == credential


@pytest.mark.parametrize(
    ("headers", "query", "error"),
    [
        ({}, {}, Unauthorized),
        ({"Authorization": "Basic abc"}, {}, Unauthorized),
        ({"Authorization": "Bearer "}, {}, Unauthorized),
        ({"Authorization": f"Bearer {JWT}"}, {"ticket": "t1"}, Unauthorized),  # which of them is meant?
        ({}, {"token": JWT}, InvalidInput),
        ({"Authorization": f"Bearer {JWT}"}, {"access_token": JWT}, InvalidInput),
        ({"Sec-WebSocket-Protocol": f"bearer.{JWT}"}, {}, InvalidInput),  # nothing that the answer could name
        ({"Sec-WebSocket-Protocol": f"graphql, bearer.{JWT}"}, {}, InvalidInput),
    ],
)
def test_whatever_else_is_shown_opens_nothing(headers, query, error):
    with pytest.raises(error) as refusal:
        read(headers, query)
    assert JWT not in str(refusal.value)


def connect(stage, name, credential):
    return stage.gate.let_in(name, stage.gate.judge(credential))


@pytest.fixture
def stage():
    return Stage(limits=Limits(per_user=2, in_total=3))


def test_a_good_token_opens_and_a_bad_one_does_not(stage):
    connection = connect(stage, "c1", Credential("token", "trader", None))
    assert (connection.principal.username, set(stage.state.clients)) == ("trader", {"c1"})
    with pytest.raises(Unauthorized):
        connect(stage, "c2", Credential("token", "nonsense", None))
    assert set(stage.state.clients) == {"c1"}


def test_a_ticket_opens_once(stage):
    office = TicketOffice(stage.tickets, stage.clock)
    ticket = office.issue(principal(Role.ANALYST))
    assert ticket.expires_at == stage.clock.now() + LIFETIME
    assert connect(stage, "c1", Credential("ticket", ticket.text, None)).principal.role is Role.ANALYST
    with pytest.raises(Unauthorized):
        connect(stage, "c2", Credential("ticket", ticket.text, None))


def test_a_user_has_so_many_connections_and_all_together_so_many(stage):
    for name in ("c1", "c2"):
        connect(stage, name, Credential("token", "trader", None))
    with pytest.raises(TooManyAttempts, match="trader has 2"):
        connect(stage, "c3", Credential("token", "trader", None))
    connect(stage, "c3", Credential("token", "viewer", None))
    with pytest.raises(TooManyAttempts, match="as many connections as may be"):
        connect(stage, "c4", Credential("token", "admin", None))
    stage.gate.disconnect("c1")
    connect(stage, "c4", Credential("token", "admin", None))


def test_a_connection_ends_with_its_token(stage):
    stage.enter("ann", minutes=10)
    stage.say("ann", "subscribe", channel="orders")
    stage.clock.advance(timedelta(minutes=10))
    stage.happen(order_event(1))
    (farewell,) = stage.heard("ann")
    assert (farewell["type"], farewell["code"]) == ("error", "unauthorized")
    assert stage.outlet.closed == {"ann"}
    assert stage.state.clients == {}


def test_an_action_after_the_tokens_end_is_not_done(stage):
    stage.enter("ann", minutes=10)
    stage.clock.advance(timedelta(minutes=11))
    (farewell,) = stage.say("ann", "subscribe", channel="orders")
    assert farewell["code"] == "unauthorized"
    assert stage.state.clients == {}


def test_a_newer_token_lets_a_connection_go_on(stage):
    stage.enter("ann", minutes=10)  # whose user is called admin
    stage.clock.advance(timedelta(minutes=9))
    stage.verifier.minutes = 70
    (answer,) = stage.say("ann", "auth", token="admin", id="a")
    assert (answer["type"], answer["id"], answer["username"]) == ("authenticated", "a", "admin")
    stage.clock.advance(timedelta(minutes=9))
    assert [m["type"] for m in stage.say("ann", "ping")] == ["pong"]


def test_another_users_token_does_not(stage):
    stage.enter("ann")
    (error,) = stage.say("ann", "auth", token="viewer")
    assert "another user" in error["message"]
    assert stage.state.clients["ann"].principal.username == "admin"


def test_the_keeper_ends_what_has_ended_and_notices_who_left(stage):
    stage.enter("early", minutes=3)
    stage.enter("here", "left")
    for client in ("here", "left"):
        stage.say(client, "subscribe", channel="orders")
    stage.outlet.left = {"left"}
    stage.clock.advance(timedelta(minutes=4))
    stage.keeper.look_after_if_due(lambda: 10.0)
    assert set(stage.state.clients) == {"here"}
    assert stage.outlet.closed == {"early"}
    assert stage.state.clients["here"].seen_at == stage.clock.now()
    stage.outlet.left.add("here")
    stage.clock.advance(timedelta(minutes=4))
    stage.keeper.look_after_if_due(lambda: 10.0)  # somebody has already looked, this minute
    assert set(stage.state.clients) == {"here"}


def test_the_keeper_brings_those_up_to_date_who_fell_behind(stage):
    stage.enter("ann")
    stage.say("ann", "subscribe", channel="orders")
    stage.outlet.slow = {"ann"}
    stage.happen(order_event(1))
    stage.outlet.slow = set()
    stage.clock.advance(timedelta(seconds=30))
    stage.keeper.look_after(lambda: 10.0)
    assert [m["number"] for m in stage.heard("ann")] == [1]


def countdown(stage, seconds):
    end = stage.clock.now() + timedelta(seconds=seconds)
    return lambda: max(0.0, (end - stage.clock.now()).total_seconds())


def taking(stage, seconds, act):
    """The same, and it takes its time."""

    def slow(*arguments):
        stage.clock.advance(timedelta(seconds=seconds))
        return act(*arguments)

    return slow


def test_the_keeper_stops_when_its_time_is_over_and_says_how_much_there_is(stage):
    stage.enter("early", minutes=3)
    stage.enter("here")
    stage.say("here", "subscribe", channel="orders")
    stage.log.forget(Channel.ORDERS, ["here"])
    stage.clock.advance(timedelta(minutes=4))
    given = []

    def close(connections, seconds):
        given.append(seconds)
        stage.clock.advance(timedelta(seconds=4))

    def gone(connections, seconds):
        given.append(seconds)
        stage.clock.advance(timedelta(seconds=seconds))
        return set()

    stage.outlet.close, stage.outlet.gone = close, gone
    stage.keeper.look_after(countdown(stage, 7))
    assert given == [5, 3]
    assert stage.heard("here") == []
    stage.keeper.look_after(countdown(stage, 7))
    assert [m["type"] for m in stage.heard("here")] == ["reset"]


def test_who_could_not_be_asked_for_want_of_time_is_asked_later(stage):
    stage.enter("left")
    stage.outlet.gone = lambda connections, seconds: set(connections) if seconds >= 3 else set()
    stage.clock.advance(timedelta(minutes=4))
    stage.keeper.look_after(lambda: 1.0)
    stage.keeper.look_after(lambda: 7.0)
    assert stage.state.clients == {}


def test_a_call_without_time_leaves_the_look_to_the_next(stage):
    stage.enter("early", minutes=3)
    stage.clock.advance(timedelta(minutes=4))
    stage.keeper.look_after_if_due(lambda: 1.0)
    assert set(stage.state.clients) == {"early"}
    stage.keeper.look_after_if_due(lambda: 7.0)
    assert stage.state.clients == {}


def test_looks_that_end_early_come_to_every_channel_in_some_minutes(stage):
    stage.enter("here")
    for channel in Channel:
        stage.say("here", "subscribe", channel=channel.value)
        stage.log.forget(channel, ["here"])
    stage.snapshots.snapshot = taking(stage, 3, stage.snapshots.snapshot)
    begun = []
    for _ in range(9):
        before = stage.clock.now()
        stage.keeper.look_after(countdown(stage, 2))
        begun += [m["channel"] for m in stage.heard("here")]
        stage.clock.advance(before + timedelta(minutes=1) - stage.clock.now())
    assert sorted(begun) == sorted(Channel)
