"""What leaves the process for each venue, caught where ccxt hands it to the network: not a word of an order may be lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.adapters.wire import MARKET_IDS, SYMBOL, Sent, connected
from volexswarm.adapters.capabilities import CAPABILITIES
from volexswarm.adapters.ccxt_gateway import CcxtGateway
from volexswarm.adapters.dialects import DIALECTS
from volexswarm.adapters.rate_limit import LIMITS
from volexswarm.errors import OutcomeUnknown, Rejected, Unavailable
from volexswarm.execution.model import OrderRequest
from volexswarm.messages import OrderType, Side, TimeInForce

VENUES = ("binance", "bitget", "bybit", "coinbase", "gate", "kraken", "kucoin", "okx")
CID = "v2k4x7qa5mz3b6ct"
SENT_AT = datetime(2026, 1, 5, 12, 0, 0, 250_000, UTC)
SENT_MS, UNTIL_MS = "1767614400250", "1767614405250"

CLIENT_ID = {
    "binance": ("newClientOrderId", CID),
    "bitget": ("clientOid", CID),
    "bybit": ("orderLinkId", CID),
    "coinbase": ("client_order_id", CID),
    "gate": ("text", f"t-{CID}"),
    "kraken": ("cl_ord_id", CID),
    "kucoin": ("clientOid", CID),
    "okx": ("clOrdId", CID),
}

# What bounds the time in which the venue may take the request: fields and headers.
WINDOW: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "binance": ({"timestamp": SENT_MS, "recvWindow": "5000"}, {}),
    "bitget": ({"requestTime": SENT_MS, "receiveWindow": "5000"}, {}),
    "bybit": ({}, {"X-BAPI-TIMESTAMP": SENT_MS, "X-BAPI-RECV-WINDOW": "5000"}),
    "coinbase": ({}, {"CB-ACCESS-TIMESTAMP": SENT_MS[:-3]}),
    "gate": ({}, {"x-gate-exptime": UNTIL_MS}),
    "kraken": ({"deadline": "2026-01-05T12:00:05.250Z"}, {}),
    "kucoin": ({}, {"KC-API-TIMESTAMP": SENT_MS}),
    "okx": ({}, {"expTime": UNTIL_MS}),
}

# Side, type, amount and prices as each venue calls them; `None`: the field must not be there.
LIMIT: dict[str, dict[str, Any]] = {
    "binance": {"side": "BUY", "type": "LIMIT", "quantity": "0.12345", "price": "60000.1"},
    "bitget": {"side": "buy", "orderType": "limit", "size": "0.12345", "price": "60000.1"},
    "bybit": {"side": "Buy", "orderType": "Limit", "qty": "0.12345", "price": "60000.1", "category": "spot"},
    "coinbase": {"side": "BUY"},
    "gate": {"side": "buy", "type": "limit", "amount": "0.12345", "price": "60000.1", "account": "spot"},
    "kraken": {"type": "buy", "ordertype": "limit", "volume": "0.12345", "price": "60000.1"},
    "kucoin": {"side": "buy", "type": "limit", "size": "0.12345", "price": "60000.1"},
    "okx": {"side": "buy", "sz": "0.12345", "px": "60000.1", "tdMode": "cash"},
}
_CB = "order_configuration"


def _coinbase(kind: str, **more: Any) -> dict[str, Any]:
    whole = {"base_size": "0.12345", "limit_price": "60000.1"} | more
    return {f"{_CB}.{kind}.{name}": value for name, value in whole.items()}


TIF: dict[TimeInForce, dict[str, dict[str, Any]]] = {
    TimeInForce.GTC: {
        "binance": {"timeInForce": "GTC"},
        "bitget": {"force": "gtc"},
        "bybit": {"timeInForce": "GTC"},
        "coinbase": _coinbase("limit_limit_gtc", post_only=False),
        "gate": {"time_in_force": "gtc"},
        "kraken": {"timeinforce": "GTC"},
        "kucoin": {"timeInForce": "GTC"},
        "okx": {"ordType": "limit"},
    },
    TimeInForce.IOC: {
        "binance": {"timeInForce": "IOC"},
        "bitget": {"force": "ioc"},
        "bybit": {"timeInForce": "IOC"},
        "coinbase": _coinbase("sor_limit_ioc"),
        "gate": {"time_in_force": "ioc"},
        "kraken": {"timeinforce": "IOC"},
        "kucoin": {"timeInForce": "IOC"},
        "okx": {"ordType": "ioc"},
    },
    TimeInForce.FOK: {
        "binance": {"timeInForce": "FOK"},
        "bitget": {"force": "fok"},
        "bybit": {"timeInForce": "FOK"},
        "coinbase": _coinbase("limit_limit_fok"),
        "gate": {"time_in_force": "fok"},
        "kucoin": {"timeInForce": "FOK"},
        "okx": {"ordType": "fok"},
    },
    TimeInForce.POST_ONLY: {
        "binance": {"type": "LIMIT_MAKER"},
        "bitget": {"force": "post_only"},
        "bybit": {"timeInForce": "PostOnly"},
        "coinbase": _coinbase("limit_limit_gtc", post_only=True),
        "gate": {"time_in_force": "poc"},
        "kraken": {"oflags": "post"},
        "kucoin": {"postOnly": True},
        "okx": {"ordType": "post_only"},
    },
}

MARKET_SALE: dict[str, dict[str, Any]] = {
    "binance": {"side": "SELL", "type": "MARKET", "quantity": "0.12345", "price": None, "quoteOrderQty": None},
    "bitget": {"side": "sell", "orderType": "market", "size": "0.12345", "price": None},
    "bybit": {"side": "Sell", "orderType": "Market", "qty": "0.12345", "marketUnit": "baseCoin", "price": None},
    "coinbase": {"side": "SELL", f"{_CB}.market_market_ioc.base_size": "0.12345"},
    "gate": {"side": "sell", "type": "market", "amount": "0.12345", "price": None},
    "kraken": {"type": "sell", "ordertype": "market", "volume": "0.12345", "price": None, "oflags": None},
    "kucoin": {"side": "sell", "type": "market", "size": "0.12345", "price": None, "funds": None},
    "okx": {"side": "sell", "ordType": "market", "sz": "0.12345", "tgtCcy": "base_ccy", "px": None},
}
MARKET_PURCHASE: dict[str, dict[str, Any]] = {
    "binance": {"side": "BUY", "type": "MARKET", "quantity": "0.12345", "price": None, "quoteOrderQty": None},
    # an amount in base, to at most 1 % above the best ask of 60000.50
    "bitget": {"side": "buy", "orderType": "limit", "size": "0.12345", "price": "60600.5", "force": "ioc"},
    "bybit": {"side": "Buy", "orderType": "Market", "qty": "0.12345", "marketUnit": "baseCoin", "price": None},
    "coinbase": {"side": "BUY"} | _coinbase("sor_limit_ioc", limit_price="60600.5"),
    "gate": {"side": "buy", "type": "limit", "amount": "0.12345", "price": "60600.5", "time_in_force": "ioc"},
    "kraken": {"type": "buy", "ordertype": "market", "volume": "0.12345", "price": None, "oflags": None},
    "kucoin": {"side": "buy", "type": "market", "size": "0.12345", "price": None, "funds": None},
    "okx": {"side": "buy", "ordType": "market", "sz": "0.12345", "tgtCcy": "base_ccy", "px": None},
}
ASK: dict[str, dict[str, Any]] = {
    "bitget": {"/tickers": {"code": "00000", "data": [{"symbol": "BTCUSDT", "askPr": "60000.50", "bidPr": "59999"}]}},
    "coinbase": {"/ticker": {"best_ask": "60000.50", "best_bid": "59999", "trades": []}},
    "gate": {"/tickers": [{"currency_pair": "BTC_USDT", "lowest_ask": "60000.50", "highest_bid": "59999"}]},
}


def _stop_limit(direction: str) -> dict[str, Any]:
    kind = "stop_limit_stop_limit_gtc"
    return _coinbase(kind, limit_price="55000", stop_price="56000.5", stop_direction=f"STOP_DIRECTION_STOP_{direction}")


# Sales that wait for 56000.50, to 55000 where they name a limit, or 1.5 % behind the best price.
WAITING: dict[OrderType, dict[str, dict[str, Any]]] = {
    OrderType.STOP_LOSS: {
        "binance": {"type": "STOP_LOSS", "stopPrice": "56000.5", "quantity": "0.12345", "price": None},
        "kraken": {"ordertype": "stop-loss", "price": "56000.5", "volume": "0.12345", "price2": None},
    },
    OrderType.STOP_LOSS_LIMIT: {
        "binance": {"type": "STOP_LOSS_LIMIT", "stopPrice": "56000.5", "price": "55000", "timeInForce": "GTC"},
        "coinbase": _stop_limit("DOWN"),
        "kraken": {"ordertype": "stop-loss-limit", "price": "56000.5", "price2": "55000"},
    },
    OrderType.TAKE_PROFIT: {
        "binance": {"type": "TAKE_PROFIT", "stopPrice": "56000.5", "quantity": "0.12345", "price": None},
        "kraken": {"ordertype": "take-profit", "price": "56000.5", "volume": "0.12345", "price2": None},
    },
    OrderType.TAKE_PROFIT_LIMIT: {
        "binance": {"type": "TAKE_PROFIT_LIMIT", "stopPrice": "56000.5", "price": "55000", "timeInForce": "GTC"},
        "coinbase": _stop_limit("UP"),
        "kraken": {"ordertype": "take-profit-limit", "price": "56000.5", "price2": "55000"},
    },
    OrderType.TRAILING_STOP: {
        "binance": {"type": "STOP_LOSS", "trailingDelta": "150", "stopPrice": None, "price": None},
        "kraken": {"ordertype": "trailing-stop", "price": "+1.5%", "price2": None},
    },
}


def wanted(order_type: OrderType, side: Side = Side.BUY, tif: TimeInForce = TimeInForce.GTC) -> OrderRequest:
    limit = {True: "55000", False: "60000.10"}[order_type.has_trigger] if order_type.has_limit else None
    return OrderRequest(
        client_order_id=CID,
        symbol=SYMBOL,
        side=side,
        order_type=order_type,
        amount=Decimal("0.12345000"),
        limit_price=None if limit is None else Decimal(limit),
        sent_at=SENT_AT,
        trigger_price=Decimal("56000.50") if order_type.has_trigger else None,
        trailing_share=Decimal("0.015") if order_type is OrderType.TRAILING_STOP else None,
        time_in_force=tif,
    )


def placed(venue: str, request: OrderRequest) -> Sent:
    """The one request that carries the order; its answer is lost."""
    gateway, wire = connected(venue)
    wire.answers = ASK.get(venue, {})
    with pytest.raises(OutcomeUnknown):
        gateway.place(request)
    *questions, sent = wire.sent
    assert all(question.method == "GET" for question in questions)
    assert sent.method == "POST"
    return sent


def assert_holds(sent: Sent, expected: dict[str, Any]) -> None:
    assert {name: sent.fields.get(name) for name in expected} == expected


def test_every_venue_of_the_table_is_covered() -> None:
    tables = (CAPABILITIES, DIALECTS, LIMITS, CLIENT_ID, WINDOW, LIMIT, MARKET_SALE, MARKET_PURCHASE, MARKET_IDS)
    assert all(tuple(sorted(table)) == VENUES for table in tables)
    for order_type, venues in WAITING.items():
        assert set(venues) == {name for name, able in CAPABILITIES.items() if order_type in able.order_types}
    for tif, venues in TIF.items():
        assert set(venues) == {name for name, able in CAPABILITIES.items() if tif in able.times_in_force}


@pytest.mark.parametrize("venue", VENUES)
def test_our_id_and_the_time_of_the_attempt_go_along(venue: str) -> None:
    sent = placed(venue, wanted(OrderType.LIMIT))
    field, value = CLIENT_ID[venue]
    fields, headers = WINDOW[venue]
    assert_holds(sent, fields | {field: value})
    assert {name: sent.headers.get(name) for name in headers} == headers


@pytest.mark.parametrize("venue", VENUES)
def test_only_the_order_bears_the_time_of_the_attempt(venue: str) -> None:
    """A question must bear its own, or it would be refused as too old."""
    gateway, wire = connected(venue)
    with pytest.raises(OutcomeUnknown):
        gateway.place(wanted(OrderType.LIMIT))
    with pytest.raises(Unavailable):
        gateway.find(CID, SYMBOL)
    assert not {SENT_MS, SENT_MS[:-3], UNTIL_MS} & {*map(str, wire.sent[-1].headers.values())}


@pytest.mark.parametrize(("tif", "venue"), [(tif, venue) for tif, venues in TIF.items() for venue in venues])
def test_a_limit_order_says_how_long_it_stays(venue: str, tif: TimeInForce) -> None:
    expected = LIMIT[venue] | TIF[tif][venue]
    assert_holds(placed(venue, wanted(OrderType.LIMIT, tif=tif)), expected)


@pytest.mark.parametrize("venue", VENUES)
def test_a_market_sale_is_in_base(venue: str) -> None:
    assert_holds(placed(venue, wanted(OrderType.MARKET, Side.SELL)), MARKET_SALE[venue])


@pytest.mark.parametrize("venue", VENUES)
def test_a_market_purchase_is_in_base(venue: str) -> None:
    assert_holds(placed(venue, wanted(OrderType.MARKET)), MARKET_PURCHASE[venue])


@pytest.mark.parametrize("venue", sorted(ASK))
def test_a_purchase_to_a_worst_price_is_not_sent_without_a_price(venue: str) -> None:
    gateway, wire = connected(venue)
    with pytest.raises(Unavailable):
        gateway.place(wanted(OrderType.MARKET))
    assert {sent.method for sent in wire.sent} == {"GET"}


@pytest.mark.parametrize(("kind", "venue"), [(kind, venue) for kind, venues in WAITING.items() for venue in venues])
def test_a_waiting_order_says_for_what(venue: str, kind: OrderType) -> None:
    sent = placed(venue, wanted(kind, Side.SELL))
    field, value = CLIENT_ID[venue]
    assert_holds(sent, WAITING[kind][venue] | {field: value})


def unable() -> list[tuple[str, OrderType, TimeInForce]]:
    kinds = [
        (n, kind, TimeInForce.GTC) for n, a in CAPABILITIES.items() for kind in OrderType if kind not in a.order_types
    ]
    tifs = [
        (n, OrderType.LIMIT, tif) for n, a in CAPABILITIES.items() for tif in TimeInForce if tif not in a.times_in_force
    ]
    lasting = [
        (name, OrderType.MARKET, tif) for name in CAPABILITIES for tif in (TimeInForce.FOK, TimeInForce.POST_ONLY)
    ]
    return [*kinds, *tifs, *lasting]


@pytest.mark.parametrize(("venue", "kind", "tif"), unable())
def test_what_a_venue_can_not_be_given_is_refused_before_anything_is_sent(
    venue: str, kind: OrderType, tif: TimeInForce
) -> None:
    gateway, wire = connected(venue)
    with pytest.raises(Rejected, match=f"{kind.value}|{tif.value}"):
        gateway.place(wanted(kind, Side.SELL, tif))
    assert wire.sent == []


# Method, end of the path, and fields of what asks to take order 777 off, by our id where that suffices.
CANCEL: dict[str, tuple[str, str, dict[str, Any]]] = {
    "binance": ("DELETE", "/order", {"symbol": "BTCUSDT", "origClientOrderId": CID}),
    "bitget": ("POST", "/cancel-order", {"symbol": "BTCUSDT", "clientOid": CID}),
    "bybit": ("POST", "/order/cancel", {"symbol": "BTCUSDT", "orderLinkId": CID, "category": "spot", "orderId": None}),
    "coinbase": ("POST", "/batch_cancel", {"order_ids": ["777"]}),
    "gate": ("DELETE", "/orders/777", {"currency_pair": "BTC_USDT"}),
    "kraken": ("POST", "/CancelOrder", {"cl_ord_id": CID, "txid": None}),
    "kucoin": ("DELETE", f"/client-order/{CID}", {"symbol": "BTC-USDT"}),
    "okx": ("POST", "/cancel-order", {"instId": "BTC-USDT", "clOrdId": CID}),
}

FIND: dict[str, tuple[str, dict[str, Any]]] = {
    "binance": ("/order", {"symbol": "BTCUSDT", "origClientOrderId": CID}),
    "bitget": ("/orderInfo", {"clientOid": CID}),
    "bybit": ("/order/realtime", {"symbol": "BTCUSDT", "orderLinkId": CID, "category": "spot"}),
    "coinbase": ("/historical/batch", {"product_id": "BTC-USDT"}),
    "gate": (f"/orders/t-{CID}", {"currency_pair": "BTC_USDT"}),
    "kraken": ("/OpenOrders", {"cl_ord_id": CID}),
    "kucoin": (f"/client-order/{CID}", {"symbol": "BTC-USDT"}),
    "okx": ("/order", {"instId": "BTC-USDT", "clOrdId": CID}),
}
FIND_THEIRS: dict[str, tuple[str, dict[str, Any]]] = {
    "binance": ("/order", {"symbol": "BTCUSDT", "orderId": "777"}),
    "bitget": ("/orderInfo", {"orderId": "777"}),
    "bybit": ("/order/realtime", {"symbol": "BTCUSDT", "orderId": "777"}),
    "coinbase": ("/historical/777", {}),
    "gate": ("/orders/777", {"currency_pair": "BTC_USDT"}),
    "kraken": ("/QueryOrders", {"txid": "777"}),
    "kucoin": ("/orders/777", {"symbol": "BTC-USDT"}),
    "okx": ("/order", {"instId": "BTC-USDT", "ordId": "777"}),
}
OPEN: dict[str, tuple[str, dict[str, Any]]] = {
    "binance": ("/openOrders", {"symbol": None}),
    "bitget": ("/unfilled-orders", {"limit": "100"}),
    "bybit": ("/order/realtime", {"category": "spot", "limit": "50"}),
    "coinbase": ("/historical/batch", {"order_status": "OPEN"}),
    "gate": ("/open_orders", {"limit": "100"}),
    "kraken": ("/OpenOrders", {}),
    "kucoin": ("/active/symbols", {}),
    "okx": ("/orders-pending", {"limit": "100"}),
}
FILLS: dict[str, tuple[str, dict[str, Any]]] = {
    "binance": ("/myTrades", {"symbol": "BTCUSDT", "startTime": SENT_MS, "limit": "1000"}),
    "bitget": ("/fills", {"symbol": "BTCUSDT", "startTime": SENT_MS, "limit": "100"}),
    "bybit": ("/execution/list", {"symbol": "BTCUSDT", "startTime": SENT_MS, "category": "spot"}),
    "coinbase": ("/fills", {"product_id": "BTC-USDT", "start_sequence_timestamp": "2026-01-05T12:00:00.250Z"}),
    "gate": ("/my_trades", {"currency_pair": "BTC_USDT", "from": "1767614400", "limit": "1000"}),
    "kraken": ("/TradesHistory", {"start": "1767614400"}),
    "kucoin": ("/fills", {"symbol": "BTC-USDT", "startAt": SENT_MS}),
    "okx": ("/fills-history", {"instId": "BTC-USDT", "begin": SENT_MS, "instType": "SPOT"}),
}

# A minute after the attempt, as each venue tells the time.
TIME: dict[str, dict[str, Any]] = {
    "binance": {"/time": {"serverTime": 1767614460250}},
    "bitget": {"/time": {"code": "00000", "data": {"serverTime": "1767614460250"}}},
    "bybit": {"/time": {"retCode": 0, "result": {}, "time": 1767614460250}},
    "coinbase": {"/time": {"data": {"epoch": 1767614460}}},
    "gate": {"/time": {"server_time": 1767614460250}},
    "kraken": {"/Time": {"error": [], "result": {"unixtime": 1767614460}}},
    "kucoin": {"/timestamp": {"code": "200000", "data": 1767614460250}},
    "okx": {"/time": {"code": "0", "data": [{"ts": "1767614460250"}]}},
}


def last_asked(venue: str, question: Callable[[CcxtGateway], Any]) -> Sent:
    gateway, wire = connected(venue)
    wire.answers = TIME[venue]
    with pytest.raises(Unavailable):
        question(gateway)
    return wire.sent[-1]


@pytest.mark.parametrize("venue", VENUES)
def test_an_order_is_canceled_by_the_name_that_the_venue_takes(venue: str) -> None:
    method, path, fields = CANCEL[venue]
    sent = last_asked(venue, lambda gateway: gateway.cancel(CID, SYMBOL, "777"))
    assert sent.method == method
    assert sent.path.endswith(path)
    assert_holds(sent, fields)


@pytest.mark.parametrize(
    ("venue", "question", "path", "fields"),
    [
        *((v, lambda gateway: gateway.find(CID, SYMBOL), *FIND[v]) for v in VENUES),
        *((v, lambda gateway: gateway.find(CID, SYMBOL, "777"), *FIND_THEIRS[v]) for v in VENUES),
        *((v, lambda gateway: gateway.open_orders(), *OPEN[v]) for v in VENUES),
        *((v, lambda gateway: gateway.fills_since(SYMBOL, SENT_AT), *FILLS[v]) for v in VENUES),
    ],
)
def test_a_question_names_what_it_is_about(
    venue: str, question: Callable[[CcxtGateway], Any], path: str, fields: dict[str, Any]
) -> None:
    sent = last_asked(venue, question)
    assert sent.path.endswith(path)
    assert_holds(sent, fields)


@pytest.mark.parametrize("venue", [name for name, able in CAPABILITIES.items() if not able.transfers])
def test_a_venue_that_does_not_tell_of_all_transfers_is_not_asked(venue: str) -> None:
    gateway, wire = connected(venue)
    with pytest.raises(Unavailable, match="does not tell"):
        gateway.transfers_since(SENT_AT)
    assert wire.sent == []


def test_coinbase_is_asked_for_the_orders_id_where_only_ours_is_known() -> None:
    gateway, wire = connected("coinbase")
    listed = {"order_id": "777", "product_id": "BTC-USDT", "client_order_id": CID, "side": "BUY", "status": "OPEN"}
    wire.answers = {"/historical/batch": {"orders": [listed]}, "/batch_cancel": {"results": [{"success": True}]}}
    assert gateway.cancel(CID, SYMBOL)
    assert wire.sent[-1].fields == {"order_ids": ["777"]}
