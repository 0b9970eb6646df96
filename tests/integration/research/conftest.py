from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.fakes.transaction import FixedClock
from tests.integration.compliance.desk import Unheard
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.store import PostgresStore


class Records:
    """A migrated database: stores of any kind on it, and rows written by hand."""

    def __init__(self, dsn: str) -> None:
        self.sql = psycopg.connect(dsn, autocommit=True, row_factory=dict_row)
        self.database = Database(lambda: dsn, max_size=2)
        self.relay = Relay(self.database, Unheard())
        self.clock = FixedClock()

    def store(self, kind: type) -> PostgresStore:
        return PostgresStore(self.database, kind, self.relay)

    def insert(self, table: str, **row: object) -> None:
        columns, places = ", ".join(row), ", ".join(["%s"] * len(row))
        self.sql.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", list(row.values()))

    def candle(self, opened_at, close, volume=2, symbol="BTC/USDT", timeframe="5m", closed=True) -> None:
        self.insert(
            "candles", venue="binance", symbol=symbol, timeframe=timeframe, opened_at=opened_at, open=close, high=close,
            low=close, close=close, volume=volume, trade_count=1, first_trade_id=1, last_trade_id=1, closed=closed,
        )  # fmt: skip

    def strategy(self, key, status="active", symbol="BTC/USDT", timeframe="5m", template="rsi") -> None:
        self.insert(
            "strategies", id=key, template=template, venue="binance", symbol=symbol, timeframe=timeframe, parameters="{}",
            status=status,
        )  # fmt: skip

    def close(self) -> None:
        self.database.close()
        self.sql.close()


@pytest.fixture
def records(database_dsn: str) -> Iterator[Records]:
    made = Records(database_dsn)
    yield made
    made.close()
