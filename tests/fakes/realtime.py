"""A venue in memory for the feed's unit tests: its trades are a list, its streams say what the test lets them say."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from volexswarm.clock import from_ms
from volexswarm.errors import Unavailable
from volexswarm.messages import ExecutionReported
from volexswarm.realtime.ports import OnQuote, OnReady, OnReport, OnTrade, RecordedFills
from volexswarm.realtime.sequence import Tick


class FakeVenue:
    """`trade` happens at the exchange, and comes over the stream if it is connected and `is_listening`."""

    def __init__(self) -> None:
        self.trades: dict[str, list[Tick]] = {}
        self.fills: list[ExecutionReported] = []
        self.orders: list[ExecutionReported] = []
        self.known: dict[str, set[str]] = {}
        self.clock_ms = 0
        self.is_listening = True
        self.rest_is_away = False
        self.cuts: list[tuple[str, str]] = []
        self.connections = 0
        self._ended: dict[str, asyncio.Future[None]] = {}
        self._on_trade: OnTrade | None = None
        self._on_report: OnReport | None = None

    def trade(self, symbol: str, trade_id: int, time_ms: int = 1000) -> None:
        tick = (trade_id, time_ms, "100.5", "2", "b")
        self.trades.setdefault(symbol, []).append(tick)
        if self._on_trade is not None and self.is_listening:
            self._on_trade(symbol, tick)

    def report(self, report: ExecutionReported) -> None:
        if self._on_report is not None and self.is_listening:
            self._on_report(report)

    async def prepare(self, symbols: Sequence[str]) -> None:
        return

    async def watch_trades(self, symbols: Sequence[str], on_trade: OnTrade, on_ready: OnReady) -> None:
        self.connections += 1
        self._on_trade = on_trade
        try:
            await self._connected("trades", on_ready)
        finally:
            self._on_trade = None

    async def watch_quotes(self, symbols: Sequence[str], on_quote: OnQuote, on_ready: OnReady) -> None:
        await self._connected("quotes", on_ready)

    async def watch_account(self, on_report: OnReport, on_ready: OnReady) -> None:
        self._on_report = on_report
        try:
            await self._connected("account", on_ready)
        finally:
            self._on_report = None

    async def _connected(self, stream: str, on_ready: OnReady) -> None:
        self._ended[stream] = asyncio.get_running_loop().create_future()
        on_ready()
        await self._ended[stream]

    def cut(self, stream: str, reason: str) -> None:
        self.cuts.append((stream, reason))
        ended = self._ended.get(stream)
        if ended is not None and not ended.done():
            ended.set_exception(Unavailable(f"stream of {stream}", reason))

    async def trades_from(self, symbol: str, trade_id: int, limit: int = 1000) -> list[Tick]:
        if self.rest_is_away:
            raise Unavailable("exchange", "no answer")
        return sorted(tick for tick in self.trades.get(symbol, []) if tick[0] >= trade_id)[:limit]

    async def time_ms(self) -> int:
        return self.clock_ms

    async def quotes(self, symbols: Sequence[str]) -> dict[str, tuple[Decimal, Decimal]]:
        return {}

    async def own_fills(
        self, symbol: str, from_trade_id: int | None, since: datetime, known: Collection[str]
    ) -> list[ExecutionReported]:
        self.known[symbol] = set(known)
        return [fill for fill in self.fills if fill.symbol == symbol and fill.trade_id not in known]

    async def open_orders(self) -> list[ExecutionReported]:
        return list(self.orders)

    async def close(self) -> None:
        return


class FakeFeedStore:
    """What earlier runs have left."""

    def __init__(self) -> None:
        self.beginnings: dict[str, int] = {}
        self.recorded: dict[str, RecordedFills] = {}
        self.is_away = False

    def resume_after(self, venue: str, symbols: Sequence[str]) -> dict[str, int]:
        return {}

    def begin(self, venue: str, symbol: str, first_trade_id: int, began_at: datetime) -> None:
        if self.is_away:
            raise Unavailable("database", "no answer")
        self.beginnings.setdefault(symbol, first_trade_id)

    def recorded_fills(self, venue: str, account: str, symbols: Sequence[str]) -> Mapping[str, RecordedFills]:
        return self.recorded


def opened(*trade_ids: str, at_ms: int = 0) -> RecordedFills:
    """Recorded fills of an account whose books were opened at this exchange time."""
    return RecordedFills(frozenset(trade_ids), from_ms(at_ms))
