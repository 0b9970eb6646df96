"""How long the swarm takes to act, on a running cloud with a synthetic market: from a tick to the order.

The market runs fast until the strategies have seen enough, then slowly enough for a small machine: what is measured is the way
of a message, not how long it waits behind others.

A candle is closed by the first trade after it. When that trade was printed is known in the exchange's time, which is
translated into ours; everything after it is in the journal and among the orders' transitions.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.benchmarks import clouds
from tests.benchmarks.exchange_clock import ExchangeClock
from tests.benchmarks.figure import Figure, spread
from volexlocal.cloud import Cloud

SYMBOLS = "BTC/USDT,ETH/USDT,SOL/USDT,BNB/USDT,XRP/USDT,ADA/USDT"
WARM_UP_SPEED, WARM_UP_SECONDS = 60.0, 55.0
SPEED, SECONDS = 20.0, 100.0
SETTLE_SECONDS = 15.0
SAMPLE_EVERY = 0.25

_SIGNALS = """
SELECT candle.occurred_at AS closed_at, signal.occurred_at AS raised_at
FROM events AS signal JOIN events AS candle ON candle.id = signal.causation_id
WHERE signal.type = 'volexswarm.SignalRaised' AND candle.type = 'volexswarm.CandleClosed'
    AND candle.occurred_at BETWEEN %s AND %s
"""
_ORDERS = """
SELECT candle.occurred_at AS closed_at, accepted.changed_at AS accepted_at, (
    SELECT min(traded_at) FROM trades
    WHERE venue = candle.data ->> 'venue' AND symbol = candle.data ->> 'symbol'
        AND trade_id = (candle.data ->> 'last_trade_id')::bigint + 1
) AS printed_at
FROM orders
JOIN events AS signal ON signal.id = orders.signal_id
JOIN events AS candle ON candle.id = signal.causation_id
JOIN LATERAL (
    SELECT min(changed_at) AS changed_at FROM order_transitions
    WHERE order_id = orders.id AND after IN ('accepted', 'partially_filled', 'filled')
) AS accepted ON accepted.changed_at IS NOT NULL
WHERE candle.occurred_at BETWEEN %s AND %s
"""


def run(seconds: float = SECONDS) -> Iterator[Figure]:
    """Let a swarm trade and look at what became of the candles of so many seconds."""
    with clouds.running(symbols=SYMBOLS, speed=WARM_UP_SPEED) as cloud:
        time.sleep(WARM_UP_SECONDS)
        clouds.set_speed(cloud, SPEED)
        time.sleep(SETTLE_SECONDS)
        clock = ExchangeClock(cloud.configuration.url("exchange"))
        began = datetime.now(UTC)
        _watch(clock, seconds)
        ended = datetime.now(UTC)
        time.sleep(SETTLE_SECONDS)  # the last candles' orders count too
        signals, orders = (_rows(cloud, query, began, ended) for query in (_SIGNALS, _ORDERS))
    yield from spread("candle closed → signal raised", [_ms(row["closed_at"], row["raised_at"]) for row in signals])
    yield from spread("candle closed → order accepted", [_ms(row["closed_at"], row["accepted_at"]) for row in orders])
    yield from spread("tick printed → order accepted", list(_from_print(orders, clock)))


def _watch(clock: ExchangeClock, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        clock.sample()
        time.sleep(SAMPLE_EVERY)


def _rows(cloud: Cloud, query: str, *parameters: datetime) -> list[dict[str, Any]]:
    with psycopg.connect(cloud.dsn, row_factory=dict_row) as database:
        return database.execute(query.encode(), parameters).fetchall()


def _from_print(orders: list[dict[str, Any]], clock: ExchangeClock) -> Iterator[float]:
    """Of the orders whose candle was closed while the clocks were compared, by a trade and not by the lack of one."""
    for row in orders:
        printed = None if row["printed_at"] is None else clock.wall(row["printed_at"])
        if printed is not None and printed <= row["closed_at"]:
            yield _ms(printed, row["accepted_at"])


def _ms(begin: datetime, end: datetime) -> float:
    return round((end - begin).total_seconds() * 1000, 1)
