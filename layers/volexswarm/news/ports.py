"""What news needs of the stored truth."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from volexswarm.news.model import Item
from volexswarm.ports import Transaction


class NewsTransaction(Transaction, Protocol):
    """Items to read and to write."""

    def market_time(self, venue: str) -> datetime | None:
        """How far the venue's market is known; None before anything was heard of it."""
        ...

    def same(self, fingerprint: str, since: datetime, until: datetime) -> Item | None:
        """The oldest item with this fingerprint that was published in a time; nobody else adds one till this transaction ends."""
        ...

    def add(self, item: Item) -> None:
        """Store the item."""
        ...

    def items(self, symbol: str, since: datetime, until: datetime, limit: int) -> Sequence[Item]:
        """What speaks of the symbol or of the whole market, published after `since` and by `until`: the newest `limit`."""
        ...
