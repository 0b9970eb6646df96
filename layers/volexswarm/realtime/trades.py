"""The public trades: live from the stream, in order, each once; what the stream did not bring is fetched by id.

A trade is left at the exchange, and fetched later, rather than lost here: when the queue is away, when the connection broke, when
the process died. Nothing is taken for complete before it has been compared with the exchange over the connection that holds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from volexswarm.clock import from_ms
from volexswarm.errors import Unavailable
from volexswarm.realtime.backoff import Backoff
from volexswarm.realtime.batcher import Buffer, Load
from volexswarm.realtime.exchange_time import ExchangeTime
from volexswarm.realtime.frontier import Frontier
from volexswarm.realtime.link import Link
from volexswarm.realtime.ports import FeedStore, OnReady, Venue
from volexswarm.realtime.sender import Outlet
from volexswarm.realtime.sequence import Sequence, Tick
from volexswarm.realtime.settings import RealtimeSettings

logger = logging.getLogger(__name__)

PAGE = 1000
TIME_ASKED_EVERY = 1.0


@dataclass
class Line:
    """One symbol. `is_compared`: nothing is missing that the exchange had when the present connection was made."""

    symbol: str
    sequence: Sequence
    backoff: Backoff
    is_compared: bool = False
    fetched: int = 0
    newest_ms: int = 0
    wanted: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_complete(self) -> bool:
        return self.is_compared and self.sequence.has_begun and not self.sequence.is_behind

    @property
    def needs_work(self) -> bool:
        return self.sequence.has_begun and (self.sequence.is_behind or not self.is_compared)


class TradeFeed:
    """Runs the trades of all symbols into an outlet.

    Parameters
    ----------
    venue, store, outlet, settings
        Where trades come from, what is stored of earlier runs, where loads go, how fast.
    resume : mapping
        Per symbol, id through which everything is stored; a symbol without one begins with its first live trade.
    exchange_time : ExchangeTime
        Fed by this feed, used by all.
    random : Random
        Spreads the pauses between attempts.
    """

    def __init__(
        self,
        venue: Venue,
        store: FeedStore,
        outlet: Outlet[Load],
        settings: RealtimeSettings,
        resume: Mapping[str, int],
        exchange_time: ExchangeTime,
        random: Random,
    ) -> None:
        self._venue = venue
        self._store = store
        self._outlet = outlet
        self._settings = settings
        self._exchange_time = exchange_time
        self._buffer = Buffer()
        self._frontier = Frontier(settings.symbols, settings.realtime_grace)
        self._beginnings: dict[str, Tick] = {}
        self._full = asyncio.Event()
        self._arrived_at = time.monotonic()
        self.link = Link("trades", Backoff(random), venue.cut)
        self.lines = {
            symbol: Line(symbol, Sequence(resume.get(symbol)), Backoff(random)) for symbol in settings.symbols
        }
        self.watermarks: Mapping[str, int] = {}
        self.lag_ms = 0

    @property
    def buffered(self) -> int:
        """Trades that wait for the next flush."""
        return self._buffer.count

    @property
    def silent_for(self) -> float:
        """Seconds since the last trade came over the stream."""
        return time.monotonic() - self._arrived_at

    async def run(self) -> None:
        """Feed until cancelled."""
        async with asyncio.TaskGroup() as group:
            for line in self.lines.values():
                group.create_task(self._keep_complete(line))
            group.create_task(self._ask_time())
            group.create_task(self._flush_regularly())
            group.create_task(self._notice_silence())
            group.create_task(self.link.keep(self._watch, self._on_ready, self._on_lost))

    async def flush(self) -> None:
        """Hand what waits to the outlet, with the watermarks that hold after it."""
        await self._store_beginnings()
        now = time.monotonic()
        complete = [symbol for symbol, line in self.lines.items() if line.is_complete]
        self.watermarks = self._frontier.watermarks(complete, now)
        load = self._buffer.take(self.watermarks)
        if load is not None:
            self._outlet.put(load)

    # the stream

    async def _watch(self, ready: OnReady) -> None:
        await self._venue.watch_trades(self._settings.symbols, self._on_trade, ready)

    def _on_trade(self, symbol: str, tick: Tick) -> None:
        now = self._arrived_at = time.monotonic()
        self._frontier.arrived(tick[1], now)
        line = self.lines[symbol]
        if not self._has_room:
            line.sequence.refuse(tick[0])
            line.wanted.set()
        elif not self._take(line, tick) and line.sequence.is_behind:
            line.wanted.set()

    def _take(self, line: Line, tick: Tick) -> bool:
        """Take one trade from anywhere; True if it was its turn."""
        if not line.sequence.has_begun:
            self._beginnings[line.symbol] = tick
        ready = line.sequence.offer(tick)
        if ready:
            self._put(line, ready)
        return bool(ready)

    def _put(self, line: Line, ready: list[Tick]) -> None:
        line.newest_ms = ready[-1][1]
        self._buffer.add(line.symbol, ready)
        self._frontier.traded(line.symbol, line.newest_ms)
        if self._buffer.count >= self._settings.realtime_batch_ticks:
            self._full.set()

    @property
    def _has_room(self) -> bool:
        return self._outlet.held + self._buffer.count < self._settings.realtime_queue_ticks

    def _on_ready(self) -> None:
        for line in self.lines.values():
            line.is_compared = not line.sequence.has_begun  # nothing to compare: it begins with the first live trade
            line.wanted.set()

    def _on_lost(self) -> None:
        self._frontier.disconnected()
        for line in self.lines.values():
            line.is_compared = False

    # what the stream did not bring

    async def _keep_complete(self, line: Line) -> None:
        while True:
            await line.wanted.wait()
            line.wanted.clear()
            while self.link.is_ready and line.needs_work:
                if await self._fetch(line):
                    line.backoff.reset()
                else:
                    await line.backoff.sleep()

    async def _fetch(self, line: Line) -> bool:
        """Ask the exchange for what follows; False if that brought us no further."""
        assert line.sequence.last is not None  # only lines that have begun need work
        if not self._has_room:
            return False
        connection = self.link.connects
        try:
            page = await self._venue.trades_from(line.symbol, line.sequence.last + 1, PAGE)
        except Unavailable as error:
            logger.warning("%s: %s", line.symbol, error)
            return False
        news = [tick for tick in page if tick[0] > line.sequence.last]
        self._fill(line, news)
        if len(page) < PAGE and connection == self.link.connects and self.link.is_ready:
            line.is_compared = True
        return bool(news) or line.is_complete

    def _fill(self, line: Line, news: list[Tick]) -> None:
        if not news:
            return
        assert line.sequence.last is not None
        following = line.sequence.last + 1
        if news[0][0] > following:
            logger.warning("%s: the exchange has no trades from %d to %d", line.symbol, following, news[0][0] - 1)
            released = line.sequence.skip_to(news[0][0])
            if released:
                self._put(line, released)
        for tick in news:
            if tick[0] > line.sequence.last:  # the stream may have brought what waited behind the gap
                line.fetched += 1
                self._take(line, tick)

    # the clock, the flush, the silence

    async def _ask_time(self) -> None:
        while True:
            await asyncio.sleep(TIME_ASKED_EVERY)
            connection = self.link.connects
            try:
                exchange_ms = await self._venue.time_ms()
            except Unavailable as error:
                logger.warning("clock: %s", error)
                continue
            now = time.monotonic()
            self._exchange_time.told(exchange_ms, now)
            self._measure_lag()
            if self.link.is_ready and connection == self.link.connects:
                self._frontier.asked(exchange_ms, now)

    def _measure_lag(self) -> None:
        at_arrival = self._exchange_time.at(self._arrived_at)
        newest_ms = max(line.newest_ms for line in self.lines.values())
        if at_arrival is not None and newest_ms:
            self.lag_ms = max(0, at_arrival - newest_ms)

    async def _flush_regularly(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._settings.realtime_flush):
                    await self._full.wait()
            except TimeoutError:
                pass
            self._full.clear()
            try:
                await self.flush()
            except Unavailable as error:  # where a symbol began could not be stored: nothing of it may go out before
                logger.warning("flush waits: %s", error)
                await asyncio.sleep(1)

    async def _store_beginnings(self) -> None:
        for symbol, tick in list(self._beginnings.items()):
            began_at = from_ms(tick[1])
            await asyncio.to_thread(self._store.begin, self._settings.venue, symbol, tick[0], began_at)
            del self._beginnings[symbol]

    async def _notice_silence(self) -> None:
        while True:
            await asyncio.sleep(self._settings.realtime_silence)
            if self.link.is_ready and self.silent_for > self._settings.realtime_silence:
                await self._probe()

    async def _probe(self) -> None:
        """Nothing came for long. If the exchange has trades that the stream did not bring, the connection is dead."""
        connection = self.link.connects
        for line in self.lines.values():
            last = line.sequence.last
            if last is None or line.needs_work:
                continue
            try:
                page = await self._venue.trades_from(line.symbol, last + 1, 1)
            except Unavailable as error:
                logger.warning("%s: %s", line.symbol, error)
                return
            await asyncio.sleep(self._settings.realtime_grace if page else 0)
            if page and line.sequence.last == last and connection == self.link.connects:
                self.link.cut(f"silent for {self.silent_for:.0f} s although {line.symbol} traded")
                return
