"""Ticks per second through realtime-data alone: a local exchange floods its stream, the real feeds order, batch and send.

Only the queue is a stand-in, which keeps the messages; they are decoded afterwards, and every trade is counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import random
import resource
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from multiprocessing.synchronize import Event
from typing import Any

from aiohttp import web

from tests.benchmarks.figure import Figure
from volexlocal.ports import free_ports
from volexswarm.adapters.binance_venue import BinanceVenue
from volexswarm.clock import SystemClock
from volexswarm.errors import Unavailable
from volexswarm.messages import Channel, Quote, TickBatch, decode
from volexswarm.realtime.feeds import Feeds, Surroundings
from volexswarm.realtime.ports import RecordedFills
from volexswarm.realtime.settings import RealtimeSettings

SYMBOL = "BTC/USDT"
START_MS = 1_700_000_000_000
CHUNK = 1000
UNSENT_AT_MOST = 8 * 1024 * 1024


def run(trades: int = 400_000) -> Iterator[Figure]:
    """Feed so many trades as fast as they are taken: from the first trade's arrival to the last message's acceptance."""
    queue, seconds, cpu = _measured(trades)
    batches = [decode(body, TickBatch).data for body in queue.bodies]
    ids = [trade_id for batch in batches for columns in batch.trades.values() for trade_id in columns.ids]
    yield Figure("ticks", round(trades / seconds), "/s", at_least=100_000)
    yield Figure("ticks by processor time of the feed", round(trades / cpu), "/CPU s")
    yield Figure("ticks lost", trades - len(set(ids)), "", at_most=0)
    yield Figure("ticks repeated", len(ids) - len(set(ids)), "", at_most=0)
    yield Figure("size on the queue", round(sum(map(len, queue.bodies)) / trades, 1), "byte/tick")


def _measured(trades: int) -> tuple[_Queue, float, float]:
    """What reached the queue, in how many seconds, for how many of the feed's processor seconds."""
    port = free_ports(1)[0]
    context = multiprocessing.get_context("spawn")
    frames_made = context.Event()
    exchange = context.Process(target=_exchange, args=(port, trades, frames_made), daemon=True)
    exchange.start()
    try:
        while not frames_made.wait(0.1):
            if not exchange.is_alive():
                raise RuntimeError(f"the local exchange ended before it had made {trades} trades")
        return asyncio.run(_feed(port, trades))
    finally:
        exchange.terminate()
        exchange.join()


class _Queue:
    """Accepts everything and keeps it."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def send(self, _queue: str, messages: Sequence[tuple[str, str | None, str]]) -> set[str]:
        self.bodies += [body for _, _, body in messages]
        return {event_id for event_id, _, _ in messages}


class _Nothing:
    """Nothing is stored, no quote is kept, nobody watches."""

    def watches(self, _channel: Channel) -> bool:
        return False

    def resume_after(self, _venue: str, _symbols: Sequence[str]) -> dict[str, int]:
        return {}

    def begin(self, _venue: str, _symbol: str, _first_trade_id: int, _began_at: datetime) -> None:
        return

    def recorded_fills(self, _venue: str, _account: str, _symbols: Sequence[str]) -> Mapping[str, RecordedFills]:
        return {}

    def put(self, _venue: str, _quotes: Mapping[str, Quote]) -> None:
        return

    def get(self, _venue: str, _symbols: Sequence[str]) -> dict[str, Quote]:
        return {}


async def _feed(port: int, trades: int) -> tuple[_Queue, float, float]:
    settings = RealtimeSettings(
        target="embedded",
        exchange_url=f"http://127.0.0.1:{port}",
        symbols=(SYMBOL,),
        timeframes=("1m",),
        redis_url="redis://127.0.0.1:1",
        vault_url="http://127.0.0.1:1",
    )
    venue = BinanceVenue(settings.exchange_url, settings.mode, settings.account, {"api_key": "key", "secret": "secret"})
    try:
        await _prepared(venue)
        return await _flooded(venue, settings, trades)
    finally:
        await venue.close()


async def _flooded(venue: BinanceVenue, settings: RealtimeSettings, trades: int) -> tuple[_Queue, float, float]:
    queue, nothing = _Queue(), _Nothing()
    outside = Surroundings(venue, nothing, queue, nothing, SystemClock(), random.Random(1), nothing)
    feeds = Feeds(settings, "benchmark", {}, outside)
    sequence = feeds.trades.lines[SYMBOL].sequence
    stop = asyncio.Event()
    running = asyncio.create_task(feeds.run(stop))
    try:
        while not sequence.has_begun:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        began, cpu = time.perf_counter(), _cpu()
        while sequence.accepted < trades or feeds.loads.held or feeds.trades.buffered:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        return queue, time.perf_counter() - began, _cpu() - cpu
    finally:
        stop.set()
        await running


async def _prepared(venue: BinanceVenue) -> None:
    for _ in range(100):
        with contextlib.suppress(Unavailable):
            return await venue.prepare([SYMBOL])
        await asyncio.sleep(0.1)
    raise TimeoutError("the local exchange did not start")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _exchange(port: int, trades: int, frames_made: Event) -> None:
    """Answers what the feed asks, and floods whoever subscribes to trades."""
    blobs = list(_frames(trades))
    frames_made.set()

    async def stream(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        async for message in socket:
            asked = json.loads(message.data)
            await socket.send_json({"result": None, "id": asked["id"]})
            if any(name.endswith("@trade") for name in asked["params"]):
                await _flood(request, blobs)
        return socket

    async def account(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_json(
                {"id": json.loads(message.data)["id"], "status": 200, "result": {"subscriptionId": 0}}
            )
        return socket

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(_ANSWERS[request.match_info["path"]])

    application = web.Application()
    application.add_routes(
        [
            web.get("/stream/{number}", stream),
            web.get("/ws-api/v3", account),
            web.get("/api/v3/{path:.*}", answer),
        ]
    )
    web.run_app(application, host="127.0.0.1", port=port, print=None, access_log=None)


async def _flood(request: web.Request, blobs: Sequence[bytes]) -> None:
    transport = request.transport
    assert transport is not None
    for blob in blobs:
        while transport.get_write_buffer_size() > UNSENT_AT_MOST:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        transport.write(blob)


def _frames(trades: int) -> Iterator[bytes]:
    """WebSocket text frames of all trades, made before, so that the flood costs the exchange nothing."""
    generator = random.Random(1)
    price = 6_000_000
    for start in range(0, trades, CHUNK):
        blob = bytearray()
        for trade_id in range(start + 1, min(start + CHUNK, trades) + 1):
            price += generator.randint(-20, 20)
            moment = START_MS + trade_id
            text = json.dumps(
                {
                    "e": "trade",
                    "E": moment,
                    "s": "BTCUSDT",
                    "t": trade_id,
                    "p": f"{price / 100:.8f}",
                    "q": f"{generator.randint(1, 10**7) / 1e5:.8f}",
                    "T": moment,
                    "m": generator.random() < 0.5,
                    "M": True,
                },
                separators=(",", ":"),
            ).encode()
            blob += b"\x81" + (bytes([len(text)]) if len(text) < 126 else b"\x7e" + struct.pack("!H", len(text))) + text
        yield bytes(blob)


_MARKET = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "baseAssetPrecision": 8,
    "quoteAsset": "USDT",
    "quotePrecision": 8,
    "quoteAssetPrecision": 8,
    "orderTypes": ["LIMIT", "MARKET"],
    "isSpotTradingAllowed": True,
    "isMarginTradingAllowed": False,
    "permissions": ["SPOT"],
    "permissionSets": [["SPOT"]],
    "filters": [{"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"}],
}
_ANSWERS: Mapping[str, Any] = {
    "exchangeInfo": {"symbols": [_MARKET], "rateLimits": [], "timezone": "UTC", "serverTime": START_MS},
    "time": {"serverTime": START_MS, "simulatedTime": START_MS},
    "ticker/bookTicker": [{"symbol": "BTCUSDT", "bidPrice": "1.0", "askPrice": "1.1", "bidQty": "1", "askQty": "1"}],
    "historicalTrades": [],
    "openOrders": [],
}
