"""Every fault does to unmodified clients what it says."""

import asyncio
import json
import subprocess
import sys
import time

import aiohttp
import ccxt
import orjson
import pytest

from tests.integration.simexchange.test_ccxt import PAIR, soon, streaming

ORDER = {"route": "POST /api/v3/order"}


@pytest.fixture
def running(exchange):
    """An exchange whose time stands."""
    started = exchange("--paused")
    started.admin("POST", "step", {"seconds": 5})
    return started


@pytest.fixture
def client(running):
    made = running.client()
    made.load_markets()
    return made


def arm(running, kind, **parameters):
    return running.admin("POST", "faults", {"kind": kind, **parameters})


def struck(running):
    return [fault["struck"] for fault in running.admin("GET", "faults")]


def buy(client, client_id="mine"):
    return client.create_order(PAIR, "market", "buy", 0.01, params={"clientOrderId": client_id})


def orders_placed(client):
    return [order["clientOrderId"] for order in client.fetch_orders(PAIR)]


def test_a_lost_request_was_never_acted_on(running, client):
    arm(running, "lose_request", **ORDER)
    with pytest.raises(ccxt.NetworkError):
        buy(client)
    assert orders_placed(client) == []
    assert struck(running) == [1]


def test_a_lost_response_hides_an_order_that_was_filled(running, client):
    arm(running, "lose_response", **ORDER)
    with pytest.raises(ccxt.NetworkError):
        buy(client)
    found = client.fetch_order("", PAIR, {"clientOrderId": "mine"})
    assert (found["status"], found["filled"]) == ("closed", 0.01)
    assert struck(running) == [1]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("kind", "parameters", "error"),
    [
        ("status", {"status": 502}, ccxt.ExchangeNotAvailable),
        ("error", {"code": -1007, "message": "Timeout waiting for response from backend server."}, ccxt.RequestTimeout),
    ],
)
def test_an_error_is_answered_instead_of_acting_or_after_it(running, client, kind, parameters, error, after):
    arm(running, kind, **parameters, **ORDER, after=after)
    with pytest.raises(error):
        buy(client)
    assert orders_placed(client) == (["mine"] if after else [])


def test_a_request_that_comes_too_late_is_refused_and_a_late_answer_is_not(running, client):
    arm(running, "delay_request", seconds=0.3, **ORDER)
    with pytest.raises(ccxt.InvalidNonce):
        client.create_order(PAIR, "market", "buy", 0.01, params={"recvWindow": 100})
    assert orders_placed(client) == []
    arm(running, "delay_response", seconds=0.3, **ORDER)
    client.create_order(PAIR, "market", "buy", 0.01, params={"recvWindow": 200, "clientOrderId": "late"})
    assert orders_placed(client) == ["late"]


def test_an_order_whose_client_has_given_up_waiting_is_placed_all_the_same(running, client):
    arm(running, "delay_request", seconds=1, **ORDER)
    client.timeout = 300
    with pytest.raises(ccxt.RequestTimeout):
        buy(client)
    client.timeout = 10_000
    while not orders_placed(client):
        time.sleep(0.1)
    assert orders_placed(client) == ["mine"]


@pytest.mark.parametrize(("kind", "http"), [("rate_limit", 429), ("ban", 418)])
def test_who_asks_too_much_is_told_how_long_to_wait(running, client, kind, http):
    arm(running, kind, seconds=60)
    for _ in range(2):
        with pytest.raises(ccxt.DDoSProtection, match=str(http)):
            client.fetch_balance()
        assert 1 <= int(client.last_response_headers["Retry-After"]) <= 60
    assert struck(running) == [2]
    assert running.admin("DELETE", "faults") == {"cleared": 1}
    client.fetch_balance()


def test_a_clock_that_is_off_judges_by_itself(running, client):
    arm(running, "clock_skew", ms=-30_000)
    with pytest.raises(ccxt.InvalidNonce):
        client.fetch_balance()
    assert client.fetch_time() < client.milliseconds() - 29_000
    client.load_time_difference()
    client.options["adjustForTimeDifference"] = True
    assert client.fetch_balance()["USDT"]["free"] == 100_000
    running.admin("DELETE", "faults")
    assert client.fetch_time() > client.milliseconds() - 1_000


async def test_maintenance_answers_503_and_closes_every_socket(running):
    async with aiohttp.ClientSession() as session:
        stream = await session.ws_connect(f"{running.url}/ws/btcusdt@trade")
        arm(running, "maintenance", seconds=60)
        assert (await soon(stream.receive())).type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
        for path in ("/api/v3/ping", "/sapi/v1/capital/deposit/hisrec", "/ws/btcusdt@trade"):
            async with session.get(f"{running.url}{path}") as answer:
                assert answer.status == 503
        with pytest.raises(ccxt.OnMaintenance):
            running.client().fetch_time()
        assert struck(running) == [5]
        running.admin("DELETE", "faults")
        async with session.ws_connect(f"{running.url}/ws/btcusdt@trade"):
            pass


async def received(stream, done):
    messages = []
    while not messages or not done(messages[-1]):
        messages.append(orjson.loads(await soon(stream.receive_str())))
    return messages


@pytest.mark.parametrize(
    ("kind", "shown"), [("drop_event", [3, 4]), ("repeat_event", [1, 1, 2, 2, 3, 4]), ("reorder_event", [2, 1, 3, 4])]
)
async def test_streamed_trades_are_dropped_repeated_or_reordered(running, kind, shown):
    newest = int(running.client().fetch_trades(PAIR, limit=1)[0]["id"])
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{running.url}/ws/btcusdt@trade") as stream:
        arm(running, kind, stream="trades", count=1 if kind == "reorder_event" else 2)
        running.admin("POST", "step", {"seconds": 60})
        messages = await received(stream, lambda message: message["t"] >= newest + 4)
    assert [message["t"] - newest for message in messages] == shown


async def test_a_dropped_report_leaves_its_order_to_be_asked_for(running):
    async with streaming(running) as client:
        await client.load_markets()
        await client.ensure_user_data_stream_ws_subscribe_signature()
        arm(running, "drop_event", stream="user", count=2)  # NEW and the first TRADE
        watching = asyncio.ensure_future(client.watch_orders(PAIR))
        await asyncio.sleep(0.2)
        first = await client.create_order(PAIR, "market", "buy", 0.0001)
        second = await client.create_order(PAIR, "market", "buy", 0.0001)
        assert [order["id"] for order in await soon(watching)] == [second["id"]]
        assert (await client.fetch_order(first["id"], PAIR))["status"] == "closed"
    assert struck(running) == [2]


async def test_sockets_are_cut_or_stalled_by_the_kind_of_their_stream(running):
    async with aiohttp.ClientSession() as session:
        trades = await session.ws_connect(f"{running.url}/ws/btcusdt@trade")
        quotes = await session.ws_connect(f"{running.url}/ws/btcusdt@bookTicker")
        arm(running, "cut_sockets", stream="trades")
        assert (await soon(trades.receive())).type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
        arm(running, "stall_sockets", seconds=1.5, stream="quotes")
        fresh = await session.ws_connect(f"{running.url}/ws/btcusdt@bookTicker")
        running.admin("POST", "step", {"seconds": 60})
        await quotes.send_str('{"method": "LIST_SUBSCRIPTIONS", "id": 1}')
        await quotes.ping()
        assert "b" in orjson.loads(await soon(fresh.receive_str()))  # who connects anew is not stalled
        silence = asyncio.ensure_future(quotes.receive_str())
        done, _ = await asyncio.wait({silence}, timeout=0.5)
        assert not done
        # What was kept back arrives when the stall is over: the socket was open all the time.
        assert "b" in orjson.loads(await soon(silence))
    assert struck(running) == [1, 1]


async def test_the_websocket_api_suffers_too(running):
    async with aiohttp.ClientSession() as session:
        api = await session.ws_connect(f"{running.url}/ws-api/v3")

        async def ask():
            await api.send_json({"id": 7, "method": "ping"})
            return await soon(api.receive_json())

        assert (await ask())["status"] == 200
        arm(running, "rate_limit", seconds=0.001, route="WS ping")
        limited = await ask()
        assert (limited["status"], limited["error"]["code"], limited["id"]) == (429, -1003, 7)
        arm(running, "lose_request", route="WS *")
        await api.send_json({"id": 8, "method": "ping"})
        assert (await soon(api.receive())).type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
    assert struck(running) == [1, 1]


def test_faults_are_armed_listed_and_cleared_from_the_command_line(running, client):
    def command(*arguments):
        ended = subprocess.run(
            [sys.executable, "-m", "simexchange", "faults", *arguments, "--url", running.url],
            capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
        return json.loads(ended.stdout)

    armed = command("add", "status", "--status", "502", "--after", "--route", "POST /api/v3/order")
    assert (armed["kind"], armed["after"], armed["left"]) == ("status", True, 1)
    with pytest.raises(ccxt.ExchangeNotAvailable):
        buy(client)
    assert [fault["struck"] for fault in command("list")] == [1]
    assert command("clear", "--id", str(armed["id"])) == {"cleared": 1}
    assert command("list") == []
