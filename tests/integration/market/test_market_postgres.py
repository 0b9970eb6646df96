"""Trades, candles and watermarks on a real PostgreSQL, under disorder, repetition and concurrency."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from decimal import Decimal

import psycopg
import pytest

from tests.fakes.transaction import FixedClock
from tests.unit.market.ticks import SYMBOL, VENUE, at, batch, trade
from volexswarm.adapters.postgres import watches
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.market import MarketTransaction
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.store import PostgresStore
from volexswarm.clock import from_ms
from volexswarm.market.agent import MarketDataAgent
from volexswarm.market.candles import fold
from volexswarm.market.timeframes import Timeframe

TIMEFRAMES = [Timeframe.M1, Timeframe.M5, Timeframe.H1]


class Sender:
    """Accepts everything."""

    def send(self, queue, messages):
        return {message[0] for message in messages}


@pytest.fixture
def new_agent(database_dsn):
    """An agent with a connection of its own, as another function instance has."""
    databases = []

    def make():
        databases.append(database := Database(lambda: database_dsn))
        store = PostgresStore(database, MarketTransaction, Relay(database, Sender()))
        return MarketDataAgent(store, FixedClock(), TIMEFRAMES)

    yield make
    for database in databases:
        database.close()


@pytest.fixture
def query(database_dsn):
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        yield lambda sql, *values: connection.execute(sql, values).fetchall()


def stored_candles(query, closed=True):
    rows = query(
        "SELECT timeframe, opened_at, open, high, low, close, volume, trade_count, first_trade_id, last_trade_id"
        " FROM candles WHERE closed = %s", closed,
    )  # fmt: skip
    return sorted(rows)


def expected_candles(trades):
    return sorted((candle.timeframe.value, *astuple(candle)[1:]) for candle in fold(trades, TIMEFRAMES))


def story(count, seed=7):
    """`count` trades over three hours, at prices and sizes with many digits, a few of them at the same moment."""
    random_ = random.Random(seed)
    seconds = sorted(random_.randrange(10_800) for _ in range(count))
    return [
        trade(
            100 + i,
            f"{12 + s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}",
            Decimal(random_.randrange(1, 10**9)).scaleb(-8),
            Decimal(random_.randrange(1, 10**12)).scaleb(-8),
        )
        for i, s in enumerate(seconds)
    ]


def batches_of(trades, size):
    """In sequence, each watermark just before the next trade; the last one closes everything."""
    parts = [trades[i : i + size] for i in range(0, len(trades), size)]
    clocks = [from_ms(part[0][1] - 1) for part in parts[1:]]
    through = [f"{clock:%H:%M:%S.%f}"[:-3] for clock in clocks] + ["23:00:00"]
    return [batch(i, part, until) for i, (part, until) in enumerate(zip(parts, through, strict=True))]


def test_shuffled_and_repeated_batches_over_several_functions_give_every_candle_once_and_exactly(new_agent, query):
    trades = story(600)
    deliveries = batches_of(trades, 12) + batches_of(trades, 12)[::3]
    random.Random(3).shuffle(deliveries)
    agents = [new_agent() for _ in range(4)]

    def work(i):
        for event in deliveries[i::4]:
            agents[i].ingest(event)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))

    assert query("SELECT count(*), count(DISTINCT trade_id) FROM trades") == [(600, 600)]
    assert stored_candles(query) == expected_candles(trades)
    assert stored_candles(query, closed=False) == []
    assert query("SELECT max(revision) FROM candles") == [(0,)]
    assert query("SELECT type, count(*) FROM events GROUP BY type") == [
        ("volexswarm.CandleClosed", len(expected_candles(trades)))
    ]
    assert query("SELECT count(*) FROM outbox WHERE queue = 'candles'") == [(len(expected_candles(trades)),)]


def test_overlapping_batches_of_two_sessions_count_each_trade_once(new_agent, query):
    trades = story(200)
    agent = new_agent()
    for event in batches_of(trades[:120], 50)[:2]:  # the feed dies before its third batch
        agent.ingest(event)
    for event in batches_of(trades[60:], 45):
        data = event.data.model_copy(update={"session": "after the crash"})
        agent.ingest(event.model_copy(update={"data": data}))
    assert stored_candles(query) == expected_candles(trades)


def test_a_repeated_trade_within_one_batch_counts_once(new_agent, query):
    one = trade(1, "12:00:10", "100", "2")
    new_agent().ingest(batch(0, [one, one], through="13:00:00"))
    assert stored_candles(query) == expected_candles([one])


def test_a_late_trade_corrects_every_timeframe_and_counts_the_revision(new_agent, query):
    agent = new_agent()
    agent.ingest(batch(0, [trade(1, "12:00:10", 100), trade(3, "12:00:40", 101)], through="12:01:00"))
    agent.ingest(batch(1, [trade(2, "12:00:20", 90)], through="12:05:00"))
    assert query("SELECT timeframe, low, close, revision, closed FROM candles ORDER BY 1") == [
        ("1h", 90, 101, 0, False),
        ("1m", 90, 101, 1, True),
        ("5m", 90, 101, 0, True),
    ]
    assert query("SELECT type, data->>'timeframe' FROM events ORDER BY 1, 2") == [
        ("volexswarm.CandleClosed", "1m"),
        ("volexswarm.CandleClosed", "5m"),
        ("volexswarm.CandleCorrected", "1m"),
    ]


def test_a_late_trade_into_an_empty_interval_makes_a_closed_candle_of_revision_one(new_agent, query):
    agent = new_agent()
    agent.ingest(batch(0, [trade(1, "12:00:10", 100)], through="12:10:00"))
    agent.ingest(batch(1, [trade(2, "12:03:20", 90)], through="12:10:01"))
    assert query("SELECT closed, revision FROM candles WHERE timeframe = '1m' AND opened_at = %s", at("12:03:00")) == [
        (True, 1)
    ]


def test_the_watermark_never_goes_backwards_and_keeps_the_newest_trade(new_agent, query):
    agent = new_agent()
    agent.ingest(batch(0, [trade(5, "12:00:10", 100)], through="12:03:00"))
    agent.ingest(batch(0, [trade(4, "12:00:09", 100)], through="12:01:00", session="other"))
    assert query("SELECT symbol, complete_to, last_trade_id FROM watermarks") == [(SYMBOL, at("12:03:00"), 5)]


def test_trades_without_a_watermark_are_kept_and_close_nothing(new_agent, query):
    agent = new_agent()
    agent.ingest(batch(0, [trade(5, "12:00:10", 100)]))
    assert query("SELECT count(*) FROM watermarks") == [(0,)]
    agent.ingest(batch(1, through="12:01:00"))
    assert [row[0] for row in stored_candles(query)] == ["1m"]


def test_symbols_and_venues_do_not_mix(new_agent, query):
    agent = new_agent()
    agent.ingest(batch(0, [trade(1, "12:00:10", 100)], through="12:01:00"))
    agent.ingest(batch(1, [trade(1, "12:00:10", 7)], through="12:00:30", symbol="ETH/USDT"))
    rows = query("SELECT venue, symbol, close, closed FROM candles WHERE timeframe = '1m' ORDER BY symbol")
    assert rows == [(VENUE, "BTC/USDT", 100, True), (VENUE, "ETH/USDT", 7, False)]


def test_trade_times_keep_their_milliseconds(new_agent, query):
    new_agent().ingest(batch(0, [trade(1, "12:00:10.123", 1), trade(2, "12:00:10.999", 1)]))
    assert query("SELECT traded_at FROM trades ORDER BY trade_id") == [(at("12:00:10.123"),), (at("12:00:10.999"),)]


def test_the_trades_that_a_watch_has_missed_are_found_without_reading_the_whole_past(database_dsn):
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO trades SELECT %s, %s, n, timestamptz '2026-01-01' + n * interval '1 second', 100 + n %% 10, 1, 's'"
            " FROM generate_series(1, 100000) n",
            (VENUE, SYMBOL),
        )
        connection.execute("VACUUM ANALYZE trades")
        terms = {"venue": VENUE, "symbol": SYMBOL, "as_of": from_ms(1767225600000 + 99_000_000)}
        terms |= {"trail_share": None, "below": None, "above": Decimal(109), "due_at": None}
        plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {watches._MISSED}", terms))
        (first,) = connection.execute(watches._MISSED, terms).fetchall()
    assert "trades_by_time" in plan
    assert first == (from_ms(1767225600000 + 99_009_000), Decimal(109))
