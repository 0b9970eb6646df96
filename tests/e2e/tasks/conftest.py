"""One cloud for all tests of tasks, with a market that has been watched for long enough to be talked about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e import evidence
from tests.e2e.conftest import Swarm, swarms
from tests.e2e.tasks.desk import Desk
from tests.e2e.tasks.person import Person

TALKED_ABOUT = "5m"
ENOUGH = 60
"""Candles from which on indicators and trend are known."""
KEPT = ("rsi", "5m")


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


@pytest.fixture(scope="package")
def desk(swarm: Swarm) -> Desk:
    return Desk(swarm)


@pytest.fixture(scope="module")
def person(swarm: Swarm) -> Person:
    return Person(swarm)


@pytest.fixture(scope="module")
def asked_about_everything(desk: Desk) -> Iterator[None]:
    """The swarm asks a person about each task that trades, as long as these tests last."""
    desk.policy("tasks", approval_above="0")
    yield
    desk.policy("tasks", approval_above="0.05")


@pytest.fixture(scope="module")
def own_hands(person: Person) -> Iterator[None]:
    """Most strategies pause, as they would for somebody who wants to trade by hand: together they leave no room in a market.

    One of each market goes on, for without any the strategy agent has nothing to say.
    """
    active = [one["id"] for one in person.gets("/strategies", status="active")["items"] if not goes_on(one)]
    for strategy in active:
        person.posts(f"/strategies/{strategy}/status", status="paused", reason="I trade these markets by hand")
    yield
    for strategy in active:
        person.posts(f"/strategies/{strategy}/status", status="active", reason="I am done")


def goes_on(strategy: Any) -> bool:
    return (strategy["template"], strategy["timeframe"]) == KEPT
