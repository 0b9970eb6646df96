"""Best bid and ask of every symbol, kept on the quote board: the latest only, and never older than the exchange says.

A quote that did not change is not sent again by the exchange; it is asked for, so that an old quote and a dead connection can be
told apart.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from random import Random

from volexswarm.clock import Clock, from_ms
from volexswarm.errors import Unavailable
from volexswarm.messages import Quote
from volexswarm.ports import QuoteBoard
from volexswarm.realtime.backoff import Backoff
from volexswarm.realtime.exchange_time import ExchangeTime
from volexswarm.realtime.link import Link
from volexswarm.realtime.ports import OnReady, Venue
from volexswarm.realtime.settings import RealtimeSettings
from volexswarm.realtime.ticker import QuoteTicker

logger = logging.getLogger(__name__)

REFRESH_AFTER = 5.0


@dataclass(frozen=True)
class _Seen:
    bid: Decimal
    ask: Decimal
    received_at: datetime
    moment: float

    @property
    def prices(self) -> tuple[Decimal, Decimal]:
        return self.bid, self.ask


class QuoteFeed:
    """Runs the quotes of all symbols onto a board."""

    def __init__(
        self,
        venue: Venue,
        board: QuoteBoard,
        settings: RealtimeSettings,
        clock: Clock,
        exchange_time: ExchangeTime,
        random: Random,
        ticker: QuoteTicker,
    ) -> None:
        self._venue = venue
        self._board = board
        self._settings = settings
        self._clock = clock
        self._exchange_time = exchange_time
        self._ticker = ticker
        self._seen: dict[str, _Seen] = {}
        self._changed: set[str] = set()
        self.link = Link("quotes", Backoff(random), venue.cut)
        self.received = 0
        self.refreshed = 0
        self.problem: str | None = None

    async def run(self) -> None:
        """Feed until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._put_regularly())
            group.create_task(self._refresh_regularly())
            group.create_task(self._ticker.run())
            group.create_task(self.link.keep(self._watch, self._nothing, self._nothing))

    async def _watch(self, ready: OnReady) -> None:
        await self._venue.watch_quotes(self._settings.symbols, self._on_quote, ready)

    def _nothing(self) -> None:
        """Quotes need no repair: the next one replaces the last."""

    def _on_quote(self, symbol: str, bid: Decimal, ask: Decimal) -> None:
        self.received += 1
        self._note(symbol, bid, ask)

    def _note(self, symbol: str, bid: Decimal, ask: Decimal) -> None:
        if bid <= 0 or ask <= 0:
            return  # an empty side of the book is no price; the last quote grows stale, and nothing is traded on it
        self._seen[symbol] = _Seen(bid, ask, self._clock.now(), time.monotonic())
        self._changed.add(symbol)

    async def _put_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._settings.realtime_flush)
            changed, self._changed = self._changed, set()
            if not changed:
                continue
            quotes = {symbol: self._quote(self._seen[symbol]) for symbol in changed}
            try:
                await asyncio.to_thread(self._board.put, self._settings.venue, quotes)
                self._ticker.note(quotes)
                self._say(None)
            except Unavailable as error:  # the next quotes replace these; readers judge them by their age
                self._changed |= changed
                self._say(str(error))

    def _quote(self, seen: _Seen) -> Quote:
        exchange_ms = self._exchange_time.at(seen.moment)
        as_of = seen.received_at if exchange_ms is None else from_ms(exchange_ms)
        return Quote(bid=seen.bid, ask=seen.ask, as_of=as_of, received_at=seen.received_at)

    async def _refresh_regularly(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_AFTER)
            try:
                await self._refresh()
            except Unavailable as error:
                logger.warning("quotes: %s", error)

    async def _refresh(self) -> None:
        """Ask for the quotes that have not come for a while. One that differs should have come: the connection is dead."""
        asked_at = time.monotonic()
        old = [symbol for symbol in self._settings.symbols if self._is_old(symbol, asked_at)]
        if not old:
            return
        for symbol, prices in (await self._venue.quotes(old)).items():
            before = self._seen.get(symbol)
            if before is not None and before.moment > asked_at:
                continue  # the stream has been faster
            self._note(symbol, *prices)
            self.refreshed += 1
            if before is not None and before.prices != prices and self.link.is_ready:
                self.link.cut(f"{symbol} changed without a message")

    def _is_old(self, symbol: str, now: float) -> bool:
        seen = self._seen.get(symbol)
        return seen is None or now - seen.moment > REFRESH_AFTER

    def _say(self, problem: str | None) -> None:
        if problem != self.problem:
            logger.log(logging.WARNING if problem else logging.INFO, "quote board: %s", problem or "takes quotes")
        self.problem = problem
