"""`watch` against a real WebSocket server that loses, repeats and breaks off."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner

from volexswarm.cli import live as living
from volexswarm.cli import watch
from volexswarm.cli.client import Refused, Unreachable
from volexswarm.cli.live import Live
from volexswarm.cli.main import main
from volexswarm.cli.output import console


def update(number, after, **data):
    return {
        "type": "update", "channel": "orders", "number": number, "after": after, "event": "OrderChanged",
        "key": "k", "time": "2026-01-05T12:00:01+00:00", "simulated": True, "data": {"filled": str(number), **data},
    }  # fmt: skip


BEGUN = {"type": "subscribed", "channel": "orders", "epoch": "e", "number": 0, "snapshot": {}, "id": "orders"}


@asynccontextmanager
async def serving(*connections):
    """A server that answers each connection's first action, and every further one, with the frames given for it."""
    asked = []
    scripts = iter(connections)

    async def talk(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for frames in next(scripts):
            asked.append(json.loads(await socket.receive_str()))
            for frame in frames:
                await socket.send_json(frame)
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/live", talk)
    server = TestServer(app)
    await server.start_server()
    try:
        yield f"ws://127.0.0.1:{server.port}/live", asked
    finally:
        await server.close()


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(living, "FIRST_PAUSE", 0.01)


async def taken(live, count):
    found = []
    async for message in live.messages():
        found.append(message)
        if len(found) == count:
            return found
    return found


async def test_updates_come_once_and_in_order_over_a_broken_connection():
    first = [[BEGUN, [update(1, 0), update(2, 1)], update(2, 1)]]
    second = [[{"type": "resumed", "channel": "orders", "epoch": "e", "number": 2}, update(2, 1), update(3, 2)]]
    async with serving(first, second) as (address, asked):
        live = Live(lambda: address, ["orders"], {"symbol": ["BTC/USDT"]})
        messages = await taken(live, 4)
    assert [m.get("number") for m in messages] == [0, 1, 2, 3]
    assert [one["action"] for one in asked] == ["subscribe", "resume"]
    assert asked[0]["filters"] == {"symbol": ["BTC/USDT"]}
    assert (asked[1]["epoch"], asked[1]["number"]) == ("e", 2)


async def test_a_connection_that_breaks_now_and_then_is_made_anew_as_soon_each_time(monkeypatch):
    pauses, sleep = [], asyncio.sleep

    async def noted(seconds):
        pauses.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(living.asyncio, "sleep", noted)
    resumed = {"type": "resumed", "channel": "orders", "epoch": "e", "number": 0}
    async with serving([[BEGUN]], [[resumed]], [[resumed]], [[resumed, update(1, 0)]]) as (address, _):
        await taken(Live(lambda: address, ["orders"], {}), 2)
    assert [seconds for seconds in pauses if 0 < seconds < living.PING_SECONDS] == [living.FIRST_PAUSE] * 3


async def test_a_gap_is_asked_for_again():
    frames = [[BEGUN, update(1, 0), update(4, 3)], [update(2, 1), update(3, 2), update(4, 3)]]
    async with serving(frames) as (address, asked):
        messages = await taken(Live(lambda: address, ["orders"], {}), 5)
    assert [m["number"] for m in messages] == [0, 1, 2, 3, 4]
    assert (asked[1]["action"], asked[1]["number"]) == ("resume", 1)


async def test_a_refusal_ends_the_watching():
    error = {"type": "error", "code": "forbidden", "message": "this needs the permission trade:read", "details": {}}
    async with serving([[error]]) as (address, _):
        with pytest.raises(Refused, match="trade:read"):
            await taken(Live(lambda: address, ["orders"], {}), 1)


async def test_a_part_that_is_away_is_asked_again():
    error = {"type": "error", "code": "unavailable", "message": "away", "details": {}}
    async with serving([[error]], [[BEGUN]]) as (address, _):
        messages = await taken(Live(lambda: address, ["orders"], {}), 1)
    assert messages == [BEGUN]


async def test_nobody_there_is_said_at_once():
    with pytest.raises(Unreachable, match="does not answer"):
        await taken(Live(lambda: "ws://127.0.0.1:1/live", ["orders"], {}), 1)


async def test_what_does_not_let_us_in_says_what_to_do():
    app = web.Application()
    server = TestServer(app)
    app.router.add_get("/live", lambda _: web.Response(status=401))
    await server.start_server()
    with pytest.raises(Refused, match="volexswarm login"):
        await taken(Live(lambda: f"ws://127.0.0.1:{server.port}/live", ["orders"], {}), 1)
    await server.close()


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (BEGUN, "watching orders from number 0"),
        (BEGUN | {"type": "reset", "number": 7}, "begins again, something may have been missed: orders from number 7"),
        (
            update(1, 0, symbol="BTC/USDT", venue="binance", exchange_order_id=None),
            "12:00:01 orders        OrderChanged",
        ),
        (update(1, 0, cause="x" * 99), "x" * 59 + "…"),
        (update(1, 0) | {"data": None, "omitted": "longer than a frame"}, "omitted longer than a frame"),
        (update(1, 0) | {"simulated": False}, "real money"),
    ],
)
def test_a_line_says_what_happened(message, words):
    line = watch._line(message).plain
    assert words in line
    assert "venue" not in line


@pytest.mark.parametrize("as_json", [True, False])
def test_what_is_told_steers_no_terminal(capsys, as_json):
    watch._show(console(), update(1, 0, reason="fine\x1b[2K\x9b2J\x7f"), as_json=as_json)
    written = capsys.readouterr().out
    assert "fine" in written
    assert not {"\x1b", "\x9b", "\x7f"} & set(written)


def test_unknown_channels_are_refused_by_name():
    result = CliRunner().invoke(main, ["watch", "secrets"])
    assert result.exit_code == 2
    assert "quotes" in result.output
