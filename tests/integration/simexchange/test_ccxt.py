"""Unmodified ccxt and ccxt.pro trade on the simulated exchange."""

import asyncio
import json
from contextlib import asynccontextmanager
from decimal import Decimal

import ccxt
import pytest

PAIR = "BTC/USDT"


@asynccontextmanager
async def streaming(running):
    client = running.pro()
    try:
        yield client
    finally:
        await client.close()


async def soon(awaitable):
    return await asyncio.wait_for(awaitable, 30)


def test_a_market_order_is_filled_and_the_balances_say_the_same(exchange):
    client = exchange("--speed", "60", "--balance", "USDT=5000").client()
    order = client.create_order(PAIR, "market", "buy", 0.02, params={"clientOrderId": "mine1"})
    assert (order["status"], order["filled"]) == ("closed", 0.02)
    fills = client.fetch_my_trades(PAIR)
    cost = sum(Decimal(fill["info"]["quoteQty"]) for fill in fills)
    fees = sum(Decimal(fill["info"]["commission"]) for fill in fills)
    assert sum(Decimal(fill["info"]["qty"]) for fill in fills) == Decimal("0.02")
    free = {row["asset"]: Decimal(row["free"]) for row in client.fetch_balance()["info"]["balances"]}
    assert (free["BTC"], free["USDT"]) == (Decimal("0.02") - fees, Decimal(5000) - cost)
    found = client.fetch_order("", PAIR, {"clientOrderId": "mine1"})
    assert (found["id"], found["clientOrderId"]) == (order["id"], "mine1")


def test_a_limit_order_rests_can_be_seen_and_cancelled(exchange):
    client = exchange("--speed", "1").client()
    order = client.create_order(PAIR, "limit", "buy", 0.01, 30000)
    assert [o["id"] for o in client.fetch_open_orders(PAIR)] == [order["id"]]
    assert client.fetch_balance()["USDT"]["used"] == 300
    assert client.cancel_order(order["id"], PAIR)["status"] == "canceled"
    assert client.fetch_open_orders(PAIR) == []
    assert client.fetch_balance()["USDT"]["used"] == 0
    with pytest.raises(ccxt.OrderNotFound):
        client.cancel_order(order["id"], PAIR)


@pytest.mark.parametrize(
    ("order", "error"),
    [
        (("limit", "buy", 0.00001, 30000), ccxt.BadRequest),  # NOTIONAL
        (("limit", "buy", 100, 30000), ccxt.InsufficientFunds),
        (("limit", "buy", 0.01, 30000, {"clientOrderId": "twice"}), ccxt.InvalidOrder),
        (("limit", "buy", 0.01, 90000, {"postOnly": True}), ccxt.OrderImmediatelyFillable),
        (("limit", "buy", 0.01, 30000, {"recvWindow": 5000, "timestamp": 1}), ccxt.InvalidNonce),
    ],
)
def test_a_refusal_raises_what_ccxt_raises_for_binance(exchange, order, error):
    client = exchange("--speed", "1").client()
    client.create_order(PAIR, "limit", "buy", 0.01, 30000, {"clientOrderId": "twice"})
    with pytest.raises(error):
        client.create_order(PAIR, *order)


@pytest.fixture
def standing(exchange):
    """An exchange whose time stands, and a client that owns a bitcoin."""
    running = exchange("--paused", "--balance", "USDT=200000", "--balance", "BTC=1")
    running.admin("POST", "step", {"seconds": 60})
    return running, running.client()


def last_price(client):
    return client.fetch_trades(PAIR, limit=1)[0]["price"]


def until(running, client, done):
    """Step on until something holds."""
    for _ in range(400):
        if done():
            return
        running.admin("POST", "step", {"seconds": 15})
    raise AssertionError("it never came about")


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("kind", ["market", "limit"])
@pytest.mark.parametrize("parameter", ["stopLossPrice", "takeProfitPrice"])
def test_a_stop_and_a_take_profit_wait_for_their_price_and_fill(standing, side, kind, parameter):
    running, client = standing
    price = last_price(client)
    above = (side == "buy") == (parameter == "stopLossPrice")
    stop = round(price * (1.0004 if above else 0.9996), 2)
    limit = None if kind == "market" else round(price * (1.01 if side == "buy" else 0.99), 2)
    placed = client.create_order(PAIR, kind, side, 0.01, limit, {parameter: stop})
    assert (placed["status"], placed["triggerPrice"], placed["filled"]) == ("open", stop, 0)
    (waiting,) = client.fetch_open_orders(PAIR)
    assert (waiting["id"], waiting["triggerPrice"], waiting["info"]["isWorking"]) == (placed["id"], stop, False)
    until(running, client, lambda: not client.fetch_open_orders(PAIR))
    order = client.fetch_order(placed["id"], PAIR)
    assert (order["status"], order["filled"]) == ("closed", 0.01)
    live = order["info"]["workingTime"]
    paid = [trade["price"] for trade in client.fetch_trades(PAIR, since=placed["info"]["transactTime"] + 1, limit=1000)
            if trade["timestamp"] <= live]  # fmt: skip
    assert (max(paid) >= stop) if above else (min(paid) <= stop)


def test_a_trailing_stop_follows_the_market_and_sells_on_the_way_down(standing):
    running, client = standing
    parameters = {"trailingPercent": "0.1", "stopLossOrTakeProfit": "stopLoss"}
    placed = client.create_order(PAIR, "market", "sell", 0.01, params=parameters)
    assert placed["info"]["trailingDelta"] == 10
    until(running, client, lambda: not client.fetch_open_orders(PAIR))
    order = client.fetch_order(placed["id"], PAIR)
    trades = [
        trade["price"]
        for trade in client.fetch_trades(PAIR, since=placed["info"]["transactTime"] - 60_000, limit=1000)
        if trade["timestamp"] <= order["info"]["workingTime"]
    ]
    assert (order["status"], order["filled"]) == ("closed", 0.01)
    assert min(trades) <= max(trades) * 0.999


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (("market", "sell", 0.01, None, {"stopLossPrice": 90_000}), "Stop price would trigger immediately"),
        (("limit", "buy", 0.01, 6_000), "PERCENT_PRICE_BY_SIDE"),
        (("limit", "sell", 0.01, 400_000), "PERCENT_PRICE_BY_SIDE"),
        (("market", "sell", 0.01, None, {"trailingDelta": 5, "stopLossOrTakeProfit": "stopLoss"}), "TRAILING_DELTA"),
    ],
)
def test_an_order_outside_the_markets_bounds_is_refused_in_binances_words(standing, order, words):
    _, client = standing
    with pytest.raises(ccxt.ExchangeError, match=words):
        client.create_order(PAIR, *order)
    assert client.fetch_open_orders(PAIR) == []


def test_a_post_only_order_rests_or_is_refused(standing):
    _, client = standing
    best = client.fetch_order_book(PAIR)
    order = client.create_order(PAIR, "limit", "buy", 0.01, best["bids"][0][0], {"postOnly": True})
    assert (order["status"], order["postOnly"], order["info"]["type"]) == ("open", True, "LIMIT_MAKER")
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        client.create_order(PAIR, "limit", "buy", 0.01, best["asks"][0][0], {"postOnly": True})


@pytest.mark.parametrize(
    ("tif", "status", "some"), [("GTC", "open", True), ("IOC", "expired", True), ("FOK", "expired", False)]
)
def test_time_in_force_rules_what_the_book_cannot_give_at_once(standing, tif, status, some):
    _, client = standing
    price, there = client.fetch_order_book(PAIR)["asks"][0]
    order = client.create_order(PAIR, "limit", "buy", there + 0.5, price, {"timeInForce": tif})
    assert (order["status"], order["timeInForce"], order["filled"]) == (status, tif, there if some else 0)
    assert client.fetch_order(order["id"], PAIR)["status"] == status


def test_orders_are_cancelled_by_client_id_and_all_at_once(standing):
    _, client = standing
    for n in range(3):
        client.create_order(PAIR, "limit", "buy", 0.01, 40_000 + n, {"clientOrderId": f"mine{n}"})
    client.create_order("ETH/USDT", "limit", "buy", 0.1, 2_000)
    # ccxt shows the cancelling request's id as the order's, also on the real venue
    assert client.cancel_order("", PAIR, {"clientOrderId": "mine1"})["info"]["origClientOrderId"] == "mine1"
    assert [order["info"]["origClientOrderId"] for order in client.cancel_all_orders(PAIR)] == ["mine0", "mine2"]
    assert client.fetch_open_orders(PAIR) == []
    assert len(client.fetch_open_orders("ETH/USDT")) == 1
    assert [order["clientOrderId"] for order in client.fetch_canceled_orders(PAIR)] == ["mine0", "mine1", "mine2"]
    with pytest.raises(ccxt.OrderNotFound):
        client.cancel_all_orders(PAIR)


def test_an_edited_order_is_another_order_in_place_of_the_first(standing):
    _, client = standing
    first = client.create_order(PAIR, "limit", "buy", 0.01, 40_000, {"clientOrderId": "first"})
    second = client.edit_order(first["id"], PAIR, "limit", "buy", 0.02, 41_000, {"clientOrderId": "second"})
    assert (second["clientOrderId"], second["price"], second["status"]) == ("second", 41_000, "open")
    assert [order["id"] for order in client.fetch_open_orders(PAIR)] == [second["id"]]
    assert client.fetch_order(first["id"], PAIR)["status"] == "canceled"
    assert client.fetch_balance()["USDT"]["used"] == 820


@pytest.mark.parametrize(
    ("mode", "old", "amount", "code", "results", "left"),
    [
        ("STOP_ON_FAILURE", "no such", "0.01", -2022, ("FAILURE", "NOT_ATTEMPTED"), ["first"]),
        ("ALLOW_FAILURE", "no such", "0.01", -2021, ("FAILURE", "SUCCESS"), ["first", "second"]),
        ("ALLOW_FAILURE", "no such", "100", -2022, ("FAILURE", "FAILURE"), ["first"]),
        ("STOP_ON_FAILURE", "first", "100", -2021, ("SUCCESS", "FAILURE"), []),
    ],
)
def test_a_replacement_that_fails_says_which_part_of_it_did(standing, mode, old, amount, code, results, left):
    _, client = standing
    client.create_order(PAIR, "limit", "buy", 0.01, 40_000, {"clientOrderId": "first"})
    request = {
        **{"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": amount},
        **{"price": "40000", "newClientOrderId": "second", "cancelReplaceMode": mode},
    }
    with pytest.raises(ccxt.ExchangeError) as failed:  # ccxt knows these codes on the real host only
        client.private_post_order_cancelreplace({**request, "cancelOrigClientOrderId": old})
    body = json.loads(str(failed.value).removeprefix("binance "))
    assert (body["code"], body["data"]["cancelResult"], body["data"]["newOrderResult"]) == (code, *results)
    assert [order["clientOrderId"] for order in client.fetch_open_orders(PAIR)] == left


def test_history_is_paged_by_id_time_and_order(standing):
    running, client = standing
    placed = []
    for n in range(6):
        placed.append(client.create_order(PAIR, "market", "buy", 0.001 * (n + 1))["id"])
        running.admin("POST", "step", {"seconds": 20})
    resting = client.create_order(PAIR, "limit", "buy", 0.01, 40_000)
    fills, orders = client.fetch_my_trades(PAIR), client.fetch_orders(PAIR)
    assert [fill["order"] for fill in fills] == placed
    assert [order["id"] for order in orders] == [*placed, resting["id"]]
    assert client.fetch_closed_orders(PAIR) == orders[:-1]
    assert client.fetch_my_trades(PAIR, limit=2) == fills[-2:]
    assert client.fetch_my_trades(PAIR, limit=2, params={"fromId": fills[1]["id"]}) == fills[1:3]
    assert client.fetch_my_trades(PAIR, since=fills[2]["timestamp"], limit=3) == fills[2:5]
    assert client.fetch_my_trades(PAIR, params={"endTime": fills[3]["timestamp"]}) == fills[:4]
    assert client.fetch_order_trades(placed[4], PAIR) == [fills[4]]
    assert client.fetch_order_trades(resting["id"], PAIR) == client.fetch_my_trades("ETH/USDT") == []
    assert client.fetch_orders(PAIR, since=orders[3]["timestamp"]) == orders[3:]
    assert client.fetch_orders(PAIR, params={"orderId": orders[5]["id"]}) == orders[5:]
    with pytest.raises(ccxt.BadRequest, match="24 hours"):
        client.fetch_my_trades(PAIR, since=1, params={"endTime": 86_400_002})


def test_candles_are_what_was_traded(standing):
    running, client = standing
    running.admin("POST", "step", {"seconds": 240})
    candles = client.fetch_ohlcv(PAIR, "1m", limit=10)
    trades = client.fetch_trades(PAIR, limit=1000)
    for start, opened, high, low, close, volume in candles[:-1]:
        prices = [t["price"] for t in trades if start <= t["timestamp"] < start + 60_000]
        assert (opened, high, low, close) == (prices[0], max(prices), min(prices), prices[-1])
        amounts = (Decimal(str(t["amount"])) for t in trades if start <= t["timestamp"] < start + 60_000)
        assert Decimal(str(volume)) == sum(amounts)
    (hour,) = client.fetch_ohlcv(PAIR, "1h", limit=1)
    assert hour[2] == max(candle[2] for candle in candles)


def test_more_than_the_largest_position_cannot_be_bought(exchange):
    client = exchange("--paused", "--max-position", "BTC/USDT=0.05").client()
    client.create_order(PAIR, "market", "buy", 0.02)
    client.create_order(PAIR, "limit", "buy", 0.02, 50_000)
    with pytest.raises(ccxt.ExchangeError, match="MAX_POSITION"):
        client.create_order(PAIR, "limit", "buy", 0.02, 50_000)
    client.create_order(PAIR, "limit", "buy", 0.01, 50_000)


def test_more_than_five_waiting_orders_are_refused(standing):
    _, client = standing
    for _ in range(5):
        client.create_order(PAIR, "market", "sell", 0.01, params={"stopLossPrice": 30_000})
    with pytest.raises(ccxt.ExchangeError, match="MAX_NUM_ALGO_ORDERS"):
        client.create_order(PAIR, "market", "sell", 0.01, params={"stopLossPrice": 30_000})


@pytest.mark.parametrize("wrong", ["apiKey", "secret"])
def test_a_wrong_key_or_secret_is_refused(exchange, wrong):
    client = ccxt.binance({**exchange("--speed", "1").config(), wrong: "x" * 64})
    with pytest.raises(ccxt.AuthenticationError):
        client.fetch_balance()


def test_too_many_requests_are_turned_away_with_the_time_to_wait(exchange):
    client = exchange("--speed", "1", "--weight-limit", "100").client()
    client.load_markets()

    def ask_until_refused():
        for _ in range(100):
            client.fetch_balance()

    with pytest.raises(ccxt.DDoSProtection):
        ask_until_refused()
    assert int(client.last_response_headers["Retry-After"]) >= 1


async def test_streamed_trades_are_consecutive_and_can_be_fetched_again_by_id(exchange):
    async with streaming(exchange("--speed", "600")) as client:
        seen = []
        while len(seen) < 300:
            seen += await soon(client.watch_trades(PAIR))
        ids = [int(trade["id"]) for trade in seen]
        assert ids == list(range(ids[0], ids[0] + len(ids)))
        for method in ("publicGetAggTrades", "publicGetHistoricalTrades"):
            again = await client.fetch_trades(PAIR, limit=300, params={"fromId": ids[0], "fetchTradesMethod": method})
            same = [(t["id"], t["timestamp"], t["side"], t["price"], t["amount"]) for t in again]
            assert same == [(t["id"], t["timestamp"], t["side"], t["price"], t["amount"]) for t in seen[:300]]


async def test_quotes_book_and_candles_stream(exchange):
    async with streaming(exchange("--speed", "60")) as client:
        quote = (await soon(client.watch_bids_asks([PAIR])))[PAIR]
        assert quote["bid"] < quote["ask"]
        for _ in range(5):
            book = await soon(client.watch_order_book(PAIR))
        assert book["bids"][0][0] < book["asks"][0][0]
        candle = (await soon(client.watch_ohlcv(PAIR, "1m")))[-1]
        assert candle[3] <= candle[1] <= candle[2]
        assert (await soon(client.watch_ticker(PAIR)))["last"] > 0


async def test_a_diff_stream_keeps_the_book_equal_to_the_snapshot(exchange):
    running = exchange("--speed", "60")
    async with streaming(running) as client:
        book = await soon(client.watch_order_book(PAIR))
        for _ in range(20):
            book = await soon(client.watch_order_book(PAIR))
        async with client.session.post(f"{running.url}/admin/clock", json={"paused": True}) as answer:
            assert (await answer.json())["paused"] is True
        snapshot = await client.fetch_order_book(PAIR)
        while book["nonce"] < snapshot["nonce"]:
            book = await soon(client.watch_order_book(PAIR))
        assert (book["bids"], book["asks"]) == (snapshot["bids"], snapshot["asks"])


async def test_own_orders_trades_and_balances_stream(exchange):
    async with streaming(exchange("--speed", "60")) as client:
        await client.load_markets()
        await client.ensure_user_data_stream_ws_subscribe_signature()
        orders, trades, balance = (
            asyncio.ensure_future(client.watch_orders(PAIR)),
            asyncio.ensure_future(client.watch_my_trades(PAIR)),
            asyncio.ensure_future(client.watch_balance()),
        )
        await asyncio.sleep(0.2)  # lets the three wait before anything happens
        placed = await client.create_order(PAIR, "market", "buy", 0.01, params={"clientOrderId": "streamed"})
        order, fill = (await soon(orders))[-1], (await soon(trades))[-1]
        assert (order["id"], order["clientOrderId"], order["status"]) == (placed["id"], "streamed", "closed")
        assert (fill["order"], fill["fee"]["currency"]) == (placed["id"], "BTC")
        assert (await soon(balance))["BTC"]["free"] == pytest.approx(0.00999)


async def test_a_waiting_orders_life_streams_from_placement_over_going_live_to_its_end(exchange):
    running = exchange("--paused", "--balance", "USDT=100000", "--balance", "BTC=1")
    running.admin("POST", "step", {"seconds": 60})
    async with streaming(running) as client:
        await client.load_markets()
        await client.ensure_user_data_stream_ws_subscribe_signature()
        client.newUpdates = True
        price = (await client.fetch_trades(PAIR, limit=1))[0]["price"]
        told = []

        async def listen():
            while not told or told[-1]["status"] == "open":
                told.extend(dict(order) for order in await client.watch_orders(PAIR))

        listening = asyncio.create_task(listen())
        await asyncio.sleep(0.2)  # lets it wait before anything happens
        stop = round(price * 0.9996, 2)
        placed = await client.create_order(PAIR, "market", "sell", 0.0001, None, {"stopLossPrice": stop})
        for _ in range(200):
            if listening.done():
                break
            async with client.session.post(f"{running.url}/admin/step", json={"seconds": 30}) as answer:
                assert answer.status == 200
            await asyncio.sleep(0.01)
        await soon(listening)
    life = [(order["info"]["x"], order["info"]["w"], order["status"]) for order in told]
    assert life == [("NEW", False, "open"), ("NEW", True, "open"), ("TRADE", False, "closed")]
    assert {(order["id"], order["triggerPrice"]) for order in told} == {(placed["id"], stop)}
    assert told[-1]["filled"] == 0.0001


async def test_a_book_that_missed_a_diff_is_noticed_by_ccxt(exchange):
    running = exchange("--speed", "60")
    async with streaming(running) as client:
        await soon(client.watch_order_book(PAIR))
        running.admin("POST", "faults", {"kind": "drop_event", "stream": "depth"})

        async def watch():
            while True:
                await client.watch_order_book(PAIR)

        with pytest.raises(ccxt.ChecksumError):
            await soon(watch())
        assert [fault["struck"] for fault in running.admin("GET", "faults")] == [1]
        assert (await soon(client.watch_order_book(PAIR)))["bids"]
