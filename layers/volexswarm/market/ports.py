"""What the market context needs of its store, besides inbox and outbox."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from volexswarm.market.model import Part, StoredCandle
from volexswarm.market.progress import Mark, Progress
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Columns
from volexswarm.ports import PriceWatch, Reached, Transaction


class MarketTransaction(Transaction, Protocol):
    """One batch's change of a venue's trades, candles and watermarks."""

    def add_trades(self, venue: str, trades: Mapping[str, Columns]) -> dict[str, frozenset[int]]:
        """Store the trades that are not stored yet; their ids by symbol (no entry for a symbol without a new one)."""
        ...

    def progress(self, venue: str, session: str) -> Progress:
        """The session's progress. Holds the venue's candles for this transaction alone until its end."""
        ...

    def keep_progress(self, venue: str, session: str, progress: Progress) -> None: ...

    def complete_to(self, venue: str, symbols: Collection[str]) -> dict[str, datetime]:
        """The watermarks there are."""
        ...

    def advance(self, venue: str, marks: Mapping[str, Mark]) -> None:
        """Move watermarks forward; one that is further already stays. A symbol never declared complete has none yet."""
        ...

    def merge(self, venue: str, parts: Sequence[Part]) -> list[StoredCandle]:
        """Merge the parts into the stored candles; returns those that had been closed, as they stand now.

        A late part without a stored candle becomes a closed one of revision 1: its interval had been closed as empty.
        """
        ...

    def close(
        self, venue: str, complete_to: Mapping[str, datetime], timeframes: Sequence[Timeframe]
    ) -> list[StoredCandle]:
        """Close each open candle that ends at or before its symbol's watermark; returns those, ascending by end."""
        ...

    def watches(self, venue: str, symbols: Collection[str]) -> list[PriceWatch]:
        """The price watches of these symbols that are not done. Nobody changes them before this transaction's end."""
        ...

    def saw(self, watch: PriceWatch, reached: Reached | None) -> None:
        """Store what a watch has seen, and that it is done if it is."""
        ...
