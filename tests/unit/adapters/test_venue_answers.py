"""What each venue's answers amount to, in the forms that ccxt documents for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from ccxt.base import errors as ccxt

from tests.unit.adapters.wire import SYMBOL, Sent, Wire, connected
from volexswarm.adapters.ccxt_gateway import CcxtGateway
from volexswarm.errors import OutcomeUnknown, Rejected, Unavailable
from volexswarm.execution.model import OrderRequest
from volexswarm.messages import OrderState, OrderType, Side

VENUES = ("binance", "bitget", "bybit", "coinbase", "gate", "kraken", "kucoin", "okx")
CID = "v2k4x7qa5mz3b6ct"
BEGAN = datetime(2026, 1, 5, 12, 0, 0, 250_000, UTC)
MS = 1767614400250
ISO = "2026-01-05T12:00:00.250Z"
Raw = dict[str, Any]


def _binance_order(state: str) -> Raw:
    word = {"open": "PARTIALLY_FILLED", "canceled": "CANCELED"}[state]
    sizes = {"origQty": "0.12345000", "executedQty": "0.05000000", "cummulativeQuoteQty": "3000"}
    ids = {"symbol": "BTCUSDT", "orderId": 777, "clientOrderId": CID}
    return (
        ids | sizes | {"status": word, "price": "60000", "side": "BUY", "type": "LIMIT", "time": MS, "updateTime": MS}
    )


def _bitget_order(state: str) -> Raw:
    word = {"open": "partially_filled", "canceled": "cancelled"}[state]
    sizes = {"size": "0.12345", "baseVolume": "0.05", "priceAvg": "60000", "price": "60000"}
    ids = {"symbol": "BTCUSDT", "orderId": "777", "clientOid": CID}
    return ids | sizes | {"status": word, "side": "buy", "orderType": "limit", "cTime": str(MS), "uTime": str(MS)}


def _bybit_order(state: str) -> Raw:
    word = {"open": "PartiallyFilled", "canceled": "PartiallyFilledCanceled"}[state]
    sizes = {"qty": "0.12345", "cumExecQty": "0.05", "cumExecValue": "3000", "price": "60000"}
    ids = {"symbol": "BTCUSDT", "orderId": "777", "orderLinkId": CID, "side": "Buy", "orderType": "Limit"}
    return ids | sizes | {"orderStatus": word, "createdTime": str(MS), "updatedTime": str(MS), "timeInForce": "GTC"}


def _coinbase_order(state: str) -> Raw:
    word = {"open": "OPEN", "canceled": "CANCELLED"}[state]
    asked = {"limit_limit_gtc": {"base_size": "0.12345", "limit_price": "60000", "post_only": False}}
    ids = {"product_id": "BTC-USDT", "order_id": "777", "client_order_id": CID, "side": "BUY"}
    return ids | {"status": word, "order_configuration": asked, "filled_size": "0.05", "created_time": ISO}


def _gate_order(state: str) -> Raw:
    word = {"open": "open", "canceled": "cancelled"}[state]
    sizes = {"amount": "0.12345", "left": "0.07345", "filled_total": "3000", "price": "60000"}
    ids = {"currency_pair": "BTC_USDT", "id": "777", "text": f"t-{CID}", "side": "buy", "type": "limit"}
    return ids | sizes | {"status": word, "finish_as": word, "create_time_ms": MS, "update_time_ms": MS}


def _kraken_order(state: str) -> Raw:
    about = {"pair": "XBTUSDT", "type": "buy", "ordertype": "limit", "price": "60000", "price2": "0"}
    sizes = {"vol": "0.12345", "vol_exec": "0.05", "cost": "3000", "price": "60000", "fee": "7.8"}
    return sizes | {"status": state, "cl_ord_id": CID, "opentm": MS / 1000, "descr": about, "trades": ["1"]}


def _kucoin_order(state: str) -> Raw:
    sizes = {"size": "0.12345", "dealSize": "0.05", "dealFunds": "3000", "price": "60000"}
    ids = {"symbol": "BTC-USDT", "id": "777", "clientOid": CID, "side": "buy", "type": "limit"}
    ended = {"active": state == "open", "cancelExist": state == "canceled"}
    return ids | sizes | ended | {"createdAt": MS, "lastUpdatedAt": MS}


def _okx_order(state: str) -> Raw:
    word = {"open": "partially_filled", "canceled": "canceled"}[state]
    sizes = {"sz": "0.12345", "accFillSz": "0.05", "avgPx": "60000", "px": "60000"}
    ids = {"instId": "BTC-USDT", "instType": "SPOT", "ordId": "777", "clOrdId": CID, "side": "buy", "ordType": "limit"}
    return ids | sizes | {"state": word, "cTime": str(MS), "uTime": str(MS)}


ORDERS = {
    "binance": _binance_order,
    "bitget": _bitget_order,
    "bybit": _bybit_order,
    "coinbase": _coinbase_order,
    "gate": _gate_order,
    "kraken": _kraken_order,
    "kucoin": _kucoin_order,
    "okx": _okx_order,
}


def trade(venue: str, number: int) -> Raw:
    """The account's trade of this number, a millisecond after the one before: 0.05 at 60000, as maker, fee 0.00005 BTC."""
    at = MS + number
    if venue == "binance":
        names = {"symbol": "BTCUSDT", "id": number, "orderId": 777, "isBuyer": True, "isMaker": True}
        return names | {"price": "60000", "qty": "0.05", "commission": "0.00005", "commissionAsset": "BTC", "time": at}
    if venue == "bitget":
        fee = {"feeCoin": "BTC", "totalFee": "-0.00005"}
        names = {"symbol": "BTCUSDT", "tradeId": str(number), "orderId": "777", "side": "buy", "tradeScope": "maker"}
        return names | {"priceAvg": "60000", "size": "0.05", "feeDetail": fee, "cTime": str(at)}
    if venue == "bybit":
        names = {"symbol": "BTCUSDT", "execId": str(number), "orderId": "777", "side": "Buy", "isMaker": True}
        fee = {"execFee": "0.00005", "feeRate": "0.001", "feeCurrency": "BTC"}
        return names | fee | {"execPrice": "60000", "execQty": "0.05", "execTime": str(at)}
    if venue == "coinbase":
        names = {"product_id": "BTC-USDT", "trade_id": str(number), "order_id": "777", "side": "BUY"}
        moment = (BEGAN + timedelta(milliseconds=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        money = {"price": "60000", "size": "0.05", "commission": "3", "size_in_quote": False}
        return names | money | {"trade_time": moment, "liquidity_indicator": "MAKER"}
    if venue == "gate":
        names = {"currency_pair": "BTC_USDT", "id": str(number), "order_id": "777", "side": "buy", "role": "maker"}
        money = {"price": "60000", "amount": "0.05", "fee": "0.00005", "fee_currency": "BTC"}
        return names | money | {"create_time_ms": str(at)}
    if venue == "kraken":
        names = {"pair": "XBTUSDT", "ordertxid": "777", "type": "buy", "ordertype": "limit", "maker": True}
        return names | {"price": "60000", "vol": "0.05", "cost": "3000", "fee": "3", "time": at / 1000}
    if venue == "kucoin":
        names = {"symbol": "BTC-USDT", "id": number, "tradeId": str(number), "orderId": "777", "side": "buy"}
        money = {"price": "60000", "size": "0.05", "fee": "0.00005", "feeCurrency": "BTC"}
        return names | money | {"liquidity": "maker", "createdAt": at}
    names = {"instId": "BTC-USDT", "tradeId": str(number), "ordId": "777", "billId": str(number), "side": "buy"}
    return names | {
        "fillPx": "60000",
        "fillSz": "0.05",
        "fee": "-0.00005",
        "feeCcy": "BTC",
        "ts": str(at),
        "execType": "M",
    }


def wrapped(venue: str, kind: str, found: Sequence[Raw], cursor: str = "") -> Any:
    """A list as the venue's answer to what is asked for: `orders` or `trades`."""
    if venue in ("binance", "gate"):
        return list(found)
    if venue == "coinbase":
        return {"orders" if kind == "orders" else "fills": list(found), "cursor": cursor}
    if venue == "bybit":
        return {"retCode": 0, "result": {"list": list(found), "nextPageCursor": cursor, "category": "spot"}}
    if venue == "kraken":
        if kind == "trades":
            by_id = {str(round(raw["time"] * 1000) - MS): raw for raw in found}
            return {"error": [], "result": {"trades": by_id, "count": 1000}}
        return {"error": [], "result": {"open": dict(zip(["777"], found, strict=True))}}
    if venue == "kucoin":
        return {"code": "200000", "data": {"items": list(found)}}
    code = {"bitget": "00000", "okx": "0"}[venue]
    return {"code": code, "data": list(found)}


def single(venue: str, raw: Raw) -> Any:
    """One order as the venue's answer to who asks for it by its id."""
    if venue in ("binance", "gate"):
        return raw
    if venue == "coinbase":
        return {"order": raw}
    if venue == "kraken":
        return {"error": [], "result": {"777": raw}}
    if venue == "kucoin":
        return {"code": "200000", "data": raw}
    return wrapped(venue, "orders", [raw])


TIME: dict[str, tuple[str, Any]] = {
    "binance": ("/time", {"serverTime": MS + 60_000}),
    "bitget": ("/public/time", {"code": "00000", "data": {"serverTime": str(MS + 60_000)}}),
    "bybit": ("/market/time", {"retCode": 0, "result": {}, "time": MS + 60_000}),
    "coinbase": ("/v2/time", {"data": {"epoch": MS // 1000 + 60}}),
    "gate": ("/spot/time", {"server_time": MS + 60_000}),
    "kraken": ("/Time", {"error": [], "result": {"unixtime": MS // 1000 + 60}}),
    "kucoin": ("/timestamp", {"code": "200000", "data": MS + 60_000}),
    "okx": ("/public/time", {"code": "0", "data": [{"ts": str(MS + 60_000)}]}),
}
ORDER_PATHS = {
    "binance": "/order",
    "bitget": "/orderInfo",
    "bybit": "/order/realtime",
    "coinbase": "/historical/777",
    "gate": "/orders/777",
    "kraken": "/QueryOrders",
    "kucoin": "/orders/777",
    "okx": "/trade/order",
}
TRADE_PATHS = {
    "binance": "/myTrades",
    "bitget": "/fills",
    "bybit": "/execution/list",
    "coinbase": "/historical/fills",
    "gate": "/my_trades",
    "kraken": "/TradesHistory",
    "kucoin": "/hf/fills",
    "okx": "/fills-history",
}


def holding(venue: str, state: str) -> tuple[CcxtGateway, Wire]:
    """A venue that has our order, with one trade of it."""
    gateway, wire = connected(venue)
    path, time = TIME[venue]
    wire.answers = {
        path: time,
        ORDER_PATHS[venue]: single(venue, ORDERS[venue](state)),
        TRADE_PATHS[venue]: wrapped(venue, "trades", [trade(venue, 1)]),
    }
    return gateway, wire


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize(("told", "state"), [("open", OrderState.PARTIALLY_FILLED), ("canceled", OrderState.CANCELED)])
def test_an_order_is_read_with_its_fills_to_the_last_digit(venue: str, told: str, state: OrderState) -> None:
    """Some venues, and ccxt, call an order done that was canceled in part."""
    gateway, _ = holding(venue, told)
    found = gateway.find(CID, SYMBOL, "777")
    assert found is not None
    assert (found.exchange_order_id, found.state, found.filled) == ("777", state, Decimal("0.05"))
    (fill,) = found.fills
    assert (fill.trade_id, fill.exchange_order_id, fill.symbol, fill.side) == ("1", "777", SYMBOL, Side.BUY)
    assert (fill.price, fill.amount, fill.is_maker) == (Decimal(60000), Decimal("0.05"), True)
    in_quote = venue in ("coinbase", "kraken")
    expected = (Decimal(3), "USDT") if in_quote else (Decimal("0.00005"), "BTC")
    assert (fill.fee, fill.fee_currency) == expected
    assert fill.as_of == BEGAN + timedelta(milliseconds=1)


LISTED = {
    "binance": ("/openOrders", "open"),
    "bitget": ("/unfilled-orders", "open"),
    "bybit": ("/order/realtime", "open"),
    "coinbase": ("/historical/batch", "open"),
    "kraken": ("/OpenOrders", "open"),
    "okx": ("/orders-pending", "open"),
}


@pytest.mark.parametrize("venue", VENUES)
def test_open_orders_bear_our_id(venue: str) -> None:
    gateway, wire = connected(venue)
    raw = ORDERS[venue]("open")
    if venue == "kucoin":
        wire.answers = {
            "/active/symbols": {"code": "200000", "data": {"symbols": ["BTC-USDT"]}},
            "/orders/active": {"code": "200000", "data": [raw]},
        }
    elif venue == "gate":
        pages = [[{"currency_pair": "BTC_USDT", "total": 1, "orders": [raw]}], []]
        wire.answers = {"/open_orders": lambda sent: pages[int(sent.fields.get("page", 1)) - 1]}
    else:
        path, _ = LISTED[venue]
        wire.answers = {path: wrapped(venue, "orders", [raw])}
    (standing,) = gateway.open_orders()
    assert (standing.client_order_id, standing.symbol, standing.side) == (CID, SYMBOL, Side.BUY)
    assert (standing.amount, standing.evidence.filled) == (Decimal("0.12345"), Decimal("0.05"))


# A venue with trades 1 to `most`, which hands them out as it does.
Server = Callable[[Sent], Any]


def _newest_first(venue: str, most: int, size: int, parameter: str) -> Server:
    def answer(sent: Sent) -> Any:
        below = int(sent.fields.get(parameter, most + 1))
        ids = range(below - 1, max(0, below - 1 - size), -1)
        return wrapped(venue, "trades", [trade(venue, number) for number in ids])

    return answer


def _by_cursor(venue: str, most: int, size: int) -> Server:
    def answer(sent: Sent) -> Any:
        at = int(sent.fields.get("cursor", most))
        page = [trade(venue, number) for number in range(at, max(0, at - size), -1)]
        return wrapped(venue, "trades", page, str(at - size) if at > size else "")

    return answer


def _binance_server(most: int) -> Server:
    def answer(sent: Sent) -> Any:
        assert ("fromId" in sent.fields) is not ("startTime" in sent.fields)  # it takes one of them only
        first = int(sent.fields.get("fromId", 1))
        return [trade("binance", number) for number in range(first, min(most, first + 999) + 1)]

    return answer


def _gate_server(most: int) -> Server:
    def answer(sent: Sent) -> Any:
        last = most - (int(sent.fields.get("page", 1)) - 1) * 1000
        return [trade("gate", number) for number in range(last, max(0, last - 1000), -1)]

    return answer


def _kraken_server(most: int) -> Server:
    def answer(sent: Sent) -> Any:
        last = most - int(sent.fields.get("ofs", 0))
        return wrapped("kraken", "trades", [trade("kraken", number) for number in range(last, max(0, last - 50), -1)])

    return answer


SERVERS: dict[str, tuple[int, Server]] = {
    "binance": (2003, _binance_server(2003)),
    "bitget": (203, _newest_first("bitget", 203, 100, "idLessThan")),
    "bybit": (203, _by_cursor("bybit", 203, 100)),
    "coinbase": (503, _by_cursor("coinbase", 503, 250)),
    "gate": (2003, _gate_server(2003)),
    "kraken": (103, _kraken_server(103)),
    "kucoin": (203, _newest_first("kucoin", 203, 100, "lastId")),
    "okx": (203, _newest_first("okx", 203, 100, "after")),
}


@pytest.mark.parametrize("venue", VENUES)
def test_fills_are_read_to_the_last_page(venue: str) -> None:
    gateway, wire = connected(venue)
    path, time = TIME[venue]
    most, server = SERVERS[venue]
    wire.answers = {path: time, TRADE_PATHS[venue]: server}
    fills = gateway.fills_since(SYMBOL, BEGAN)
    assert [fill.trade_id for fill in fills] == [str(number) for number in range(1, most + 1)]


@pytest.mark.parametrize("venue", VENUES)
def test_an_orders_fills_are_read_to_the_last_page(venue: str) -> None:
    gateway, wire = holding(venue, "canceled")
    most, server = SERVERS[venue]
    if venue == "binance":

        def server(sent: Sent) -> Any:
            first = int(sent.fields.get("fromId", 1))
            assert sent.fields["orderId"] == "777"
            return [trade("binance", number) for number in range(first, min(most, first + 999) + 1)]

    wire.answers[TRADE_PATHS[venue]] = server
    found = gateway.find(CID, SYMBOL, "777")
    assert found is not None
    assert len(found.fills) == most


@pytest.mark.parametrize(("venue", "days"), [("bybit", 7), ("kucoin", 7), ("gate", 30), ("bitget", 90)])
def test_a_long_time_is_asked_about_in_parts(venue: str, days: int) -> None:
    gateway, wire = connected(venue)
    path, time = TIME[venue]
    wire.answers = {path: time, TRADE_PATHS[venue]: wrapped(venue, "trades", [])}
    gateway.fills_since(SYMBOL, BEGAN - timedelta(days=2 * days))
    assert len([sent for sent in wire.sent if sent.path.endswith(TRADE_PATHS[venue])]) == 3


def binance_wallet(many: int) -> Server:
    """Deposits and withdrawals 1 to `many`, an hour apart; at most 1000 are told at once, of at most 90 days."""

    def answer(sent: Sent) -> Any:
        start, end = int(sent.fields["startTime"]), int(sent.fields["endTime"])
        assert end - start <= 90 * 24 * 3_600_000
        times = {number: MS - number * 3_600_000 for number in range(1, many + 1)}
        told = [number for number, at in times.items() if start <= at <= end][: int(sent.fields["limit"])]
        if "deposit" in sent.path:
            came = {"coin": "USDT", "amount": "1.5", "status": 1, "network": "TRX"}
            return [came | {"id": f"d{n}", "txId": f"t{n}", "insertTime": times[n]} for n in told]
        left = {"coin": "USDT", "amount": "1", "transactionFee": "0.25", "status": 6, "network": "TRX"}
        moment = {n: datetime.fromtimestamp(times[n] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S") for n in told}
        return [left | {"id": f"w{n}", "txId": f"t{n}", "applyTime": moment[n]} for n in told]

    return answer


def test_all_transfers_are_told_however_many_and_however_long_ago() -> None:
    gateway, wire = connected("binance")
    path, time = TIME["binance"]
    server = binance_wallet(2500)
    wire.answers = {path: time, "/deposit/hisrec": server, "/withdraw/history": server}
    moved = gateway.transfers_since(BEGAN - timedelta(days=300))
    assert len(moved) == len({transfer.transfer_id for transfer in moved}) == 5000
    assert {(t.amount, t.fee) for t in moved} == {(Decimal("1.5"), Decimal(0)), (Decimal(-1), Decimal("0.25"))}
    assert [t.as_of for t in moved] == sorted(t.as_of for t in moved)


def test_a_venue_that_always_tells_too_many_transfers_is_not_asked_for_ever() -> None:
    gateway, wire = connected("binance")
    path, time = TIME["binance"]
    came = {"coin": "USDT", "amount": "1", "status": 1, "network": "TRX", "insertTime": MS}
    full = [came | {"id": f"d{number}", "txId": f"t{number}"} for number in range(1000)]
    wire.answers = {path: time, "/deposit/hisrec": full}
    with pytest.raises(Unavailable, match="more transfers"):
        gateway.transfers_since(BEGAN - timedelta(days=1))
    assert len(wire.sent) <= 201


ABSENT: dict[str, dict[str, Any]] = {
    "binance": {"/order": {"code": -2013, "msg": "Order does not exist."}},
    "bitget": {"/orderInfo": {"code": "00000", "data": []}},
    "bybit": {
        "/order/realtime": {"retCode": 0, "result": {"list": []}},
        "/order/history": {"retCode": 0, "result": {"list": []}},
    },
    "coinbase": {"/historical/batch": {"orders": [], "cursor": ""}},
    "gate": {f"/orders/t-{CID}": {"label": "ORDER_NOT_FOUND", "message": "Order not found"}},
    "kraken": {
        "/OpenOrders": {"error": [], "result": {"open": {}}},
        "/ClosedOrders": {"error": [], "result": {"closed": {}}},
    },
    "kucoin": {f"/client-order/{CID}": {"code": "200000", "data": None}},
    "okx": {"/trade/order": {"code": "51603", "msg": "Order does not exist", "data": []}},
}


@pytest.mark.parametrize("venue", VENUES)
def test_only_a_venues_own_word_says_that_there_is_no_such_order(venue: str) -> None:
    gateway, wire = connected(venue)
    with pytest.raises(Unavailable):
        gateway.find(CID, SYMBOL)
    wire.answers = ABSENT[venue]
    assert gateway.find(CID, SYMBOL) is None


def test_coinbase_is_gone_through_until_our_order_is_found() -> None:
    gateway, wire = connected("coinbase")
    other = ORDERS["coinbase"]("open") | {"order_id": "1", "client_order_id": "another", "filled_size": "0"}
    ours = ORDERS["coinbase"]("open") | {"filled_size": "0"}
    pages = {"": ([other], "next"), "next": ([other | {"order_id": "2"}, ours], "")}

    def answer(sent: Sent) -> Any:
        found, cursor = pages[sent.fields.get("cursor", "")]
        return wrapped("coinbase", "orders", found, cursor)

    wire.answers = {"/historical/batch": answer}
    found = gateway.find(CID, SYMBOL)
    assert found is not None
    assert found.exchange_order_id == "777"


PLACED: dict[str, tuple[str, Any]] = {
    "bitget": ("/place-order", {"code": "00000", "data": {"orderId": "777", "clientOid": CID}}),
    "bybit": ("/order/create", {"retCode": 0, "result": {"orderId": "777", "orderLinkId": CID}}),
    "coinbase": ("/orders", {"success": True, "success_response": {"order_id": "777", "client_order_id": CID}}),
    "kraken": (
        "/AddOrder",
        {"error": [], "result": {"descr": {"order": "buy 0.12345000 XBTUSDT @ limit 60000.0"}, "txid": ["777"]}},
    ),
    "kucoin": ("/hf/orders", {"code": "200000", "data": {"orderId": "777"}}),
}


def limit_order() -> OrderRequest:
    return OrderRequest(CID, SYMBOL, Side.BUY, OrderType.LIMIT, Decimal("0.12345"), Decimal(60000), BEGAN)


@pytest.mark.parametrize("venue", [*PLACED, "okx"])
def test_a_venue_that_only_acknowledges_an_order_is_asked_what_became_of_it(venue: str) -> None:
    gateway, wire = holding(venue, "open")
    if venue == "okx":  # one path for both
        placed = {"code": "0", "data": [{"ordId": "777", "clOrdId": CID, "sCode": "0"}]}
        order = wire.answers.pop("/trade/order")
        wire.answers["/trade/order"] = lambda sent: placed if sent.method == "POST" else order
    else:
        path, answer = PLACED[venue]
        wire.answers[path] = answer
    evidence = gateway.place(limit_order())
    assert (evidence.exchange_order_id, evidence.state) == ("777", OrderState.PARTIALLY_FILLED)
    assert len(evidence.fills) == 1


@pytest.mark.parametrize("venue", sorted(PLACED))
def test_an_acknowledged_order_stands_even_if_nobody_says_what_became_of_it(venue: str) -> None:
    gateway, wire = connected(venue)
    path, answer = PLACED[venue]
    wire.answers = {path: answer}
    evidence = gateway.place(limit_order())
    assert (evidence.exchange_order_id, evidence.state, evidence.fills) == ("777", OrderState.ACCEPTED, ())


DUPLICATES: dict[str, tuple[str, Any]] = {
    "binance": ("/order", {"code": -2010, "msg": "Duplicate order sent."}),
    "bitget": ("/place-order", {"code": "43118", "msg": "clientOrderId duplicate"}),
    "bybit": ("/order/create", {"retCode": 170141, "retMsg": "Duplicate clientOrderId.", "result": {}}),
    "okx": ("/trade/order", {"code": "1", "data": [{"sCode": "51016", "sMsg": "Client order ID already exists."}]}),
}


@pytest.mark.parametrize("venue", sorted(DUPLICATES))
def test_an_order_of_that_id_that_is_there_already_is_no_refusal(venue: str) -> None:
    gateway, wire = connected(venue)
    path, answer = DUPLICATES[venue]
    wire.answers = {path: answer}
    with pytest.raises(OutcomeUnknown):
        gateway.place(limit_order())


REFUSED: dict[str, tuple[str, Any]] = {
    "binance": ("/order", {"code": -2010, "msg": "Account has insufficient balance for requested action."}),
    "bitget": ("/place-order", {"code": "43012", "msg": "Insufficient balance"}),
    "bybit": ("/order/create", {"retCode": 170131, "retMsg": "Balance insufficient.", "result": {}}),
    "coinbase": (
        "/orders",
        {"success": False, "error_response": {"error": "INSUFFICIENT_FUND", "message": "Insufficient balance"}},
    ),
    "gate": ("/spot/orders", {"label": "BALANCE_NOT_ENOUGH", "message": "Not enough balance"}),
    "kraken": ("/AddOrder", {"error": ["EOrder:Insufficient funds"]}),
    "kucoin": ("/hf/orders", {"code": "200004", "msg": "Balance insufficient!"}),
    "okx": ("/trade/order", {"code": "1", "data": [{"sCode": "51008", "sMsg": "Insufficient balance"}]}),
}


@pytest.mark.parametrize("venue", VENUES)
def test_a_refusal_is_certain(venue: str) -> None:
    gateway, wire = connected(venue)
    path, answer = REFUSED[venue]
    wire.answers = {path: answer}
    with pytest.raises(Rejected, match=r"(?i)insufficient|not enough"):
        gateway.place(limit_order())


@pytest.mark.parametrize("venue", VENUES)
def test_a_question_is_asked_again_and_an_order_is_not(venue: str) -> None:
    pauses: list[float] = []
    gateway, wire = connected(venue, pause=pauses.append, jitter=lambda: 1.0)
    with pytest.raises(OutcomeUnknown):
        gateway.place(limit_order())
    assert (len(wire.sent), pauses) == (1, [])
    with pytest.raises(Unavailable):
        gateway.balances()
    assert (len(wire.sent), pauses) == (4, [0.2, 0.4])


def test_coinbase_may_not_know_whether_it_has_refused() -> None:
    gateway, wire = connected("coinbase")
    wire.answers = {"/orders": {"success": False, "error_response": {"error": "UNKNOWN_FAILURE_REASON"}}}
    with pytest.raises(OutcomeUnknown):
        gateway.place(limit_order())


@pytest.mark.parametrize("error", [ccxt.RateLimitExceeded, ccxt.DDoSProtection])
def test_a_venue_that_is_asked_too_much_is_not_asked_again(error: type[Exception]) -> None:
    gateway, wire = connected("binance")

    def banned(_sent: Sent) -> Any:
        raise error("binance 429 Too Many Requests")

    wire.answers = {"/account": banned}
    with pytest.raises(Unavailable, match="429"):
        gateway.balances()
    assert len(wire.sent) == 1


def test_a_market_without_its_steps_is_not_traded_on() -> None:
    gateway, _ = connected("kraken")
    gateway._client.markets[SYMBOL]["precision"]["price"] = None
    with pytest.raises(Unavailable, match="rules for BTC/USDT"):
        gateway.rules(SYMBOL)


@pytest.mark.parametrize("venue", VENUES)
def test_a_venues_rules_and_fees_are_read_exactly(venue: str) -> None:
    gateway, _ = connected(venue)
    rules, (taker, maker) = gateway.rules(SYMBOL), gateway.fees(SYMBOL)
    assert (rules.amount_step, rules.price_step, rules.min_notional) == (
        Decimal("0.00001"),
        Decimal("0.01"),
        Decimal(5),
    )
    assert Decimal(0) < maker <= taker < Decimal("0.02")
    with pytest.raises(Rejected, match="does not trade"):
        gateway.rules("DOGE/EUR")
