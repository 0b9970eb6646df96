"""How long the signal agent itself thinks about a candle: every default strategy on a full window, without any server."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tests.benchmarks.figure import Figure, spread
from tests.fakes.signals import FakeSignalsTransaction
from volexswarm.clock import SystemClock
from volexswarm.messages import CandleClosed, Event
from volexswarm.signals.agent import SignalAgent
from volexswarm.signals.model import StoredStrategy
from volexswarm.strategies.parameters import PARAMETERS

START = datetime(2025, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WARM_UP = 200


class _Store:
    """One transaction for all, never rolled back."""

    def __init__(self, transaction: FakeSignalsTransaction) -> None:
        self._transaction = transaction

    def transaction(self) -> AbstractContextManager[FakeSignalsTransaction]:
        return nullcontext(self._transaction)


def run(candles: int = 300) -> Iterator[Figure]:
    """Evaluate so many candles, one after the other."""
    rows = list(_random_walk(WARM_UP + candles))
    strategies = [StoredStrategy(name, name, kind().model_dump(mode="json")) for name, kind in PARAMETERS.items()]
    agent = SignalAgent(_Store(FakeSignalsTransaction(strategies, rows)), SystemClock())
    taken = []
    for row in rows[WARM_UP:]:
        event = _closed(row[0], row[4])
        began = time.process_time()
        agent.evaluate(event)
        taken.append(round((time.process_time() - began) * 1000, 2))
    yield from spread(f"evaluation of {len(strategies)} strategies", taken, "CPU ms")


def _random_walk(count: int) -> Iterator[tuple[datetime, float, float, float, float, float]]:
    rng = random.Random(1)
    price = 60_000.0
    for number in range(count):
        opened, price = price, price * (1 + rng.gauss(0, 0.001))
        high, low = max(opened, price) * 1.0002, min(opened, price) * 0.9998
        yield START + number * MINUTE, opened, high, low, price, rng.uniform(1, 10)


def _closed(opened_at: datetime, close: float) -> Event[CandleClosed]:
    price = Decimal(f"{close:.2f}")
    data = CandleClosed(
        venue="binance",
        symbol="BTC/USDT",
        timeframe="1m",
        opened_at=opened_at,
        as_of=opened_at + MINUTE,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=Decimal(1),
        trade_count=1,
        first_trade_id=1,
        last_trade_id=1,
    )
    identity = opened_at.isoformat()
    return Event.root(data, source="realtime-data", subject=data.key, identity=identity, time=SystemClock().now())
