"""The exchange's own controls, which no real exchange has: status, balances, clock, transfers. No trading."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from simexchange.answers import json_answer
from simexchange.binance import payloads
from simexchange.binance.streams import MarketStreams
from simexchange.binance.ws_api import UserStreams
from simexchange.engine.accounts import Transfer
from simexchange.engine.errors import Refused
from simexchange.engine.units import parse, text
from simexchange.market.replay import Replay
from simexchange.settings import ACCOUNT
from simexchange.simulation import Running, Simulation

STEP_PART_MS = 1_000
MAX_STEP_SECONDS = 86_400


class Admin:
    """Handlers of /health and /admin."""

    def __init__(
        self, simulation: Simulation, streams: MarketStreams, users: UserStreams, commit: Callable[[], None]
    ) -> None:
        self._simulation = simulation
        self._streams = streams
        self._users = users
        self._commit = commit
        self._stepping = asyncio.Lock()

    def routes(self) -> list[web.RouteDef]:
        """What is served."""
        return [
            web.get("/health", self._health),
            web.get("/admin/status", self._status),
            web.get("/admin/balances", self._balances),
            web.get("/admin/orders", self._orders),
            web.get("/admin/clock", self._clock),
            web.post("/admin/clock", self._set_clock),
            web.post("/admin/step", self._step),
            web.get("/admin/transfers", self._transfers),
            web.post("/admin/transfers", self._transfer),
        ]

    async def _health(self, _: web.Request) -> web.Response:
        return json_answer({"status": "ok", "simulated": True})

    async def _status(self, _: web.Request) -> web.Response:
        exchange, source = self._simulation.exchange, self._simulation.source
        lasts = {symbol: market.tape.last for symbol, market in exchange.markets.items()}
        return json_answer(
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
        return json_answer(
            {
                account: {
                    asset: {"free": text(balance.free), "locked": text(balance.locked)}
                    for asset, balance in sorted(accounts.assets(account).items())
                }
                for account in accounts.names
            }
        )

    async def _orders(self, _: web.Request) -> web.Response:
        """Every order there ever was, with what it traded, in the protocol's own words. Costs no request weight."""
        exchange = self._simulation.exchange
        fills: dict[int, list[Any]] = {}
        for fill in exchange.fills:
            fills.setdefault(fill.order_id, []).append(payloads.my_trade(fill))
        return json_answer(
            [{**payloads.order(order), "fills": fills.get(order.id, [])} for order in exchange.orders.values()]
        )

    async def _clock(self, _: web.Request) -> web.Response:
        return json_answer(self._clock_state())

    async def _set_clock(self, request: web.Request) -> web.Response:
        """{"speed": 60} and/or {"paused": true|false}."""
        clock = self._simulation.clock
        try:
            wanted = orjson.loads(await request.read())
            if "speed" in wanted:
                clock.set_speed(float(wanted["speed"]))
            if "paused" in wanted:
                (self._simulation.pause if wanted["paused"] else clock.resume)()
        except (ValueError, TypeError) as error:
            return json_answer({"error": f'send {{"speed": above 0}} and/or {{"paused": true or false}}: {error}'}, 400)
        return json_answer(self._clock_state())

    async def _step(self, request: web.Request) -> web.Response:
        """{"seconds": s}: exactly so much simulated time happens, is stored and told, and then this is answered."""
        try:
            ms = _asked_ms(await request.read())
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            return json_answer({"error": f'send {{"seconds": above 0, at most {MAX_STEP_SECONDS}}}: {error}'}, 400)
        # One step at a time: two at once would share their seconds.
        async with self._stepping:
            try:
                await self._happen(ms)
            except Running as error:
                return json_answer({"error": f'{error}: POST /admin/clock {{"paused": true}}'}, 409)
            await asyncio.gather(self._streams.told(), self._users.told())
        return json_answer(self._clock_state())

    async def _happen(self, ms: int) -> None:
        # In parts, so that others are answered in between. The parts depend on nothing but the step itself.
        for start in range(0, ms, STEP_PART_MS):
            self._simulation.step(min(STEP_PART_MS, ms - start))
            self._commit()
            await asyncio.sleep(0)
        self._streams.publish_state()
        self._simulation.keep_time()

    async def _transfers(self, _: web.Request) -> web.Response:
        return json_answer([_transfer(transfer) for transfer in self._simulation.exchange.transfers])

    async def _transfer(self, request: web.Request) -> web.Response:
        """{"asset": "USDT", "amount": "100"}: a deposit; below 0 a withdrawal."""
        try:
            asset, amount = _asked_transfer(await request.read())
        except (ValueError, TypeError, KeyError) as error:
            return json_answer(
                {"error": f'send {{"asset": "USDT", "amount": "100", below 0 to withdraw}}: {error}'}, 400
            )
        try:
            transfer = self._simulation.exchange.transfer(ACCOUNT, asset, amount, self._simulation.now_ms())
        except Refused:
            free = self._simulation.exchange.accounts.balance(ACCOUNT, asset).free
            return json_answer({"error": f"{text(-amount)} {asset} cannot be withdrawn: {text(free)} are free"}, 409)
        self._commit()
        return json_answer(_transfer(transfer))

    def _clock_state(self) -> dict[str, Any]:
        clock = self._simulation.clock
        return {"simulatedTime": self._simulation.now_ms(), "speed": clock.speed, "paused": clock.paused}


def _asked_ms(body: bytes) -> int:
    ms = round(float(orjson.loads(body)["seconds"]) * 1000)
    if not 0 < ms <= MAX_STEP_SECONDS * 1000:
        raise ValueError(f"got {ms / 1000} seconds")
    return ms


def _asked_transfer(body: bytes) -> tuple[str, int]:
    wanted = orjson.loads(body)
    asset, amount = str(wanted["asset"]).upper(), parse(str(wanted["amount"]))
    if not asset.isalnum() or not amount:
        raise ValueError(f"got {text(amount)} of {asset!r}")
    return asset, amount


def _transfer(transfer: Transfer) -> dict[str, Any]:
    return {
        "id": transfer.id,
        "asset": transfer.asset,
        "amount": text(transfer.amount),
        "simulatedTime": transfer.time_ms,
    }
