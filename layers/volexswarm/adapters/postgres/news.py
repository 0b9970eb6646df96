"""News' statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from volexswarm.adapters.postgres.market_clock import market_time
from volexswarm.adapters.postgres.store import PostgresTransaction
from volexswarm.news.model import Item

_COLUMNS = tuple(field.name for field in fields(Item))

_INSERT = (
    f"INSERT INTO news_items ({', '.join(_COLUMNS)})"  # noqa: S608 - names of our own columns
    f" VALUES ({', '.join(f'%({name})s' for name in _COLUMNS)})"
)

_ITEMS = """
SELECT * FROM news_items
WHERE published_at > %(since)s AND published_at <= %(until)s AND (symbols = '{}' OR %(symbol)s = ANY(symbols))
ORDER BY published_at DESC, id DESC LIMIT %(limit)s
"""

_SAME = """
SELECT * FROM news_items WHERE fingerprint = %(fingerprint)s AND published_at BETWEEN %(since)s AND %(until)s
ORDER BY published_at, id LIMIT 1
"""


class NewsTransaction(PostgresTransaction):
    """Implements `news.ports.NewsTransaction`."""

    def market_time(self, venue: str) -> datetime | None:
        return market_time(self.connection, venue)

    def same(self, fingerprint: str, since: datetime, until: datetime) -> Item | None:
        self.connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"news:{fingerprint}",))
        row = self.connection.execute(_SAME, {"fingerprint": fingerprint, "since": since, "until": until}).fetchone()
        return None if row is None else _item(row)

    def add(self, item: Item) -> None:
        self.connection.execute(_INSERT, {**vars(item), "symbols": list(item.symbols)})

    def items(self, symbol: str, since: datetime, until: datetime, limit: int) -> Sequence[Item]:
        wanted = {"symbol": symbol, "since": since, "until": until, "limit": limit}
        return [_item(row) for row in self.connection.execute(_ITEMS, wanted)]


def _item(row: dict[str, Any]) -> Item:
    return Item(**{**row, "id": str(row["id"]), "symbols": tuple(row["symbols"])})
