"""What research needs of the stored truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from volexswarm.market.timeframes import Timeframe
from volexswarm.ports import Transaction
from volexswarm.research.model import Report, Step


class ResearchTransaction(Transaction, Protocol):
    """Candles to read, reports to write."""

    def steps(
        self,
        venue: str,
        symbols: Sequence[str],
        timeframe: Timeframe,
        until: datetime,
        length: timedelta,
        count: int,
    ) -> Mapping[str, Sequence[Step | None]]:
        """The last `count` steps of `length` that end at `until`, by symbol, oldest first; None where no candle closed.

        From closed candles of `timeframe`, which is no longer than a step. A symbol without any candle has only None.
        """
        ...

    def known_since(self, venue: str, symbol: str, timeframe: Timeframe) -> datetime | None:
        """When the symbol's first candle of a timeframe opened; None without one."""
        ...

    def market_time(self, venue: str) -> datetime | None:
        """How far the venue's market is known; None before anything was heard of it."""
        ...

    def add_report(self, report: Report) -> bool:
        """Store the report; False if it is stored already."""
        ...
