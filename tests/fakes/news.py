"""News' table in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tests.fakes.transaction import FakeTransaction
from volexswarm.news.model import Item


class FakeNewsTransaction(FakeTransaction):
    """`news.ports.NewsTransaction` in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, Item] = {}
        self.complete_to: datetime | None = None

    def market_time(self, venue: str) -> datetime | None:
        return self.complete_to

    def same(self, fingerprint: str, since: datetime, until: datetime) -> Item | None:
        known = [i for i in self.kept.values() if i.fingerprint == fingerprint and since <= i.published_at <= until]
        return min(known, key=lambda item: (item.published_at, item.id), default=None)

    def add(self, item: Item) -> None:
        self.kept[item.id] = item

    def items(self, symbol: str, since: datetime, until: datetime, limit: int) -> Sequence[Item]:
        known = [
            item
            for item in self.kept.values()
            if since < item.published_at <= until and (not item.symbols or symbol in item.symbols)
        ]
        return sorted(known, key=lambda item: (item.published_at, item.id), reverse=True)[:limit]
