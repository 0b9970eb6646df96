"""What no real exchange has: time that goes on by steps, and funds that come and go at a word."""

import asyncio
import signal
import time

import aiohttp
import orjson
import pytest

from tests.integration.simexchange.test_ccxt import PAIR, soon, streaming


def traded(running, idle_seconds):
    """Some orders between some steps, with real time passing in between; what came of it."""
    client = running.client()
    running.admin("POST", "step", {"seconds": 60})
    time.sleep(idle_seconds)
    client.create_order(PAIR, "market", "buy", 0.05, params={"clientOrderId": "first"})
    bid = client.fetch_order_book(PAIR)["bids"][3][0]
    client.create_order(PAIR, "limit", "buy", 0.02, bid, {"clientOrderId": "second"})
    time.sleep(idle_seconds)
    for _ in range(5):
        running.admin("POST", "step", {"seconds": 30.5})
    return client.private_get_mytrades({"symbol": "BTCUSDT"}), client.fetch_order_book(PAIR), client.fetch_trades(PAIR)


def test_the_same_orders_at_the_same_steps_give_the_same_fills(exchange):
    quick, slow = exchange("--paused", data="quick"), exchange("--paused", data="slow")
    fills, book, trades = traded(quick, 0)
    assert (fills, book, trades) == traded(slow, 0.4)
    assert {fill["orderId"] for fill in fills} == {1, 2}


def closed(told):
    """When the candles opened that were told to be closed; a busy machine has time to tell of open ones in between."""
    return [event["k"]["t"] for event in told["kline_1m"] if event["k"]["x"]]


async def test_a_step_is_told_to_listeners_before_it_is_answered(exchange):
    running = exchange("--paused")
    names = "btcusdt@trade/btcusdt@depth/btcusdt@kline_1m"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{running.url}/stream?streams={names}") as stream,
    ):
        before = running.client().fetch_order_book(PAIR)
        running.admin("POST", "step", {"seconds": 120})
        after, trades = running.client().fetch_order_book(PAIR), running.client().fetch_trades(PAIR)
        told = {"trade": [], "depth": [], "kline_1m": []}
        while len(closed(told)) < 2 or not told["depth"] or told["depth"][-1]["u"] < after["nonce"]:
            message = orjson.loads(await soon(stream.receive_str()))
            told[message["stream"].partition("@")[2]].append(message["data"])
    assert [event["t"] for event in told["trade"]] == [int(trade["id"]) for trade in trades]
    assert told["depth"][0]["U"] <= before["nonce"] + 1
    first, second = closed(told)[:2]
    assert second - first == 60_000


@pytest.mark.parametrize("body", [{}, {"seconds": 0}, {"seconds": -1}, {"seconds": "x"}, {"seconds": 1e9}])
def test_a_step_that_is_none_is_refused_in_words(exchange, body):
    assert "seconds" in exchange("--paused").admin("POST", "step", body, expect=400)["error"]


def test_a_running_market_cannot_be_stepped(exchange):
    running = exchange("--speed", "60")
    assert "pause the clock" in running.admin("POST", "step", {"seconds": 1}, expect=409)["error"]
    running.admin("POST", "clock", {"paused": True})
    before = running.admin("GET", "clock")["simulatedTime"]
    assert running.admin("POST", "step", {"seconds": 2.5})["simulatedTime"] == before + 2_500


def test_transfers_change_the_balance_are_listed_and_survive(exchange):
    running = exchange("--paused", "--balance", "USDT=1000")
    running.admin("POST", "step", {"seconds": 5})
    assert running.admin("POST", "transfers", {"asset": "usdt", "amount": "250.5"})["amount"] == "250.50000000"
    running.admin("POST", "transfers", {"asset": "USDT", "amount": -50})
    running.end(signal.SIGKILL)

    running = exchange("--paused")
    client = running.client()
    (deposit,), (withdrawal,) = client.fetch_deposits("USDT"), client.fetch_withdrawals("USDT")
    assert (deposit["amount"], deposit["currency"], deposit["status"]) == (250.5, "USDT", "ok")
    assert (withdrawal["amount"], withdrawal["status"], withdrawal["fee"]["cost"]) == (50, "ok", 0)
    assert deposit["timestamp"] == withdrawal["timestamp"]
    assert client.fetch_deposits("BTC") == client.fetch_deposits("USDT", deposit["timestamp"] + 1) == []
    assert client.fetch_balance()["USDT"]["free"] == 1200.5
    refused = running.admin("POST", "transfers", {"asset": "USDT", "amount": "-1200.51"}, expect=409)
    assert "1200.50000000 are free" in refused["error"]
    assert len(running.admin("GET", "transfers")) == 2
    assert "asset" in running.admin("POST", "transfers", {"asset": "USDT", "amount": "0"}, expect=400)["error"]


async def test_a_transfer_is_told_to_its_account(exchange):
    running = exchange("--paused", "--balance", "USDT=1000")
    async with streaming(running) as client:
        await client.load_markets()
        await client.ensure_user_data_stream_ws_subscribe_signature()
        balance = asyncio.ensure_future(client.watch_balance())
        await asyncio.sleep(0.2)  # lets it wait before anything happens
        async with client.session.post(
            f"{running.url}/admin/transfers", json={"asset": "USDT", "amount": "5"}
        ) as answer:
            assert answer.status == 200
        await soon(balance)

        async def balance_of(free):
            while client.balance["spot"]["USDT"]["free"] != free:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

        await soon(balance_of(1005))
