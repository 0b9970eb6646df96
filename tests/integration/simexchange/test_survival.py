"""What was told to someone outlives SIGTERM and kill -9."""

import asyncio
import contextlib
import csv
import json
import signal
import subprocess
import sys
import threading
from contextlib import asynccontextmanager
from decimal import Decimal

import ccxt
import httpx
import pytest

from simexchange.market.recording import TRADE_COLUMNS
from tests.integration.simexchange.test_ccxt import PAIR, soon, streaming


def owned(client):
    account = client.private_get_account({"omitZeroBalances": "true"})
    return (
        account["balances"],
        client.private_get_allorders({"symbol": "BTCUSDT"}),
        client.private_get_mytrades({"symbol": "BTCUSDT"}),
    )


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_orders_fills_and_balances_come_back(exchange, ending):
    running = exchange("--speed", "60")
    client = running.client()
    client.create_order(PAIR, "market", "buy", 0.5)
    client.create_order(PAIR, "limit", "buy", 0.01, 30000, {"clientOrderId": "resting"})
    cancelled = client.create_order(PAIR, "limit", "sell", 0.01, 90000)
    client.cancel_order(cancelled["id"], PAIR)
    before, simulated = owned(client), client.public_get_time()["simulatedTime"]
    assert running.end(ending) == (0 if ending is signal.SIGTERM else -signal.SIGKILL)

    client = exchange("--speed", "60").client()
    assert owned(client) == before
    assert int(client.public_get_time()["simulatedTime"]) >= int(simulated)
    resting = client.fetch_order("", PAIR, {"clientOrderId": "resting"})
    assert client.cancel_order(resting["id"], PAIR)["status"] == "canceled"
    assert int(client.create_order(PAIR, "limit", "buy", 0.01, 30000)["id"]) == int(resting["id"]) + 2


def extremes(running):
    """The best price that each trailing order has followed, as last stored."""
    found = {}
    for line in (running.data_dir / "journal.jsonl").read_text().splitlines():
        found |= {order["id"]: order["extreme"] for order in json.loads(line)["orders"] if order["trailing_delta"]}
    return found


def test_waiting_orders_and_what_they_have_followed_come_back_and_fire(exchange):
    running = exchange("--paused", "--balance", "USDT=100000", "--balance", "BTC=1")
    running.admin("POST", "step", {"seconds": 60})
    client = running.client()
    (last,) = client.fetch_trades(PAIR, limit=1)
    price = last["price"]
    stop = client.create_order(PAIR, "market", "sell", 0.01, params={"stopLossPrice": round(price * 0.997, 2)})
    trailing = client.create_order(
        PAIR, "market", "sell", 0.01, params={"trailingPercent": "0.3", "stopLossOrTakeProfit": "stopLoss"}
    )
    highest = price
    while highest < price * 1.0002:
        running.admin("POST", "step", {"seconds": 20})
        highest = max(highest, *(t["price"] for t in client.fetch_trades(PAIR, params={"fromId": last["id"]})))
    before, followed = owned(client), extremes(running)
    assert followed == {2: round(highest * 10**8)}
    running.end(signal.SIGKILL)

    running = exchange("--paused")
    client = running.client()
    assert (owned(client), extremes(running)) == (before, followed)
    assert [order["id"] for order in client.fetch_open_orders(PAIR)] == [stop["id"], trailing["id"]]
    while client.fetch_open_orders(PAIR):
        running.admin("POST", "step", {"seconds": 900})
    for order in (stop, trailing):
        assert client.fetch_order(order["id"], PAIR)["status"] == "closed"


class Busy(threading.Thread):
    """Trades as fast as it can until the exchange is gone; keeps what was acknowledged."""

    def __init__(self, running):
        super().__init__(daemon=True)
        self.client, self.running = running.client(), running
        self.client.load_markets()
        self.orders, self.transfers, self.asked = {}, [], []
        self.acknowledged = threading.Condition()

    def run(self):
        with contextlib.suppress(ccxt.NetworkError, httpx.TransportError):
            while True:
                self.trade(len(self.asked))

    def trade(self, n):
        self.asked.append(f"n{n}")
        kind, price, more = [
            ("market", None, {}),
            ("limit", 40_000, {}),
            ("market", None, {"stopLossPrice": 100_000}),
        ][n % 3]
        order = self.client.create_order(PAIR, kind, "buy", 0.001, price, {"clientOrderId": f"n{n}", **more})
        if n % 3:
            self.client.cancel_order(order["id"], PAIR)
        transfer = self.running.admin("POST", "transfers", {"asset": "USDT", "amount": n - 5.5})
        with self.acknowledged:
            self.orders[f"n{n}"] = order["filled"]
            self.transfers.append(transfer)
            self.acknowledged.notify()


@pytest.mark.parametrize("count", [1, 8, 30])
def test_whenever_it_is_killed_everything_acknowledged_is_there_and_nothing_else(exchange, count):
    running = exchange("--speed", "600")
    busy = Busy(running)
    busy.start()
    with busy.acknowledged:
        assert busy.acknowledged.wait_for(lambda: len(busy.orders) >= count, 60)
    running.end(signal.SIGKILL)
    busy.join(60)

    running = exchange("--paused")
    orders = {order["clientOrderId"]: order for order in running.admin("GET", "orders")}
    assert orders.keys() <= set(busy.asked)
    assert {name: float(orders[name]["executedQty"]) for name in busy.orders} == busy.orders
    transfers = running.admin("GET", "transfers")
    assert transfers[: len(busy.transfers)] == busy.transfers
    assert len(transfers) - len(busy.transfers) in {0, 1}
    balances = running.admin("GET", "balances")
    for asset in ("BTC", "USDT"):
        held = [Decimal(owned[asset][part]) for owned in balances.values() if asset in owned for part in owned[asset]]
        assert sum(held) == 0
    fills = [fill for order in orders.values() for fill in order["fills"]]
    bought = sum(Decimal(fill["qty"]) - Decimal(fill["commission"]) for fill in fills)
    assert Decimal(balances["main"]["BTC"]["free"]) == bought
    still_open = [order for order in orders.values() if order["status"] == "NEW"]
    assert len(still_open) <= 1
    for order in still_open:
        running.client().cancel_order(order["orderId"], PAIR)
    spent = sum(Decimal(fill["quoteQty"]) for fill in fills)
    came = sum(Decimal(transfer["amount"]) for transfer in transfers)
    assert Decimal(running.admin("GET", "balances")["main"]["USDT"]["free"]) == 100_000 - spent + came


async def test_public_trade_ids_go_on_without_a_gap_after_kill(exchange):
    running = exchange("--speed", "600")
    seen = {}
    async with streaming(running) as client:
        while len(seen) < 200:
            seen |= {int(trade["id"]): trade["price"] for trade in await soon(client.watch_trades(PAIR))}
    running.end(signal.SIGKILL)
    async with streaming(exchange("--speed", "600")) as client:
        fresh = [int(trade["id"]) for trade in await soon(client.watch_trades(PAIR))]
        first = min(seen)
        stored = await client.fetch_trades(PAIR, limit=1000, params={"fromId": first})
        ids = [int(trade["id"]) for trade in stored]
        assert ids == list(range(first, first + len(ids)))
        assert fresh[0] > max(seen)
        assert {int(trade["id"]): trade["price"] for trade in stored}.items() >= seen.items()


@pytest.fixture
def recording(tmp_path):
    """A thousand trades over about ten minutes, several in the same millisecond."""
    path = tmp_path / "trades.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(TRADE_COLUMNS)
        for n in range(1000):
            side = "buy" if n % 3 else "sell"
            writer.writerow(
                [1_600_000_000_000 + n // 3 * 1800, 5000 + n, side, f"0.00{140000 + n * 7 % 500}", f"{1 + n % 9}.0"]
            )
    return path


@asynccontextmanager
async def watching(client, symbol):
    """Stream a symbol's trades into ccxt's ring. What `watch_trades` returns can lack the end of a burst until the next trade."""

    async def watch():
        while True:
            await client.watch_trades(symbol)

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def shown(client, symbol, done):
    """The streamed trades, as soon as `done` holds for them."""

    async def look():
        while True:
            trades = list(client.trades.get(symbol, []))
            if trades and done(trades):
                return trades
            await asyncio.sleep(0.02)

    return await soon(look())


def replaying(path, *options):
    return ("--replay", str(path), "--symbol", "XRP/ETH", "--wait-for-subscriber", *options)


async def test_a_replay_shows_every_recorded_trade_exactly_once(exchange, recording):
    running = exchange(*replaying(recording, "--speed", "600"))
    async with streaming(running) as client, watching(client, "XRP/ETH"):
        await shown(client, "XRP/ETH", lambda trades: len(trades) > 300)
        await client.create_order("XRP/ETH", "market", "buy", 10)
        seen = await shown(client, "XRP/ETH", lambda trades: trades[-1]["id"] == "5999")
        again = await client.fetch_trades("XRP/ETH", limit=1000, params={"fromId": 5000})
        mine = await client.fetch_my_trades("XRP/ETH")
        status = await (await client.session.get(f"{running.url}/admin/status")).json()
    with recording.open() as file:
        rows = [
            (r["id"], int(r["timestamp"]), r["side"], float(r["price"]), float(r["amount"]))
            for r in csv.DictReader(file)
        ]
    assert [(t["id"], t["timestamp"], t["side"], t["price"], t["amount"]) for t in seen] == rows
    assert [(t["id"], t["timestamp"], t["side"], t["price"], t["amount"]) for t in again] == rows
    assert mine
    assert min(int(trade["id"]) for trade in mine) > 5999
    assert status["replay"] == {"published": 1000, "total": 1000, "lastId": 5999, "complete": True}


async def test_a_replay_goes_on_behind_the_last_trade_that_was_shown(exchange, recording):
    running = exchange(*replaying(recording, "--speed", "600"))
    async with streaming(running) as client, watching(client, "XRP/ETH"):
        await shown(client, "XRP/ETH", lambda trades: len(trades) > 200)
        running.end(signal.SIGKILL)
        before = [int(trade["id"]) for trade in client.trades["XRP/ETH"]]
    async with streaming(exchange(*replaying(recording, "--speed", "6000"))) as client, watching(client, "XRP/ETH"):
        after = [int(t["id"]) for t in await shown(client, "XRP/ETH", lambda trades: trades[-1]["id"] == "5999")]
        missed = await client.fetch_trades("XRP/ETH", limit=1000, params={"fromId": before[-1] + 1})
    between = [int(trade["id"]) for trade in missed if int(trade["id"]) < after[0]]
    assert before + between + after == list(range(5000, 6000))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--replay", "missing.csv", "--symbol", "XRP/ETH"], "cannot read missing.csv"),
        (["--replay", "missing.csv"], "--symbol BASE/QUOTE belong together"),
        (["--speed", "0"], "--speed must be above 0"),
    ],
)
def test_what_cannot_be_started_says_why(tmp_path, options, words):
    command = [sys.executable, "-m", "simexchange", "--port", "0", "--data-dir", str(tmp_path), *options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert words in json.loads(ended.stdout)["event"]


def test_a_second_exchange_on_the_same_data_is_refused(exchange):
    running = exchange("--speed", "1")
    command = [sys.executable, "-m", "simexchange", "--port", "0", "--data-dir", str(running.data_dir)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert "another simulated exchange runs on" in json.loads(ended.stdout)["event"]
