"""The program: reads its settings, waits for Vault, database and exchange, feeds, and ends on SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import sys
import uuid
from collections.abc import Callable
from random import Random
from typing import TypeVar

from prometheus_client import CollectorRegistry

from volexswarm.adapters.binance_venue import NAME, BinanceVenue
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.realtime import PostgresFeedStore
from volexswarm.adapters.rate_limit import RateLimits
from volexswarm.adapters.redis_pushes import RedisAudience
from volexswarm.adapters.redis_quotes import RedisQuoteBoard, client
from volexswarm.adapters.sqs import SqsSender
from volexswarm.adapters.vault import open_vault
from volexswarm.agents import REALTIME_DATA
from volexswarm.clock import SystemClock
from volexswarm.errors import InvalidInput, NotFound, Unavailable, require
from volexswarm.realtime.backoff import Backoff
from volexswarm.realtime.feeds import Feeds, Surroundings
from volexswarm.realtime.metrics import FeedCollector
from volexswarm.realtime.server import Report, serve
from volexswarm.realtime.settings import RealtimeSettings

logger = logging.getLogger(__name__)

BAD_SETTINGS = 2

ResultT = TypeVar("ResultT")


class Program:
    """One run of the process.

    Parameters
    ----------
    settings : RealtimeSettings
        Of this process; AWS's own variables say where the queues are.
    """

    def __init__(self, settings: RealtimeSettings) -> None:
        require(settings.venue == NAME, "VOLEX_VENUE", settings.venue, f"{NAME}: the feed speaks no other protocol yet")
        self._settings = settings
        self._session = uuid.uuid4().hex
        self._random = Random()  # noqa: S311
        self._registry = CollectorRegistry()
        self._problem = "starting"
        self._feeds: Feeds | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Feed until `stop` is set.

        Raises
        ------
        OSError
            If the port of /health is in use.
        InvalidInput
            If the exchange does not have a symbol.
        """
        server = await serve(self._settings.realtime_host, self._settings.realtime_port, self.report, self._registry)
        try:
            await self._feed(stop)
        finally:
            await server.cleanup()

    def report(self) -> Report:
        """State for /health."""
        if self._feeds is None:
            return Report(self._session, [self._problem])
        return Report(self._session, list(self._feeds.problems()), self._feeds.details())

    async def _feed(self, stop: asyncio.Event) -> None:
        settings = self._settings
        vault = open_vault(settings, REALTIME_DATA.name)
        dsn = await self._patiently(stop, lambda: vault.read("databases/main")["dsn"])
        keys = await self._patiently(stop, lambda: vault.read(f"api_keys/{settings.venue}"))
        if dsn is None or keys is None:
            return
        database = Database(lambda: dsn)
        room = RateLimits(client(settings.redis_url)).bucket(settings.venue, keys["api_key"])
        venue = BinanceVenue(settings.exchange_url, settings.mode, settings.account, keys, room)
        try:
            store = PostgresFeedStore(database)
            resume = await self._patiently(stop, lambda: store.resume_after(settings.venue, settings.symbols))
            if resume is None or not await self._prepared(stop, venue):
                return
            logger.info("session %s goes on after %s", self._session, resume or "nothing: every symbol begins live")
            outside = Surroundings(
                venue,
                store,
                SqsSender(settings.stack),
                RedisQuoteBoard(client(settings.redis_url)),
                SystemClock(),
                self._random,
                RedisAudience(client(settings.redis_url)),
            )
            self._feeds = Feeds(settings, self._session, resume, outside)
            self._registry.register(FeedCollector(self._feeds))
            await self._feeds.run(stop)
        finally:
            await venue.close()
            database.close()

    async def _prepared(self, stop: asyncio.Event, venue: BinanceVenue) -> bool:
        backoff = Backoff(self._random)
        while not stop.is_set():
            try:
                await venue.prepare(self._settings.symbols)
            except Unavailable as error:
                await self._wait(stop, str(error), backoff)
            else:
                return True
        return False

    async def _patiently(self, stop: asyncio.Event, ask: Callable[[], ResultT]) -> ResultT | None:
        """Ask until there is an answer; None when stopped before."""
        backoff = Backoff(self._random)
        while not stop.is_set():
            try:
                return await asyncio.to_thread(ask)
            except (Unavailable, NotFound) as error:
                await self._wait(stop, str(error), backoff)
        return None

    async def _wait(self, stop: asyncio.Event, problem: str, backoff: Backoff) -> None:
        if problem != self._problem:
            logger.warning("start waits: %s", problem)
        self._problem = problem
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(backoff.next()):
                await stop.wait()


class JsonLines(logging.Formatter):
    """One JSON object per record."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def main() -> int:
    """Run the process; 0 after a stop on request, 2 if a setting is wrong, 1 if the port is taken."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("botocore").setLevel(logging.WARNING)  # it tells where it found credentials, again and again
    try:
        settings = RealtimeSettings.from_environment()
        logging.getLogger().setLevel(settings.log_level)
        asyncio.run(_until_signal(Program(settings)))
    except InvalidInput as error:
        logger.error("%s", error)  # noqa: TRY400
        return BAD_SETTINGS
    except OSError as error:
        logger.error("health and metrics can't be served: %s", error)  # noqa: TRY400
        return 1
    return 0


async def _until_signal(program: Program) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await program.run(stop)
