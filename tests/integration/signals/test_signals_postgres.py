"""From stored candles to stored signals on a real PostgreSQL."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tests.fakes.transaction import FixedClock
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.signals import SignalsTransaction
from volexswarm.adapters.postgres.store import PostgresStore
from volexswarm.messages import CandleClosed, Event
from volexswarm.signals.agent import SignalAgent

START = datetime(2026, 1, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Sender:
    """Accepts everything."""

    def send(self, queue, messages):
        return {message[0] for message in messages}


@pytest.fixture
def connection(database_dsn):
    with psycopg.connect(database_dsn, autocommit=True, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture
def agent(database_dsn):
    database = Database(lambda: database_dsn)
    yield SignalAgent(PostgresStore(database, SignalsTransaction, Relay(database, Sender())), FixedClock(START))
    database.close()


def add_candles(connection, closes, *, closed=True, start=0, symbol="BTC/USDT"):
    for i, close in enumerate(closes, start):
        connection.execute(
            "INSERT INTO candles VALUES ('binance', %s, '1m', %s, %s, %s, %s, %s, 1, 1, %s, %s, %s, 0)",
            (symbol, START + i * MINUTE, close, close + Decimal("0.5"), close - Decimal("0.5"), close, i, i, closed),
        )


def add_strategy(connection, key="cross", status="active", symbol="BTC/USDT", **parameters):
    connection.execute(
        "INSERT INTO strategies (id, template, venue, symbol, timeframe, parameters, status)"
        " VALUES (%s, 'ma_cross', 'binance', %s, '1m', %s, %s)",
        (key, symbol, Jsonb(parameters), status),
    )


def closed(i, close):
    opened = START + i * MINUTE
    data = CandleClosed(
        venue="binance", symbol="BTC/USDT", timeframe="1m", opened_at=opened, as_of=opened + MINUTE,
        open=close, high=close, low=close, close=close, volume=Decimal(1),
        trade_count=1, first_trade_id=i, last_trade_id=i,
    )  # fmt: skip
    return Event.root(data, source="realtime-data", subject="x", identity=str(i), time=opened + MINUTE)


RISING = [Decimal(100)] * 60 + [Decimal("101.25")]
LAST = closed(60, RISING[-1])


def test_a_signal_is_stored_published_and_explained_by_its_chain(agent, connection):
    add_candles(connection, RISING)
    add_strategy(connection)
    agent.evaluate(LAST)
    agent.evaluate(LAST)
    (signal,) = connection.execute("SELECT * FROM signals").fetchall()
    (event,) = connection.execute("SELECT * FROM events").fetchall()
    assert signal["id"] == event["id"]
    assert str(signal["correlation_id"]) == str(event["correlation_id"]) == LAST.correlationid
    assert (signal["side"], signal["price"], signal["strategy_id"]) == ("buy", Decimal("101.25"), "cross")
    assert signal["stop_price"] < signal["price"]
    assert signal["indicators"]["fast"] == pytest.approx(100.125)
    assert (signal["as_of"], signal["raised_at"]) == (LAST.data.as_of, FixedClock(START).now())
    queues = connection.execute("SELECT queue FROM outbox ORDER BY position").fetchall()
    assert [row["queue"] for row in queues] == ["signals", "events", "pushes.fifo"]


def test_later_candles_and_open_ones_and_other_symbols_are_not_seen(agent, connection):
    add_candles(connection, RISING)
    add_candles(connection, [Decimal(1)] * 5, start=61)
    add_candles(connection, [Decimal(7)], start=70, closed=False)
    add_candles(connection, [Decimal(3)] * 61, symbol="ETH/USDT")
    add_strategy(connection)
    agent.evaluate(LAST)
    assert connection.execute("SELECT side, price FROM signals").fetchall() == [
        {"side": "buy", "price": Decimal("101.25")}
    ]


def test_only_active_strategies_of_this_series_are_asked(agent, connection):
    add_candles(connection, RISING)
    add_strategy(connection, "a", "draft")
    add_strategy(connection, "b", "paused")
    add_strategy(connection, "c", symbol="ETH/USDT")
    add_strategy(connection, "d", slow=30)
    add_strategy(connection, "e", fast=40, slow=20)
    agent.evaluate(LAST)
    assert [row["strategy_id"] for row in connection.execute("SELECT strategy_id FROM signals")] == ["d"]
