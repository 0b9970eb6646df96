"""REST under /api/v3 and /sapi/v1: reads parameters, asks the engine, shapes the answer.

Times of orders and market data are simulated; `serverTime` is real, because clients sign their requests by it.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from simexchange.answers import json_answer
from simexchange.binance import disturbed, errors, payloads
from simexchange.binance.auth import Authenticator, payload_of
from simexchange.binance.errors import ApiError, NoAnswer
from simexchange.binance.weights import WeightMeter
from simexchange.engine.accounts import Transfer
from simexchange.engine.candles import INTERVALS
from simexchange.engine.errors import Reason, Refused
from simexchange.engine.exchange import Exchange
from simexchange.engine.market import Market
from simexchange.engine.orders import Fill, NewOrder, Order, OrderType, Side, TimeInForce
from simexchange.engine.units import DECIMALS, parse, text
from simexchange.faults import Faults

SPOT = "/api/v3"
WALLET = "/sapi/v1"
CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
Choice = TypeVar("Choice", bound=Enum)


class Security(Enum):
    """What a request must carry."""

    NONE = auto()
    KEY = auto()
    SIGNED = auto()


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was let in."""

    account: str
    parameters: dict[str, str]

    def text(self, name: str) -> str:
        """A mandatory parameter."""
        value = self.parameters.get(name)
        if not value:
            raise errors.missing(name)
        return value

    def whole(self, name: str) -> int | None:
        """An optional whole number."""
        value = self.parameters.get(name)
        if value is None:
            return None
        if not value.lstrip("-").isdigit():
            raise errors.malformed(name, "^[0-9]{1,20}$")
        return int(value)

    def limit(self, default: int, most: int) -> int:
        """The `limit` parameter, kept within its bounds."""
        limit = self.whole("limit")
        if limit is None:
            return default
        if limit < 1:
            raise errors.malformed("limit", f"1 to {most}")
        return min(limit, most)

    def amount(self, name: str) -> int:
        """A mandatory amount above zero."""
        value = self.text(name)
        try:
            return parse(value)
        except ValueError as error:
            if "decimals" in str(error):
                code, words = errors.TOO_PRECISE
                raise ApiError(code, words.format(name)) from None
            raise errors.malformed(name, f"^([0-9]{{1,20}})(\\.[0-9]{{1,{DECIMALS}}})?$") from None


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint."""

    handle: Callable[[Asked], Any]
    weight: int = 1
    security: Security = Security.NONE


class Rest:
    """The endpoints.

    Parameters
    ----------
    exchange : Exchange
        What is asked.
    now_ms : callable
        Simulated time of commands.
    commit : callable
        Stores and publishes what a command did; an order is acknowledged only after it returns.
    wall_ms : callable
        Time of the exchange's own clock in milliseconds.
    """

    def __init__(
        self,
        exchange: Exchange,
        authenticator: Authenticator,
        meter: WeightMeter,
        *,
        faults: Faults,
        now_ms: Callable[[], int],
        commit: Callable[[], None],
        wall_ms: Callable[[], int],
    ) -> None:
        self._exchange = exchange
        self._authenticator = authenticator
        self._meter = meter
        self._faults = faults
        self._now_ms = now_ms
        self._commit = commit
        self._wall_ms = wall_ms
        signed = Security.SIGNED
        spot: dict[tuple[str, str], Route] = {
            ("GET", "ping"): Route(lambda _: {}),
            ("GET", "time"): Route(self._time),
            ("GET", "exchangeInfo"): Route(self._exchange_info, 20),
            ("GET", "depth"): Route(self._depth, 5),
            ("GET", "trades"): Route(self._trades, 25),
            ("GET", "historicalTrades"): Route(self._historical_trades, 25, Security.KEY),
            ("GET", "aggTrades"): Route(self._aggregate_trades, 4),
            ("GET", "klines"): Route(self._klines, 2),
            ("GET", "ticker/24hr"): Route(self._per_symbol(self._ticker), 2),
            ("GET", "ticker/price"): Route(self._per_symbol(self._price), 2),
            ("GET", "ticker/bookTicker"): Route(self._per_symbol(payloads.book_ticker), 2),
            ("GET", "account"): Route(self._account, 20, signed),
            ("POST", "order"): Route(self._place, 1, signed),
            ("GET", "order"): Route(self._order, 4, signed),
            ("DELETE", "order"): Route(self._cancel, 1, signed),
            ("GET", "openOrders"): Route(self._open_orders, 6, signed),
            ("DELETE", "openOrders"): Route(self._cancel_all, 1, signed),
            ("GET", "allOrders"): Route(self._all_orders, 20, signed),
            ("GET", "myTrades"): Route(self._my_trades, 20, signed),
        }
        self._routes = {(method, f"{SPOT}/{path}"): route for (method, path), route in spot.items()}
        self._routes |= {
            ("GET", f"{WALLET}/capital/deposit/hisrec"): Route(self._deposits, 1, signed),
            ("GET", f"{WALLET}/capital/withdraw/history"): Route(self._withdrawals, 18, signed),
        }

    async def serve(self, request: web.Request) -> web.Response:
        """Answer one request, or do to it what a fault has in store."""

        def cut() -> web.Response:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()

        await request.read()  # a delayed request is acted on even when its client has gone
        route = f"{request.method} {request.path}"
        return await disturbed.answer(self._faults, route, lambda: self._answer(request), _refusal, cut)

    async def _answer(self, request: web.Request) -> web.Response:
        """Every refusal becomes Binance's error body."""
        headers: dict[str, str] = {}
        try:
            route = self._route(request)
            used = self._meter.charge(request.remote or "", route.weight)
            headers["X-MBX-USED-WEIGHT-1M"] = headers["X-MBX-USED-WEIGHT"] = str(used)
            answer = route.handle(await self._admit(request, route.security))
        except ApiError as error:
            return _refusal(error, headers)
        except Refused as refused:
            return json_answer(errors.of_refusal(refused).body, 400, headers)
        return json_answer(answer, 200, headers)

    def _route(self, request: web.Request) -> Route:
        route = self._routes.get((request.method, request.path))
        if route is None:
            raise ApiError(-1000, f"{request.method} {request.path} is not served by this simulation.", 404)
        return route

    async def _admit(self, request: web.Request, security: Security) -> Asked:
        query = request.raw_path.partition("?")[2]
        body = await request.text()
        parameters = dict(parse_qsl(query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True))
        key = request.headers.get("X-MBX-APIKEY")
        account = ""
        if security is Security.KEY:
            account = self._authenticator.known(key)
        elif security is Security.SIGNED:
            account = self._authenticator.signed(key, payload_of(query, body), parameters)
        return Asked(account, parameters)

    # Market data.

    def _market(self, asked: Asked) -> Market:
        return self._exchange.market(asked.text("symbol"))

    def _time(self, _: Asked) -> dict[str, Any]:
        return {"serverTime": self._wall_ms(), "simulatedTime": self._now_ms()}

    def _exchange_info(self, asked: Asked) -> dict[str, Any]:
        wanted = asked.parameters.get("symbol")
        markets = [self._exchange.market(wanted)] if wanted else self._exchange.markets.values()
        return {
            "timezone": "UTC",
            "serverTime": self._wall_ms(),
            "simulated": True,
            "simulatedTime": self._now_ms(),
            "rateLimits": [
                {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": self._meter.limit}
            ],
            "exchangeFilters": [],
            "symbols": [payloads.symbol_info(market.rules) for market in markets],
        }

    def _depth(self, asked: Asked) -> dict[str, Any]:
        book, limit = self._market(asked).book, asked.limit(100, 5000)
        return {
            "lastUpdateId": book.update_id,
            "bids": payloads.levels(book.levels(Side.BUY, limit)),
            "asks": payloads.levels(book.levels(Side.SELL, limit)),
        }

    def _trades(self, asked: Asked) -> list[Any]:
        trades = self._market(asked).tape.newest(asked.limit(500, 1000))
        return [payloads.public_trade(trade) for trade in trades]

    def _historical_trades(self, asked: Asked) -> list[Any]:
        tape, limit, first = self._market(asked).tape, asked.limit(500, 1000), asked.whole("fromId")
        trades = tape.newest(limit) if first is None else tape.from_id(first, limit)
        return [payloads.public_trade(trade) for trade in trades]

    def _aggregate_trades(self, asked: Asked) -> list[Any]:
        tape, limit, first = self._market(asked).tape, asked.limit(500, 1000), asked.whole("fromId")
        start, end = asked.whole("startTime"), asked.whole("endTime")
        if first is not None:
            trades = tape.from_id(first, limit)
        elif start is not None:
            trades = tape.between(start, self._now_ms() if end is None else end, limit)
        else:
            trades = tape.newest(limit, end)
        return [payloads.aggregate_trade(trade) for trade in trades]

    def _klines(self, asked: Asked) -> list[Any]:
        interval, limit = asked.text("interval"), asked.limit(500, 1000)
        if interval not in INTERVALS:
            raise ApiError(*errors.INVALID_INTERVAL)
        now, end = self._now_ms(), asked.whole("endTime")
        until = now if end is None else min(now, end)
        candles = self._market(asked).candles.between(interval, asked.whole("startTime"), until, limit)
        return [payloads.kline(candle, interval) for candle in candles]

    def _per_symbol(self, shape: Callable[[Market], Any]) -> Callable[[Asked], Any]:
        def answer(asked: Asked) -> Any:
            if "symbol" in asked.parameters:
                return shape(self._market(asked))
            markets = list(self._exchange.markets.values())
            if "symbols" in asked.parameters:
                markets = [self._exchange.market(name) for name in _names(asked.parameters["symbols"])]
            return [shape(market) for market in markets]

        return answer

    def _ticker(self, market: Market) -> dict[str, Any]:
        return payloads.ticker_24h(market, self._now_ms())

    @staticmethod
    def _price(market: Market) -> dict[str, Any]:
        last = market.tape.last
        return {"symbol": market.rules.symbol, "price": text(last.price if last else 0)}

    # The account.

    def _account(self, asked: Asked) -> dict[str, Any]:
        accounts = self._exchange.accounts
        rules = [market.rules for market in self._exchange.markets.values()]
        assets = {asset: accounts.balance(asked.account, asset) for r in rules for asset in (r.base, r.quote)}
        assets |= accounts.assets(asked.account)
        if asked.parameters.get("omitZeroBalances") == "true":
            assets = {asset: balance for asset, balance in assets.items() if balance.free or balance.locked}
        return payloads.account(assets, self._now_ms())

    def _place(self, asked: Asked) -> dict[str, Any]:
        order, fills = self._exchange.place(_new_order(asked), self._now_ms())
        self._commit()
        return _response_of(asked, order, fills)

    def _find(self, asked: Asked) -> Order:
        order_id, client_id = asked.whole("orderId"), asked.parameters.get("origClientOrderId")
        if order_id is None and client_id is None:
            raise ApiError(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
        market = self._market(asked)
        return self._exchange.find(asked.account, market.rules.symbol, order_id, client_id)

    def _order(self, asked: Asked) -> dict[str, Any]:
        return payloads.order(self._find(asked))

    def _cancel(self, asked: Asked) -> dict[str, Any]:
        try:
            order = self._find(asked)
        except Refused as refused:
            if refused.reason is Reason.UNKNOWN_ORDER:
                raise ApiError(*errors.CANCEL_REJECTED) from refused
            raise
        request_id = _client_id(asked)
        self._exchange.cancel(asked.account, order, self._now_ms(), request_id)
        self._commit()
        return payloads.cancelled(order, request_id)

    def _cancel_all(self, asked: Asked) -> list[Any]:
        symbol = self._market(asked).rules.symbol
        orders = self._exchange.open_orders(asked.account, symbol)
        if not orders:
            raise ApiError(*errors.CANCEL_REJECTED)
        request_id = _client_id(asked)
        for order in orders:
            self._exchange.cancel(asked.account, order, self._now_ms(), request_id)
        self._commit()
        return [payloads.cancelled(order, request_id) for order in orders]

    def _open_orders(self, asked: Asked) -> list[Any]:
        symbol = self._market(asked).rules.symbol if "symbol" in asked.parameters else None
        return [payloads.order(order) for order in self._exchange.open_orders(asked.account, symbol)]

    def _all_orders(self, asked: Asked) -> list[Any]:
        symbol, first = self._market(asked).rules.symbol, asked.whole("orderId")
        start, end = asked.whole("startTime") or 0, asked.whole("endTime")
        orders = [
            order
            for order in self._exchange.orders.values()
            if order.symbol == symbol
            and order.account == asked.account
            and order.id >= (first or 0)
            and start <= order.created_ms
            and (end is None or order.created_ms <= end)
        ]
        return [payloads.order(order) for order in _page(orders, asked, from_start=first is not None or start > 0)]

    def _my_trades(self, asked: Asked) -> list[Any]:
        symbol, first, of_order = self._market(asked).rules.symbol, asked.whole("fromId"), asked.whole("orderId")
        start, end = asked.whole("startTime") or 0, asked.whole("endTime")
        fills = [
            fill
            for fill in self._exchange.fills
            if fill.symbol == symbol
            and fill.account == asked.account
            and fill.trade_id >= (first or 0)
            and of_order in (None, fill.order_id)
            and start <= fill.time_ms
            and (end is None or fill.time_ms <= end)
        ]
        return [payloads.my_trade(fill) for fill in _page(fills, asked, from_start=first is not None or start > 0)]

    def _deposits(self, asked: Asked) -> list[Any]:
        return [payloads.deposited(transfer) for transfer in self._transfers(asked, sign=1)]

    def _withdrawals(self, asked: Asked) -> list[Any]:
        return [payloads.withdrawn(transfer) for transfer in self._transfers(asked, sign=-1)]

    def _transfers(self, asked: Asked, sign: int) -> list[Transfer]:
        """Deposits (`sign` 1) or withdrawals (-1), newest first, as Binance lists them."""
        start, end, coin = asked.whole("startTime") or 0, asked.whole("endTime"), asked.parameters.get("coin")
        found = [
            transfer
            for transfer in reversed(self._exchange.transfers)
            if transfer.account == asked.account
            and transfer.amount * sign > 0
            and coin in (None, transfer.asset)
            and start <= transfer.time_ms
            and (end is None or transfer.time_ms <= end)
        ]
        offset = asked.whole("offset") or 0
        return found[offset : offset + asked.limit(1000, 1000)]


Item = TypeVar("Item")


def _page(items: list[Item], asked: Asked, *, from_start: bool) -> list[Item]:
    """The first `limit` items behind a given start, or else the newest."""
    limit = asked.limit(500, 1000)
    return items[:limit] if from_start else items[-limit:]


def _new_order(asked: Asked) -> NewOrder:
    kind = _one_of(OrderType, asked.text("type"), errors.INVALID_TYPE)
    side = _one_of(Side, asked.text("side"), errors.INVALID_SIDE)
    new = NewOrder(asked.account, _client_id(asked), asked.text("symbol"), side, kind)
    new = _limited(asked, new) if kind.has_limit else _at_market(asked, new)
    if kind.waits:
        return _triggered(asked, new)
    _refuse_others(asked, "stopPrice", "trailingDelta")
    return new


def _limited(asked: Asked, new: NewOrder) -> NewOrder:
    _refuse_others(asked, "quoteOrderQty")
    time_in_force = TimeInForce.GTC
    if new.type is not OrderType.LIMIT_MAKER:
        time_in_force = _one_of(TimeInForce, asked.text("timeInForce"), errors.INVALID_TIME_IN_FORCE)
    return replace(new, time_in_force=time_in_force, price=asked.amount("price"), quantity=asked.amount("quantity"))


def _at_market(asked: Asked, new: NewOrder) -> NewOrder:
    _refuse_others(asked, "price", "timeInForce")
    if "quoteOrderQty" in asked.parameters:
        if new.type is not OrderType.MARKET or "quantity" in asked.parameters:
            raise errors.not_required("quoteOrderQty")
        return replace(new, quote_quantity=asked.amount("quoteOrderQty"))
    return replace(new, quantity=asked.amount("quantity"))


def _triggered(asked: Asked, new: NewOrder) -> NewOrder:
    if "stopPrice" not in asked.parameters and "trailingDelta" not in asked.parameters:
        raise ApiError(-1102, "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!")
    stop_price = asked.amount("stopPrice") if "stopPrice" in asked.parameters else 0
    return replace(new, stop_price=stop_price, trailing_delta=asked.whole("trailingDelta") or 0)


def _response_of(asked: Asked, order: Order, fills: list[Fill]) -> dict[str, Any]:
    usual = "FULL" if order.type in {OrderType.LIMIT, OrderType.MARKET} else "ACK"
    wanted = asked.parameters.get("newOrderRespType", usual)
    if wanted not in payloads.RESPONSES:
        raise ApiError(-1101, "Invalid newOrderRespType.")
    return payloads.RESPONSES[wanted](order, fills)


def _refuse_others(asked: Asked, *names: str) -> None:
    for name in names:
        if name in asked.parameters:
            raise errors.not_required(name)


def _client_id(asked: Asked) -> str:
    given = asked.parameters.get("newClientOrderId")
    if given is None:
        return secrets.token_hex(11)
    if not CLIENT_ID.fullmatch(given):
        raise errors.malformed("newClientOrderId", f"^{CLIENT_ID.pattern}$")
    return given


def _one_of(kind: type[Choice], value: str, error: tuple[int, str]) -> Choice:
    try:
        return kind(value)
    except ValueError:
        raise ApiError(*error) from None


def _names(text: str) -> list[str]:
    try:
        names = orjson.loads(text)
    except orjson.JSONDecodeError:
        names = None
    if not isinstance(names, list):
        raise errors.malformed("symbols", '["BTCUSDT","ETHUSDT"]')
    return [str(name) for name in names]


def _refusal(error: ApiError, headers: dict[str, str] | None = None) -> web.Response:
    if isinstance(error, NoAnswer):
        return web.Response(text=error.page, status=error.http, content_type="text/html")
    retry = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else {}
    return json_answer(error.body, error.http, {**(headers or {}), **retry})
