"""A recorded day through the whole system: every trade stored once, every candle exact, though feed and functions fail.

`VOLEX_RECORDED_TRADES`, `VOLEX_RECORDED_1M`, `VOLEX_RECORDED_5M` (CSV files) and `VOLEX_RECORDED_SYMBOL` put a real day in the
place of the made one; the candles are then the exchange's own.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.e2e import evidence, recorded_day
from tests.e2e.conftest import Swarm
from tests.e2e.recorded_day import Candle, Row
from volexlocal.state import PartState

SYMBOL = os.environ.get("VOLEX_RECORDED_SYMBOL", "XRP/ETH")
SPEED = float(os.environ.get("VOLEX_RECORDED_SPEED", "600"))
PATIENCE = 900

pytestmark = pytest.mark.timeout(2400)


class Day:
    """The recorded day and what it should become."""

    def __init__(self, folder: Path) -> None:
        given = os.environ.get("VOLEX_RECORDED_TRADES")
        self.path = Path(given) if given else recorded_day.write(recorded_day.make(2000), folder / "trades.csv")
        self.rows: list[Row] = recorded_day.read(self.path)
        self.candles = {"1m": self._candles("1m", 1), "5m": self._candles("5m", 5)}

    def _candles(self, timeframe: str, minutes: int) -> dict[int, Candle]:
        given = os.environ.get(f"VOLEX_RECORDED_{timeframe.upper()}")
        return recorded_day.read_candles(Path(given)) if given else recorded_day.candles(self.rows, minutes)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return Day(tmp_path_factory.mktemp("day"))


def replay(start_swarm: Callable[..., Swarm], day: Day, **wishes: object) -> Swarm:
    return start_swarm(replay=day.path, symbol=SYMBOL, valuation=SYMBOL.split("/")[1], speed=SPEED, **wishes)


def stored_ids(swarm: Swarm) -> list[int]:
    return [trade_id for (trade_id,) in evidence.rows(swarm.dsn, "SELECT trade_id FROM trades ORDER BY trade_id")]


def stored_candles(swarm: Swarm, timeframe: str) -> dict[int, Candle]:
    query = (
        "SELECT (extract(epoch FROM opened_at) * 1000)::bigint, open, high, low, close, volume FROM candles"
        " WHERE timeframe = %s"
    )
    return {opening: tuple(rest) for opening, *rest in evidence.rows(swarm.dsn, query, timeframe)}


def await_end(swarm: Swarm, day: Day) -> None:
    def all_stored() -> bool:
        return bool(evidence.value(swarm.dsn, "SELECT count(*) FROM trades") >= len(day.rows))

    def all_closed() -> bool:
        query = "SELECT count(*) FROM candles WHERE NOT closed AND timeframe IN ('1m', '5m')"
        return bool(evidence.value(swarm.dsn, query) == 0)

    evidence.wait_until("every trade is stored", all_stored, PATIENCE)
    evidence.wait_until("every candle is closed", all_closed, 300)
    evidence.wait_until("every message is answered", lambda: swarm.messages_on_their_way() == 0, 600)


def assert_exact(swarm: Swarm, day: Day) -> None:
    assert stored_ids(swarm) == [row.id for row in day.rows]
    for timeframe, expected in day.candles.items():
        assert stored_candles(swarm, timeframe) == expected


def is_back(restarts: int, part: PartState) -> bool:
    return part.health == "healthy" and part.restarts >= restarts


def has_published(swarm: Swarm, count: int) -> bool:
    status = httpx.get(f"{swarm.exchange_url}/admin/status", timeout=10).raise_for_status().json()
    return int(status["replay"]["published"]) >= count


def test_a_day_is_stored_exactly(start_swarm: Callable[..., Swarm], day: Day) -> None:
    swarm = replay(start_swarm, day)
    await_end(swarm, day)
    assert_exact(swarm, day)
    assert swarm.ledger() == swarm.exchange()
    swarm.cloud.down()


def test_a_day_is_stored_exactly_though_the_feed_is_killed_and_functions_fail(
    start_swarm: Callable[..., Swarm], day: Day
) -> None:
    swarm = replay(start_swarm, day, failure_rate=0.05)
    for kills, share in enumerate((0.3, 0.6)):
        due = int(len(day.rows) * share)
        evidence.wait_until(f"{due} trades are out", functools.partial(has_published, swarm, due), PATIENCE)
        swarm.cloud.await_part("realtime-data", functools.partial(is_back, kills))
        swarm.cloud.kill("realtime-data")
    await_end(swarm, day)
    assert_exact(swarm, day)
    state = swarm.cloud.state()
    assert state is not None
    assert state.part("realtime-data").restarts >= 2
    assert swarm.ledger() == swarm.exchange()
    swarm.cloud.down()
