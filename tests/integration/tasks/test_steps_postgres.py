"""Steps of tasks in PostgreSQL: each counted, answered once, and refused when the task has gone another way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.fakes.transaction import START
from volexswarm.adapters.postgres.database import Connection, Database
from volexswarm.adapters.postgres.task_steps import TaskStepTransaction
from volexswarm.errors import NotFound
from volexswarm.messages import TaskStatus
from volexswarm.tasks.record import Begun, StepKey

TASK = "00000000-0000-4000-8000-000000000001"
KEY = StepKey(TASK, 1, "prepare", None)
LATER = START + timedelta(seconds=3)

_TASK = """
INSERT INTO tasks (id, kind, priority, rank, status, attempt, request, symbols, understood, requested_by, idempotency_key, reason,
    created_at)
VALUES (%s, 'trade', 'medium', 2, 'running', 1, '{}', '{BTC/USDT}', 'buy', 'anna', 'k', 'dispatched', now())
"""


@pytest.fixture
def connection(database_dsn: str) -> Iterator[Connection]:
    database = Database(lambda: database_dsn)
    with database.connection() as opened:
        opened.execute(_TASK, (TASK,))
        yield opened
    database.close()


def test_a_step_counts_its_runs_until_it_has_answered_and_keeps_the_answer(connection: Connection) -> None:
    tx = TaskStepTransaction(connection)
    assert tx.begin_step(KEY, "meta-steps", {"kind": "trade"}, START) == Begun(1, START, None)
    tx.end_step(KEY, "failed", "Unavailable: away", None, LATER)
    assert tx.begin_step(KEY, "meta-steps", {"kind": "trade"}, LATER) == Begun(2, START, None)
    tx.end_step(KEY, "done", "two legs", {"legs": [{"share": 0.1}]}, LATER)
    assert tx.begin_step(KEY, "meta-steps", {"kind": "trade"}, LATER) == Begun(3, START, {"legs": [{"share": 0.1}]})
    row = connection.execute("SELECT status, detail FROM task_steps").fetchone()
    assert row == {"status": "done", "detail": "two legs"}


def test_the_same_step_about_another_symbol_is_another_step(connection: Connection) -> None:
    tx = TaskStepTransaction(connection)
    tx.begin_step(KEY, "research", {}, START)
    assert tx.begin_step(StepKey(TASK, 1, "prepare", "BTC/USDT"), "research", {}, START).run == 1


def test_a_task_stands_as_it_is_stored(connection: Connection) -> None:
    tx = TaskStepTransaction(connection)
    assert tx.standing(TASK) == (TaskStatus.RUNNING, 1)
    with pytest.raises(NotFound):
        tx.standing("no-such-task")


def test_steps_go_with_time_but_those_that_an_orders_story_leads_over(connection: Connection) -> None:
    tx = TaskStepTransaction(connection)
    keys = [KEY, *(StepKey(TASK, 1, "deliberate", symbol) for symbol in ("BTC/USDT", "ETH/USDT"))]
    for key in keys:
        tx.begin_step(key, "meta-steps", {}, START)
    trade = (
        "INSERT INTO task_trades (task_id, attempt, leg, symbol, side, amount, price, worst_price, share, why, mode, signal_id)"
        " VALUES (%s, 1, %s, %s, 'buy', 1, 1, 1, 0.1, 'a trend', 'paper', %s)"
    )
    connection.execute(trade, (TASK, 0, "BTC/USDT", TASK))
    connection.execute(trade, (TASK, 1, "ETH/USDT", None))
    assert tx.forget_steps(LATER) == 0, "its task has not ended"
    connection.execute("UPDATE tasks SET status = 'succeeded', ended_at = %s", (START,))
    assert tx.forget_steps(START) == 0
    assert tx.forget_steps(LATER) == 2
    left = connection.execute("SELECT step, symbol FROM task_steps").fetchall()
    assert left == [{"step": "deliberate", "symbol": "BTC/USDT"}]
