"""Ticks per second from the exchange's stream into the database, through the feed, the queue and the functions.

The exchange replays a made recording: slowly until the cloud is healthy, then as fast as it can. The clock stops when every
trade is stored.
"""

from __future__ import annotations

import csv
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.benchmarks import clouds
from tests.benchmarks.figure import Figure

SYMBOL = "BTC/USDT"
START_MS = 1_735_689_601_000  # after the minute at which the exchange begins: nobody listens yet then
GAP_MS = 20
TRADES = 100_000
UNBOUNDED = 100_000.0
STALLED_AFTER = 60.0
POLL = 0.1


def run(trades: int = TRADES) -> Iterator[Figure]:
    """Replay so many trades. Those that came in before the cloud was healthy are not counted as sent."""
    with tempfile.TemporaryDirectory(prefix="volexswarm-bench-") as folder:
        recording = Path(folder) / "trades.csv"
        _record(recording, trades)
        with (
            clouds.running(replay=recording, symbol=SYMBOL, speed=1.0) as cloud,
            psycopg.connect(cloud.dsn) as database,
        ):
            database.autocommit = True
            before = _stored(database)
            clouds.set_speed(cloud, UNBOUNDED)
            seconds = _until_stored(database, trades)
            stored = _stored(database)
    yield Figure("ticks into the database", round((stored - before) / seconds), "/s", at_least=5_000)
    yield Figure("ticks lost", trades - stored, "", at_most=0)


def _record(path: Path, trades: int) -> None:
    rng = random.Random(1)
    price = 6_000_000
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("timestamp", "id", "side", "price", "amount"))
        for number in range(trades):
            price += rng.randint(-20, 20)
            side, amount = rng.choice(("buy", "sell")), rng.randint(1, 10**7) / 1e5
            writer.writerow((START_MS + number * GAP_MS, number + 1, side, f"{price / 100:.2f}", f"{amount:.5f}"))


def _stored(database: psycopg.Connection) -> int:
    row = database.execute("SELECT count(*) FROM trades").fetchone()
    assert row is not None
    return int(row[0])


def _until_stored(database: psycopg.Connection, trades: int) -> float:
    """Seconds until all are stored, or nothing more has come for long: then until the last that came."""
    began = last_news = time.perf_counter()
    stored = 0
    while stored < trades and time.perf_counter() - last_news < STALLED_AFTER:
        time.sleep(POLL)
        newest = _stored(database)
        if newest > stored:
            stored, last_news = newest, time.perf_counter()
    return last_news - began
