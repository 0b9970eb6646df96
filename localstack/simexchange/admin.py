"""The exchange's own controls, which no real exchange has: status, balances, clock. Reading and steering only, no trading."""

from typing import Any

import orjson
from aiohttp import web

from simexchange.binance.streams import MarketStreams
from simexchange.binance.ws_api import UserStreams
from simexchange.engine.units import text
from simexchange.market.replay import Replay
from simexchange.simulation import Simulation


class Admin:
    """Handlers of /health and /admin."""

    def __init__(self, simulation: Simulation, streams: MarketStreams, users: UserStreams) -> None:
        self._simulation = simulation
        self._streams = streams
        self._users = users

    def routes(self) -> list[web.RouteDef]:
        """What is served."""
        return [
            web.get("/health", self._health),
            web.get("/admin/status", self._status),
            web.get("/admin/balances", self._balances),
            web.get("/admin/clock", self._clock),
            web.post("/admin/clock", self._set_clock),
        ]

    async def _health(self, _: web.Request) -> web.Response:
        return _json({"status": "ok", "simulated": True})

    async def _status(self, _: web.Request) -> web.Response:
        exchange, source = self._simulation.exchange, self._simulation.source
        lasts = {symbol: market.tape.last for symbol, market in exchange.markets.items()}
        return _json(
            {
                "simulated": True,
                **self._clock_state(),
                "symbols": [market.rules.name for market in exchange.markets.values()],
                "lastTradeIds": {symbol: last.id if last else None for symbol, last in lasts.items()},
                "lastPrices": {symbol: text(last.price) if last else None for symbol, last in lasts.items()},
                "replay": source.progress if isinstance(source, Replay) else None,
                "openOrders": sum(order.is_open for order in exchange.orders.values()),
                "orders": len(exchange.orders),
                "fills": len(exchange.fills),
                "streams": self._streams.streams,
                "userStreams": self._users.count,
            }
        )

    async def _balances(self, _: web.Request) -> web.Response:
        accounts = self._simulation.exchange.accounts
        return _json(
            {
                account: {
                    asset: {"free": text(balance.free), "locked": text(balance.locked)}
                    for asset, balance in sorted(accounts.assets(account).items())
                }
                for account in accounts.names
            }
        )

    async def _clock(self, _: web.Request) -> web.Response:
        return _json(self._clock_state())

    async def _set_clock(self, request: web.Request) -> web.Response:
        """{"speed": 60} and/or {"paused": true|false}."""
        clock = self._simulation.clock
        try:
            wanted = orjson.loads(await request.read())
            if "speed" in wanted:
                clock.set_speed(float(wanted["speed"]))
            if "paused" in wanted:
                (clock.pause if wanted["paused"] else clock.resume)()
        except (ValueError, TypeError) as error:
            return _json({"error": f'send {{"speed": above 0}} and/or {{"paused": true or false}}: {error}'}, 400)
        return _json(self._clock_state())

    def _clock_state(self) -> dict[str, Any]:
        clock = self._simulation.clock
        return {"simulatedTime": self._simulation.now_ms(), "speed": clock.speed, "paused": clock.paused}


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
