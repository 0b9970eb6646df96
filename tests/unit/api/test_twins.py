"""Over the WebSocket as over HTTP: the same routes, checks, permissions and words."""

import pytest

from chalicelib.api.envelope import InvalidRequest
from chalicelib.api.twins import COMMANDS, PAGES, WHOLE, ApiCommands, ApiSnapshots, told
from tests.fakes.api import FakeSwarm
from tests.fakes.push import principal
from volexswarm.errors import Forbidden, InvalidInput, NotFound, Unavailable
from volexswarm.messages import Channel
from volexswarm.push.channels import TRAITS
from volexswarm.security.roles import Role

TRADE = {"symbol": "BTC/USDT", "side": "buy", "amount": "0.1", "type": "market"}


@pytest.fixture
def swarm(monkeypatch):
    swarm = FakeSwarm()
    swarm.install(monkeypatch)
    return swarm


def given(body=None, key=None, **parameters):
    return {"parameters": parameters, "body": body or {}, "key": key}


@pytest.mark.parametrize("channel", [*PAGES, *WHOLE, Channel.QUOTES, Channel.CANDLES])
def test_each_channel_has_the_snapshot_of_its_twin(swarm, channel):
    assert ApiSnapshots().snapshot(channel, {}, principal())


def test_deliberations_are_shown_of_the_tasks_that_are_named(swarm):
    assert ApiSnapshots().snapshot(Channel.DELIBERATIONS, {}, principal()) is None
    with pytest.raises(NotFound):
        ApiSnapshots().snapshot(Channel.DELIBERATIONS, {"task_id": ("ffff0000",)}, principal())


@pytest.mark.parametrize("channel", [*PAGES, *WHOLE])
def test_whoever_may_watch_a_channel_may_read_its_twins(channel):
    twins = [PAGES[channel]] if channel in PAGES else list(WHOLE[channel].values())
    for role in Role:
        if TRAITS[channel].needs <= role.permissions:
            assert {twin.endpoint().permission for twin in twins} <= role.permissions


def test_a_snapshot_is_narrowed_by_symbol(swarm):
    snapshot = ApiSnapshots().snapshot(
        Channel.CANDLES, {"symbol": ("BTC/USDT",), "timeframe": ("1m", "5m")}, principal()
    )
    assert len(snapshot["candles"]) == 2
    quotes = ApiSnapshots().snapshot(Channel.QUOTES, {"symbol": ("BTC/USDT",)}, principal())
    assert (quotes["venue"], quotes["quotes"]["BTC/USDT"]["bid"]) == ("binance", "60000")
    both = ApiSnapshots().snapshot(Channel.ORDERS, {"symbol": ("BTC/USDT", "ETH/USDT")}, principal())
    assert [asked[1] for asked in swarm.asked if asked[2:] == (None, 50, None)] == ["BTC/USDT", "ETH/USDT"]
    assert both["items"]
    with pytest.raises(InvalidRequest, match="symbol"):
        ApiSnapshots().snapshot(Channel.ORDERS, {"symbol": ("nonsense",)}, principal())


def test_a_command_does_what_its_twin_does(swarm):
    answer = ApiCommands().carry_out("trade", given(TRADE, "a-key-of-mine"), principal(Role.TRADER))
    assert (answer["symbol"], answer["amount"], answer["repeated"]) == ("BTC/USDT", "0.1", False)
    again = ApiCommands().carry_out("trade", given(TRADE, "a-key-of-mine"), principal(Role.TRADER))
    assert again["repeated"]
    assert [signal.requested_by for signal in swarm.desk.state.signals.values()] == ["trader"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_route_and_needs_its_permission(swarm, name):
    endpoint = COMMANDS[name].endpoint()
    assert endpoint.permission is not None
    parameters = dict.fromkeys(endpoint.parameters, "0e9e0000")
    with pytest.raises(Forbidden, match=endpoint.permission):
        ApiCommands().carry_out(name, given(**parameters), principal(Role.VIEWER))
    assert swarm.asked == []


@pytest.mark.parametrize(
    ("name", "parts", "field"),
    [
        ("format", given(), "command"),
        ("order.cancel", given({"reason": "too far away"}), "parameters"),
        ("halt", given({"reason": "broken"}, order="1"), "parameters"),
        ("order.cancel", given({"reason": "too far away"}, order="a;b"), "order"),
    ],
)
def test_a_wrong_command_is_refused_by_the_field(swarm, name, parts, field):
    with pytest.raises(InvalidInput) as refusal:
        ApiCommands().carry_out(name, parts, principal())
    assert refusal.value.field == field


def test_errors_are_told_in_the_words_of_the_api_and_tell_nothing_of_the_inside(swarm):
    assert told(NotFound("order", "x")) == {"code": "not_found", "message": "no order x", "details": {"kind": "order"}}
    assert "10.1.2.3" not in str(told(Unavailable("database", "10.1.2.3 refused")))
    assert "secret" not in str(told(RuntimeError("secret")))
    with pytest.raises(Exception, match="reason") as missing:
        ApiCommands().carry_out("halt", given(), principal())
    assert told(missing.value)["code"] == "invalid_input"
