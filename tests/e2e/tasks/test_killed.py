"""Every function's process is killed while a task is at work: it ends as if nothing had been, and trades nothing twice."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import psutil
import psycopg
import pytest

from tests.e2e import evidence
from tests.e2e.conftest import Swarm
from tests.e2e.tasks.desk import ENDED, MARKETS, SMALL, Desk, occasions
from tests.e2e.tasks.person import Person
from volexswarm.clock import from_ms

pytestmark = pytest.mark.timeout(900)

BLOWS = 4
"""A step may be over in the moment between being seen and being hit."""
PATIENCE = 60.0


@pytest.mark.parametrize("step", ["gather.research", "deliberate"])
def test_killed_while_the_team_is_at_work_it_comes_to_one_ruling_with_every_voice(
    desk: Desk, person: Person, step: str
) -> None:
    story = interrupted(desk, step)
    (ruling,) = story["rulings"]
    assert not ruling["degraded"]
    assert "missing" not in {one["status"] for one in story["steps"]}
    assert_deliberated_once(person, story)


def test_killed_while_it_trades_it_trades_once_and_the_books_are_exact(desk: Desk, person: Person) -> None:
    story = traded_through_it(desk)
    (trade,) = story["trades"]
    assert_deliberated_once(person, story)
    assert {order["state"] for order in trade["orders"]} == {"filled"}
    assert 0 < Decimal(trade["filled"]) <= Decimal(trade["amount"])
    entries = "SELECT count(*) FROM orders WHERE signal_id = %s AND side = 'buy'"
    assert evidence.value(desk.swarm.dsn, entries, trade["signal_id"]) == len(trade["orders"])
    there = evidence.orders_at(desk.swarm.exchange_url)
    assert len(there) == len(set(there))
    evidence.wait_until("books and exchange agree", desk.swarm.books_are_exact, 240)


def interrupted(desk: Desk, step: str) -> Any:
    """The story of an analysis that succeeded though this step of it was killed."""
    for number in range(BLOWS):
        await_candles(desk.swarm)
        with desk.calm():
            task = desk.submit(f"analyze {MARKETS[number % len(MARKETS)]}")
            assert strike_when(desk.swarm, task, lambda steps: steps.get(step) == "started")
            story = desk.await_status(task, "succeeded")
        if any(one["step"] == step and one["runs"] > 1 for one in story["steps"]):
            return story
    raise AssertionError(f"none of {BLOWS} blows hit {step}")


def traded_through_it(desk: Desk) -> Any:
    """The story of a purchase that was killed when its order was about to be raised: the team agrees to one sooner or later."""
    for number in occasions():
        market = MARKETS[number % len(MARKETS)]
        await_candles(desk.swarm)
        with desk.calm():
            task = desk.submit(f"buy {SMALL[market]} {market}")
            if strike_when(desk.swarm, task, lambda steps: "execute" in steps):
                return desk.await_status(task, "succeeded")
    raise AssertionError("the team agreed to no purchase")


def await_candles(swarm: Swarm) -> None:
    """Wait until the candles of this moment have closed: the ticks that a killed function held come again after a while."""
    newest = "SELECT max(opened_at) AS newest FROM candles WHERE closed AND timeframe = '1m' GROUP BY symbol"
    query = f"SELECT min(newest) FROM ({newest}) AS markets"
    asked = httpx.get(f"{swarm.exchange_url}/admin/clock", timeout=10).raise_for_status().json()
    moment = from_ms(asked["simulatedTime"])
    evidence.wait_until("the market's candles closed", lambda: evidence.value(swarm.dsn, query) >= moment, 240)


def strike_when(swarm: Swarm, task: str, moment: Callable[[dict[str, str]], bool]) -> bool:
    """Kill every function's process as soon as the task's steps, by name and status, are so; False if it ended before."""
    end = time.monotonic() + PATIENCE
    with psycopg.connect(swarm.dsn, autocommit=True) as connection:
        while time.monotonic() < end:
            rows = connection.execute("SELECT step, status FROM task_steps WHERE task_id = %s", (task,))
            if moment(dict(rows.fetchall())):
                kill_functions(swarm)
                return True
            ended = connection.execute("SELECT status FROM tasks WHERE id = %s", (task,)).fetchone()
            if ended is not None and ended[0] in ENDED:
                return False
            time.sleep(0.005)
    raise AssertionError(f"task {task} neither ended nor came so far within {PATIENCE:.0f} s")


def kill_functions(swarm: Swarm) -> None:
    """What the emulator runs functions in is gone, all of it at once; the emulator itself lives."""
    state = swarm.cloud.state()
    assert state is not None
    pid = state.part("emulator").pid
    assert pid is not None
    for process in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


def assert_deliberated_once(person: Person, story: Any) -> None:
    (record,) = person.gets(f"/tasks/{story['task']['id']}/deliberations")["deliberations"]
    replayed = person.posts(f"/deliberations/{record['id']}/replay")
    assert (replayed["identical"], replayed["calls"]) == (True, 0)
    assert story["task"]["attempt"] == 1
