"""What each venue wants to be told beyond ccxt's unified words, so that no part of an order is dropped on the way.

For the gateway alone. ccxt 4.5.90's traps, each met here: coinbase drops the unified client id; gate prefixes it and can't cancel
by it; okx and gate take the latest time of a request in a header, kraken and bitget as a field, bybit, kucoin and coinbase by the
time that it is signed with; bitget wants its times in force in small letters; a market purchase means an amount to spend at
coinbase, bitget and gate; long answers come in pages that every venue numbers in its own way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, Final

from ccxt.base.errors import BaseError, OrderNotFound

from volexswarm.adapters.capabilities import CAPABILITIES
from volexswarm.clock import to_ms
from volexswarm.errors import Rejected
from volexswarm.execution.model import Capabilities, OrderRequest
from volexswarm.messages import OrderState, OrderType, TimeInForce

Raw = Mapping[str, Any]
Onward = Callable[[Sequence[Raw], int], dict[str, Any] | None]

MOST_PAGES: Final = 200  # of one answer; what is longer is no answer to what was asked

_TRIGGERS: Final = {
    OrderType.STOP_LOSS: "stopLossPrice",
    OrderType.STOP_LOSS_LIMIT: "stopLossPrice",
    OrderType.TAKE_PROFIT: "takeProfitPrice",
    OrderType.TAKE_PROFIT_LIMIT: "takeProfitPrice",
}


class TooMany(Exception):
    """An answer has more pages than anybody could have meant."""


@dataclass(frozen=True)
class Pages:
    """How a venue hands out a long answer.

    `onward` tells, from a page and its number (from 1), what to ask for the next one with; None after the last. `size` is the
    most that a page holds, `window` the longest time that one question may be about; `instead` whether `onward` takes the place
    of a beginning in time; `by_symbol` whether an answer is about one symbol only, or else about all.
    """

    size: int
    onward: Onward
    window: timedelta | None = None
    instead: bool = False
    by_symbol: bool = True

    def read(self, fetch: Callable[[dict[str, Any], bool], Sequence[Raw]]) -> list[Raw]:
        """All pages. `fetch` gets what to ask with, and whether a beginning in time still belongs to the question."""
        found: dict[str, Raw] = {}
        more: dict[str, Any] | None = {}
        for number in range(1, MOST_PAGES + 1):
            page = fetch(more or {}, number == 1 or not self.instead)
            fresh = {entry["id"]: entry for entry in page if entry["id"] not in found}
            found |= fresh
            more = self.onward(page, number) if fresh else None
            if more is None:
                return list(found.values())
        raise TooMany(f"more than {MOST_PAGES} pages of {self.size}")


def _whole(_page: Sequence[Raw], _number: int) -> None:
    """The first page is all."""


def _numbered(size: int, parameter: str = "page") -> Onward:
    return lambda page, number: {parameter: number + 1} if len(page) >= size else None


def _numbered_to_an_empty_one(page: Sequence[Raw], number: int) -> dict[str, Any] | None:
    return {"page": number + 1} if page else None


def _skipping(size: int, parameter: str) -> Onward:
    return lambda page, number: {parameter: number * size} if len(page) >= size else None


def _above(size: int, parameter: str) -> Onward:
    return lambda page, _: {parameter: max(int(entry["id"]) for entry in page) + 1} if len(page) >= size else None


def _below(size: int, parameter: str, field: str) -> Onward:
    """Newest first: the next page holds what has a smaller id."""
    return lambda page, _: (
        {parameter: str(min(int(entry["info"][field]) for entry in page))} if len(page) >= size else None
    )


def _cursor(parameter: str, field: str) -> Onward:
    """ccxt leaves a page's cursor in one of its entries."""

    def onward(page: Sequence[Raw], _number: int) -> dict[str, Any] | None:
        cursors = [entry["info"][field] for entry in page if entry["info"].get(field)]
        return {parameter: cursors[0]} if cursors else None

    return onward


class Dialect:
    """A venue for which ccxt's unified words suffice; each other venue says what it wants instead.

    `options` are ccxt's, for its constructor; `states` what an order's state is called that ccxt passes on as it is;
    `needs_passphrase` whether its keys have a third part; `signs_the_time` whether a request is refused by the age of its
    signature, which must then be that of the attempt; `order_trades_are_timeless` whether the trades of one order can be asked
    for without a beginning in time.
    """

    name: str
    options: Mapping[str, Any] = {}
    states: Mapping[str, OrderState] = {}
    needs_passphrase = False
    signs_the_time = False
    order_trades_are_timeless = True
    trades: Pages
    orders = Pages(1000, _whole)
    transfers_window = timedelta(days=90)
    transfers_size = 1000

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES[self.name]

    def check(self, request: OrderRequest) -> None:
        """Raise Rejected, saying why, for an order that the venue can't be given as it is meant."""
        able = self.capabilities
        if request.order_type not in able.order_types:
            raise Rejected(f"{self.name} takes no {request.order_type.value} orders from us: the system must hold it")
        kind, tif = request.order_type, request.time_in_force
        if tif not in able.times_in_force:
            raise Rejected(f"{self.name} takes no {tif.value} orders from us")
        immediate = kind is OrderType.MARKET and tif is TimeInForce.IOC  # which every market order is
        if kind is not OrderType.LIMIT and tif is not TimeInForce.GTC and not immediate:
            raise Rejected(f"a {kind.value} order can't be {tif.value}: only a limit order can")
        if kind.has_limit and request.limit_price is None:
            raise Rejected(f"a {kind.value} order needs a limit price")
        if kind.has_trigger and request.trigger_price is None:
            raise Rejected(f"a {kind.value} order needs a trigger price")
        if kind is OrderType.TRAILING_STOP and request.trailing_share is None:
            raise Rejected("a trailing_stop order needs its distance")

    def parameters(self, request: OrderRequest) -> dict[str, Any]:
        """All of an order that ccxt does not take as an argument of its own."""
        asked: dict[str, Any] = {"clientOrderId": request.client_order_id}
        if request.order_type in _TRIGGERS:
            asked[_TRIGGERS[request.order_type]] = _digits(request.trigger_price)
        if request.order_type is OrderType.TRAILING_STOP:
            asked |= self.trailing(request)
        if request.order_type is OrderType.LIMIT:
            asked |= self.time_in_force(request.time_in_force)
        return asked | self.latest(request)

    def trailing(self, request: OrderRequest) -> dict[str, Any]:
        return {"trailingPercent": _digits((request.trailing_share or Decimal(0)) * 100)}

    def time_in_force(self, tif: TimeInForce) -> dict[str, Any]:
        return {"postOnly": True} if tif is TimeInForce.POST_ONLY else {"timeInForce": tif.value.upper()}

    def latest(self, request: OrderRequest) -> dict[str, Any]:  # noqa: ARG002
        """Until when the venue may take the request, where that is a field of it."""
        return {}

    def headers(self, request: OrderRequest) -> dict[str, str]:  # noqa: ARG002
        """Until when the venue may take the request, where that is a header of it."""
        return {}

    def of_order(self, exchange_order_id: str) -> dict[str, Any]:
        """What to ask with for the trades of one order; nothing where they come with all others."""
        return {"orderId": exchange_order_id}

    def until(self, moment_ms: int) -> dict[str, Any]:
        """The end of the time that a question is about."""
        return {"until": moment_ms}

    def refuses(self, error: BaseError) -> bool:  # noqa: ARG002
        """Whether an error that ccxt has no word for says that there is no order."""
        return False

    def client_id(self, theirs: str | None) -> str | None:
        """Our id of an order as the venue tells it."""
        return theirs or None

    def find(self, client: Any, client_order_id: str, symbol: str, exchange_order_id: str | None) -> Raw | None:
        """The order as ccxt reads it; None if the venue has none. By their id where known: ours may be forgotten."""
        try:
            if exchange_order_id is not None:
                found = self.by_their_id(client, exchange_order_id, symbol)
            else:
                found = self.by_our_id(client, client_order_id, symbol)
        except OrderNotFound:
            return None
        return found if found["id"] is not None else None  # kucoin: a good answer that holds nothing

    def by_their_id(self, client: Any, exchange_order_id: str, symbol: str) -> Raw:
        found: Raw = client.fetch_order(exchange_order_id, symbol)
        return found

    def by_our_id(self, client: Any, client_order_id: str, symbol: str) -> Raw:
        found: Raw = client.fetch_order("", symbol, {"clientOrderId": client_order_id})
        return found

    def cancel(self, client: Any, client_order_id: str, symbol: str, exchange_order_id: str | None) -> None:
        """Raises ccxt's OrderNotFound if there is no such order."""
        if self.capabilities.cancels_by_client_id:
            client.cancel_order("", symbol, {"clientOrderId": client_order_id})
            return
        if exchange_order_id is None:
            exchange_order_id = self.by_our_id(client, client_order_id, symbol)["id"]
        client.cancel_order(exchange_order_id, symbol)

    def open_orders(self, client: Any) -> list[Raw]:
        return self.orders.read(lambda more, _: client.fetch_open_orders(None, None, self.orders.size, more))

    @property
    def _window(self) -> timedelta:
        window = self.capabilities.acceptance_window
        assert window is not None  # every venue of the table has one
        return window

    def _deadline_ms(self, request: OrderRequest) -> int:
        return to_ms(request.sent_at + self._window)


class _Binance(Dialect):
    name = "binance"
    options: Mapping[str, Any] = {"fetchCurrencies": False, "warnOnFetchOpenOrdersWithoutSymbol": False}
    trades = Pages(1000, _above(1000, "fromId"), instead=True)

    def trailing(self, request: OrderRequest) -> dict[str, Any]:
        points = ((request.trailing_share or Decimal(0)) * 10_000).to_integral_value()  # it counts in whole ones
        return {"trailingPercent": _digits(points / 100), "stopLossOrTakeProfit": "stopLoss"}

    def until(self, moment_ms: int) -> dict[str, Any]:
        return {"until": moment_ms, "endTime": moment_ms}  # ccxt forgets the first for withdrawals

    def latest(self, request: OrderRequest) -> dict[str, Any]:
        return {"timestamp": to_ms(request.sent_at), "recvWindow": _ms(self._window)}


class _Bitget(Dialect):
    name = "bitget"
    options: Mapping[str, Any] = {"uta": False}  # else ccxt guesses it from whether a call fails, for any reason
    needs_passphrase = True
    order_trades_are_timeless = False
    trades = Pages(100, _below(100, "idLessThan", "tradeId"), window=timedelta(days=90))
    orders = Pages(100, _below(100, "idLessThan", "orderId"))
    transfers_size = 100

    def time_in_force(self, tif: TimeInForce) -> dict[str, Any]:
        return {"force": tif.value}

    def latest(self, request: OrderRequest) -> dict[str, Any]:
        return {"requestTime": str(to_ms(request.sent_at)), "receiveWindow": str(_ms(self._window))}


class _Bybit(Dialect):
    name = "bybit"
    options: Mapping[str, Any] = {"enableUnifiedMargin": False, "enableUnifiedAccount": True, "recvWindow": 5000}
    signs_the_time = True
    order_trades_are_timeless = False
    trades = Pages(100, _cursor("cursor", "nextPageCursor"), window=timedelta(days=7))
    orders = Pages(50, _cursor("cursor", "nextPageCursor"))
    transfers_window = timedelta(days=30)
    transfers_size = 50

    def by_their_id(self, client: Any, exchange_order_id: str, symbol: str) -> Raw:
        return self._one(client, symbol, {"orderId": exchange_order_id})

    def by_our_id(self, client: Any, client_order_id: str, symbol: str) -> Raw:
        return self._one(client, symbol, {"orderLinkId": client_order_id})

    def cancel(self, client: Any, client_order_id: str, symbol: str, exchange_order_id: str | None) -> None:  # noqa: ARG002
        client.cancel_order(None, symbol, {"orderLinkId": client_order_id})

    def _one(self, client: Any, symbol: str, named: dict[str, Any]) -> Raw:
        """Among the open ones first: what ends meanwhile is among the ended ones when these are asked for."""
        for question in (client.fetch_open_orders, client.fetch_canceled_and_closed_orders):
            found: list[Raw] = question(symbol, None, None, named)
            if found:
                return found[0]
        raise OrderNotFound(str(named))


class _Coinbase(Dialect):
    name = "coinbase"
    options: Mapping[str, Any] = {"fetchMarkets": "fetchMarketsV3", "fetchBalance": "v3PrivateGetBrokerageAccounts"}
    states = dict.fromkeys(("PENDING", "QUEUED", "CANCEL_QUEUED", "EDIT_QUEUED"), OrderState.ACCEPTED)
    signs_the_time = True
    trades = Pages(250, _cursor("cursor", "cursor"))
    orders = Pages(100, _cursor("cursor", "cursor"))

    def parameters(self, request: OrderRequest) -> dict[str, Any]:
        asked = super().parameters(request)
        return {"client_order_id": asked.pop("clientOrderId")} | asked  # ccxt drops the unified one without a word

    def refuses(self, error: BaseError) -> bool:
        """It answers every request well, and says in the answer that it has refused, in more words than ccxt knows."""
        told = str(error).replace(" ", "")
        return '"success":false' in told and '"error":"UNKNOWN' not in told

    def of_order(self, exchange_order_id: str) -> dict[str, Any]:
        return {"order_ids": [exchange_order_id]}

    def by_our_id(self, client: Any, client_order_id: str, symbol: str) -> Raw:
        """It finds no order by our id: they are gone through, newest first."""
        more: dict[str, Any] | None = {}
        for number in count(1):
            page: list[Raw] = client.fetch_orders(symbol, None, 1000, more)
            for order in page:
                if order["clientOrderId"] == client_order_id:
                    return order
            more = self.orders.onward(page, number)
            if more is None:
                break
            if number == MOST_PAGES:
                raise TooMany(f"not among the newest {number * 1000} orders")
        raise OrderNotFound(client_order_id)


class _Gate(Dialect):
    name = "gate"
    options: Mapping[str, Any] = {"unifiedAccount": False}
    states = dict.fromkeys(
        ("poc", "fok", "stp", "small", "depth_not_enough", "trader_not_enough", "liquidate_cancelled"),
        OrderState.CANCELED,
    )
    trades = Pages(1000, _numbered(1000), window=timedelta(days=30))
    orders = Pages(100, _numbered_to_an_empty_one)
    transfers_window = timedelta(days=30)
    transfers_size = 500

    def headers(self, request: OrderRequest) -> dict[str, str]:
        return {"x-gate-exptime": str(self._deadline_ms(request))}

    def of_order(self, exchange_order_id: str) -> dict[str, Any]:
        return {"order_id": exchange_order_id}

    def client_id(self, theirs: str | None) -> str | None:
        return theirs.removeprefix("t-") if theirs else None


class _Kraken(Dialect):
    name = "kraken"
    order_trades_are_timeless = False
    trades = Pages(50, _skipping(50, "ofs"), by_symbol=False)
    transfers_size = 25

    def of_order(self, exchange_order_id: str) -> dict[str, Any]:  # noqa: ARG002
        return {}

    def latest(self, request: OrderRequest) -> dict[str, Any]:
        moment = (request.sent_at + self._window).astimezone(UTC)
        return {"deadline": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")}

    def by_our_id(self, client: Any, client_order_id: str, symbol: str) -> Raw:  # noqa: ARG002
        """Among the open ones first: what ends meanwhile is among the ended ones when these are asked for."""
        for question in (client.fetch_open_orders, client.fetch_closed_orders):
            found: list[Raw] = question(None, None, None, {"clientOrderId": client_order_id})
            for order in found:
                if order["clientOrderId"] == client_order_id:
                    return order
        raise OrderNotFound(client_order_id)


class _Kucoin(Dialect):
    name = "kucoin"
    options: Mapping[str, Any] = {"hf": True, "uta": False}
    needs_passphrase = True
    signs_the_time = True
    trades = Pages(100, _below(100, "lastId", "id"), window=timedelta(days=7))
    transfers_window = timedelta(days=7)
    transfers_size = 100

    def open_orders(self, client: Any) -> list[Raw]:
        """It tells open orders of one symbol at a time, and which symbols have any."""
        client.load_markets()
        listed = client.privateGetHfOrdersActiveSymbols()["data"]["symbols"] or []
        return [order for market in listed for order in client.fetch_open_orders(client.safe_symbol(market))]


class _Okx(Dialect):
    name = "okx"
    options: Mapping[str, Any] = {"createOrder": "privatePostTradeOrder"}
    needs_passphrase = True
    trades = Pages(100, _below(100, "after", "billId"))
    orders = Pages(100, _below(100, "after", "ordId"))
    transfers_size = 100

    def headers(self, request: OrderRequest) -> dict[str, str]:
        return {"expTime": str(self._deadline_ms(request))}

    def of_order(self, exchange_order_id: str) -> dict[str, Any]:
        return {"ordId": exchange_order_id}


DIALECTS: Final[Mapping[str, Dialect]] = {
    dialect.name: dialect
    for dialect in (_Binance(), _Bitget(), _Bybit(), _Coinbase(), _Gate(), _Kraken(), _Kucoin(), _Okx())
}


def _digits(value: Decimal | None) -> str:
    return format((value or Decimal(0)).normalize(), "f")


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
