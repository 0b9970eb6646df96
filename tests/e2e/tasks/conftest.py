"""One cloud for all tests of tasks, with a market that has been watched for long enough to be talked about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e import evidence
from tests.e2e.conftest import Swarm, swarms

TALKED_ABOUT = "15m"
ENOUGH = 60
"""Candles from which on indicators and trend are known."""


@pytest.fixture(scope="package")
def swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swarm]:
    """A swarm that knows its two markets."""
    with swarms(tmp_path_factory) as start:
        swarm = start(speed=240, symbols="BTC/USDT,ETH/USDT")
        evidence.wait_until("both markets are known", lambda: candles(swarm) >= ENOUGH, 900, every=2)
        # in one second this market goes where another goes in four minutes: too far for the bound of a real one
        swarm.succeeds("policy", "set", "tasks", "max_drift=0.2", "--reason", "the market runs 240 times as fast")
        yield swarm


def candles(swarm: Swarm) -> int:
    """Closed candles of the market of which there are fewest."""
    query = "SELECT count(*) FROM candles WHERE closed AND timeframe = %s GROUP BY symbol"
    found = [number for (number,) in evidence.rows(swarm.dsn, query, TALKED_ABOUT)]
    return min(found) if len(found) == 2 else 0
