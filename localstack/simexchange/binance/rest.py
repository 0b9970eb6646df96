"""REST under /api/v3 and /sapi/v1: which endpoint a request is for, what it weighs, and who may ask."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from simexchange.answers import json_answer
from simexchange.binance import disturbed, errors, payloads
from simexchange.binance.asked import Asked
from simexchange.binance.auth import Authenticator, payload_of
from simexchange.binance.errors import ApiError, NoAnswer
from simexchange.binance.market_data import MarketData
from simexchange.binance.trading import Trading
from simexchange.binance.weights import WeightMeter
from simexchange.engine.errors import Refused
from simexchange.engine.exchange import Exchange
from simexchange.faults import Faults

SPOT = "/api/v3"
WALLET = "/sapi/v1"


class Security(Enum):
    """What a request must carry."""

    NONE = auto()
    KEY = auto()
    SIGNED = auto()


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
        self._authenticator = authenticator
        self._meter = meter
        self._faults = faults
        market = MarketData(exchange, meter.limit, now_ms=now_ms, wall_ms=wall_ms)
        trading = Trading(exchange, now_ms=now_ms, commit=commit)
        signed = Security.SIGNED
        spot: dict[tuple[str, str], Route] = {
            ("GET", "ping"): Route(lambda _: {}),
            ("GET", "time"): Route(market.time),
            ("GET", "exchangeInfo"): Route(market.exchange_info, 20),
            ("GET", "depth"): Route(market.depth, 5),
            ("GET", "trades"): Route(market.trades, 25),
            ("GET", "historicalTrades"): Route(market.historical_trades, 25, Security.KEY),
            ("GET", "aggTrades"): Route(market.aggregate_trades, 4),
            ("GET", "klines"): Route(market.klines, 2),
            ("GET", "ticker/24hr"): Route(market.per_symbol(market.ticker), 2),
            ("GET", "ticker/price"): Route(market.per_symbol(market.price), 2),
            ("GET", "ticker/bookTicker"): Route(market.per_symbol(payloads.book_ticker), 2),
            ("GET", "account"): Route(trading.account, 20, signed),
            ("POST", "order"): Route(trading.place, 1, signed),
            ("GET", "order"): Route(trading.order, 4, signed),
            ("DELETE", "order"): Route(trading.cancel, 1, signed),
            ("POST", "order/cancelReplace"): Route(trading.cancel_replace, 1, signed),
            ("GET", "openOrders"): Route(trading.open_orders, 6, signed),
            ("DELETE", "openOrders"): Route(trading.cancel_all, 1, signed),
            ("GET", "allOrders"): Route(trading.all_orders, 20, signed),
            ("GET", "myTrades"): Route(trading.my_trades, 20, signed),
        }
        self._routes = {(method, f"{SPOT}/{path}"): route for (method, path), route in spot.items()}
        self._routes |= {
            ("GET", f"{WALLET}/capital/deposit/hisrec"): Route(trading.deposits, 1, signed),
            ("GET", f"{WALLET}/capital/withdraw/history"): Route(trading.withdrawals, 18, signed),
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


def _refusal(error: ApiError, headers: dict[str, str] | None = None) -> web.Response:
    if isinstance(error, NoAnswer):
        return web.Response(text=error.page, status=error.http, content_type="text/html")
    retry = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else {}
    return json_answer(error.body, error.http, {**(headers or {}), **retry})
