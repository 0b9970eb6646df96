"""One run of the feed: trades, quotes and own orders together, and an end that leaves nothing behind of what was taken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import Any

from volexswarm.clock import Clock, from_ms
from volexswarm.errors import Unavailable
from volexswarm.messages import Queue
from volexswarm.ports import MessageSender, QuoteBoard
from volexswarm.realtime.account import AccountFeed, Comparison, Report, as_message
from volexswarm.realtime.backoff import Backoff
from volexswarm.realtime.batcher import Load, Packer
from volexswarm.realtime.exchange_time import ExchangeTime
from volexswarm.realtime.ports import FeedStore, Venue
from volexswarm.realtime.quotes import QuoteFeed
from volexswarm.realtime.sender import Message, Outlet
from volexswarm.realtime.settings import RealtimeSettings
from volexswarm.realtime.ticker import Audience, QuoteTicker
from volexswarm.realtime.trades import TradeFeed

logger = logging.getLogger(__name__)

FLUSHED_WITHIN = 4.0  # seconds; whoever supervises kills after five
MOST_REPORTS = 100_000


@dataclass(frozen=True)
class Surroundings:
    """The outside of the feeds: venue, what is stored, queues, quote board, wall time, what spreads pauses, who watches."""

    venue: Venue
    store: FeedStore
    sender: MessageSender
    board: QuoteBoard
    clock: Clock
    random: Random
    audience: Audience


class Feeds:
    """Everything that runs while the venue is connected.

    Parameters
    ----------
    session : str
        Names this run; its batches are numbered from 0.
    resume : mapping
        Per symbol, trade id through which everything is stored.
    """

    def __init__(
        self,
        settings: RealtimeSettings,
        session: str,
        resume: Mapping[str, int],
        outside: Surroundings,
    ) -> None:
        venue, store, sender, random = outside.venue, outside.store, outside.sender, outside.random
        self._clock = outside.clock
        self._packer = Packer(settings.venue, session, settings.realtime_batch_ticks)
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="send")
        exchange_time = ExchangeTime()
        self.loads: Outlet[Load] = Outlet(
            Queue.TICKS, sender, self._threads, self._packed, _weight, settings.realtime_queue_ticks, Backoff(random)
        )
        self.reports: Outlet[Report] = Outlet(
            Queue.FILLS,
            sender,
            self._threads,
            lambda report: [as_message(report)],
            lambda _: 1,
            MOST_REPORTS,
            Backoff(random),
        )
        self.commands: Outlet[Comparison] = Outlet(
            Queue.ORDERS,
            sender,
            self._threads,
            lambda command: [as_message(command)],
            lambda _: 1,
            MOST_REPORTS,
            Backoff(random),
        )
        self.trades = TradeFeed(venue, store, self.loads, settings, resume, exchange_time, random)
        ticker = QuoteTicker(settings.venue, session, sender, outside.audience, outside.clock)
        self.quotes = QuoteFeed(venue, outside.board, settings, outside.clock, exchange_time, random, ticker)
        self.account = AccountFeed(venue, store, self.reports, self.commands, settings, outside.clock, random)

    async def run(self, stop: asyncio.Event) -> None:
        """Feed until `stop` is set; then stop reading, flush, and wait a few seconds for the queues to take what is held."""
        sending = [asyncio.create_task(outlet.run()) for outlet in (self.loads, self.reports, self.commands)]
        feeding = asyncio.create_task(self._feed())
        stopping = asyncio.create_task(stop.wait())
        try:
            ended, _ = await asyncio.wait({feeding, stopping, *sending}, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()  # only stopping ends by itself; anything else raises here what broke it
            await _cancelled(feeding)
            await self._finish()
        finally:
            await _cancelled(feeding, stopping, *sending)
            self._threads.shutdown(wait=False, cancel_futures=True)

    def problems(self) -> Iterator[str]:
        """What keeps the feed from being complete and current, in words; nothing when healthy."""
        for link in (self.trades.link, self.quotes.link, self.account.link):
            if not link.is_ready:
                yield f"stream of {link.name}: {link.problem or 'connecting'}"
        for line in self.trades.lines.values():
            if line.needs_work:
                yield f"{line.symbol}: trades after {line.sequence.last} are being fetched"
        for problem in (self.loads.problem, self.reports.problem, self.commands.problem, self.quotes.problem):
            if problem:
                yield problem

    def details(self) -> dict[str, Any]:
        """How far each symbol is, and what waits."""
        return {
            "symbols": {symbol: self._symbol(symbol) for symbol in self.trades.lines},
            "held": {"ticks": self.loads.held, "fills": self.reports.held},
            "lag_ms": self.trades.lag_ms,
            "last_trade_age_seconds": round(self.trades.silent_for, 1),
        }

    def _symbol(self, symbol: str) -> dict[str, Any]:
        line = self.trades.lines[symbol]
        through = self.trades.watermarks.get(symbol)
        return {
            "last_trade_id": line.sequence.last,
            "complete": line.is_complete,
            "complete_to": from_ms(through).isoformat() if through else None,
            "waiting": line.sequence.waiting,
        }

    async def _feed(self) -> None:
        async with asyncio.TaskGroup() as group:
            for feed in (self.trades, self.quotes, self.account):
                group.create_task(feed.run())

    async def _finish(self) -> None:
        try:
            async with asyncio.timeout(FLUSHED_WITHIN / 4):
                await self.trades.flush()
        except (Unavailable, TimeoutError) as error:
            logger.warning("last flush failed, the next start fetches it again: %s", error)
        left = await asyncio.gather(*(outlet.drain(FLUSHED_WITHIN * 3 / 4) for outlet in (self.loads, self.reports)))
        logger.info("stopped; %d trades and %d reports are left for the next start to fetch", *left)

    def _packed(self, load: Load) -> Iterator[Message]:
        for event_id, body, count in self._packer.pack(load, self._clock.now()):
            yield Message(event_id, None, body, count)


def _weight(load: Load) -> int:
    return max(1, load.count)


async def _cancelled(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
