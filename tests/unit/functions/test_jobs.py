"""The handlers of studies: what a task's request becomes, and what goes back to the state machine."""

from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib.agents import backtest, discovery, optimize
from chalicelib.runtime import wiring
from tests.fakes.task_steps import FakeStepTransaction
from tests.fakes.transaction import FakeStore, FixedClock
from volexswarm.backtest.model import Outcome
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import TaskStatus
from volexswarm.tasks import requests
from volexswarm.tasks.record import StepRecord

TOLD = Outcome("b1", {"trades": 3.0, "sharpe": None}, "It went well.")
ANSWER = {"id": "b1", "summary": {"trades": 3.0, "sharpe": None}, "words": "It went well."}


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 123_000


@pytest.fixture(autouse=True)
def taken(monkeypatch):
    """What each agent was asked for, and how much time it was told to have."""
    seen: dict[str, Any] = {}

    def agent(name: str, method: str) -> None:
        def ask(wanted: Any) -> Outcome:
            seen.update(wanted=wanted, left=wiring.call_time()())
            return TOLD

        monkeypatch.setattr(wiring, name, lambda: SimpleNamespace(**{method: ask}))

    agent("backtest_agent", "backtest")
    agent("optimize_agent", "optimize")
    agent("discovery_agent", "discover")
    monkeypatch.setattr(wiring, "settings", lambda: SimpleNamespace(venue="binance"))
    monkeypatch.setattr(wiring, "run_log", lambda: SimpleNamespace(note=lambda run: None))
    record = StepRecord(FakeStore(FakeStepTransaction(t1=(TaskStatus.RUNNING, 2))), FixedClock())
    monkeypatch.setattr(wiring, "step_record", lambda: record)
    return seen


def event(step: str, **request: Any) -> dict[str, Any]:
    """As the state machine calls: the request is that of the task, in JSON."""
    return {"step": step, "task_id": "t1", "attempt": 2, "request": requests.read(request).model_dump(mode="json")}


def test_a_backtest_is_run_as_the_task_asks(taken):
    wanted = event("job.backtest", kind="backtest", strategy="rsi", symbol="BTC/USDT", parameters={"period": 7})
    assert backtest.on_task(wanted, Context()) == ANSWER
    asked = taken["wanted"]
    assert (asked.venue, asked.strategy, asked.symbol, asked.timeframe, asked.days) == (
        "binance", "rsi", "BTC/USDT", None, 30,
    )  # fmt: skip
    assert (asked.task_id, asked.attempt, asked.parameters) == ("t1", 2, {"period": 7})


def test_a_search_knows_its_budget_and_the_time_that_is_left(taken):
    wanted = event("job.optimize", kind="optimize", strategy="macd", symbol="ETH/USDT", timeframe="5m", budget_runs=12)
    assert optimize.on_task(wanted, Context()) == ANSWER
    assert (taken["wanted"].timeframe, taken["wanted"].runs, taken["wanted"].step) == (Timeframe.M5, 12, "job.optimize")
    assert taken["left"] == 123.0


def test_a_search_without_a_budget_has_the_usual_one(taken):
    optimize.on_task(event("job.optimize", kind="optimize", strategy="macd", symbol="ETH/USDT"), Context())
    assert taken["wanted"].runs == 45


def test_a_discovery_looks_at_each_market_once(taken):
    wanted = event("job.discover", kind="discover", symbols=["BTC/USDT", "ETH/USDT", "BTC/USDT"], days=7)
    assert discovery.on_task(wanted, Context()) == ANSWER
    assert (taken["wanted"].symbols, taken["wanted"].days) == (("BTC/USDT", "ETH/USDT"), 7)
