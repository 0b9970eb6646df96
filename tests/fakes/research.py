"""Research's tables in memory: closes on a grid of minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from tests.fakes.transaction import FakeTransaction
from volexswarm.market.timeframes import Timeframe
from volexswarm.research.model import Report, Step


class FakeResearchTransaction(FakeTransaction):
    """`research.ports.ResearchTransaction` in memory; `candles` by symbol: when each opened, its close and its volume."""

    def __init__(self) -> None:
        super().__init__()
        self.candles: dict[str, list[tuple[datetime, float, float]]] = {}
        self.complete_to: datetime | None = None
        self.reports: dict[str, Report] = {}

    def steps(
        self,
        venue: str,
        symbols: Sequence[str],
        timeframe: Timeframe,
        until: datetime,
        length: timedelta,
        count: int,
    ) -> Mapping[str, Sequence[Step | None]]:
        return {symbol: self._steps(symbol, timeframe, until, length, count) for symbol in symbols}

    def _steps(
        self, symbol: str, timeframe: Timeframe, until: datetime, length: timedelta, count: int
    ) -> list[Step | None]:
        found: list[Step | None] = []
        for place in range(count, 0, -1):
            begin, end = until - place * length, until - (place - 1) * length
            inside = [
                candle
                for candle in self.candles.get(symbol, [])
                if begin <= candle[0] < end and candle[0] + timeframe.length <= until
            ]
            turnover = sum(close * volume for _, close, volume in inside)
            found.append(Step(inside[-1][1], turnover) if inside else None)
        return found

    def known_since(self, venue: str, symbol: str, timeframe: Timeframe) -> datetime | None:
        return min((opened for opened, _, _ in self.candles.get(symbol, [])), default=None)

    def market_time(self, venue: str) -> datetime | None:
        return self.complete_to

    def add_report(self, report: Report) -> bool:
        return self.reports.setdefault(report.id, report) is report
