"""What the signals context needs of its store, besides inbox and outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from volexswarm.messages import Event, SignalRaised
from volexswarm.ports import Transaction
from volexswarm.signals.model import StoredSignal, StoredStrategy

CandleRow = tuple[datetime, float, float, float, float, float]
"""Opening time, open, high, low, close, volume."""


class SignalsTransaction(Transaction, Protocol):
    """Strategies and candles to read, signals to write."""

    def active_strategies(self, venue: str, symbol: str, timeframe: str) -> list[StoredStrategy]:
        """Ascending by id."""
        ...

    def window(self, venue: str, symbol: str, timeframe: str, until: datetime, length: int) -> Sequence[CandleRow]:
        """The last `length` closed candles that opened at or before `until`, ascending: never a later one."""
        ...

    def last_signal(self, venue: str, symbol: str, timeframe: str, until: datetime) -> StoredSignal | None:
        """The newest signal of a strategy on this timeframe by a moment of market time; None without one."""
        ...

    def add_signal(self, event: Event[SignalRaised]) -> bool:
        """Store the signal under its event's id; False if it is stored already."""
        ...
