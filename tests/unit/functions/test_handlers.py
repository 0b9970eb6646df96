"""Handlers: registered as the registry says, light to import, and answering in the form that Lambda understands."""

import json
import random
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from chalicelib import agents
from chalicelib.agents import execution, risk
from chalicelib.runtime import wiring
from chalicelib.runtime.batch import Batch, Drill
from chalicelib.runtime.wakers import registered
from tests.unit.functions.deliveries import RecordedDeliveries
from volexswarm.agents import Layer, functions
from volexswarm.errors import Unavailable

TICK = {
    "version": "0",
    "id": "1",
    "account": "000000000000",
    "region": "us-east-1",
    "detail": {},
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "time": "2026-01-05T12:00:00Z",
    "resources": [],
}

ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("autogen_agentchat", "autogen_core", "boto3", "ccxt", "numpy", "pandas", "psycopg", "ta")

MODULES = {
    "api-handler": "app",
    "authorizer": "chalicelib.api.authorizer",
    **{
        function.name: f"chalicelib.agents.{module}"
        for module, names in {
            "market_data": ("market-data",),
            "signal": ("signal", "signal-voice"),
            "risk": ("risk", "risk-voice"),
            "compliance": ("compliance", "compliance-voice"),
            "execution": ("execution-orders", "execution-fills", "execution-keeper", "portfolio-voice"),
            "research": ("research",),
            "news": ("news-sentiment",),
            "strategy": ("strategy",),
            "backtest": ("backtest",),
            "optimize": ("optimize",),
            "discovery": ("strategy-discovery",),
            "monitor": ("monitor-events", "monitor-keeper"),
            "meta": ("meta-tasks", "meta-steps", "meta-keeper"),
            "deliberation": ("meta-deliberate", "meta-read"),
            "push": ("meta-broadcast", "meta-websocket"),
        }.items()
        for function in map(registered, names)
    },
}


def test_every_function_has_its_module():
    assert set(MODULES) == {function.name for function in functions()}
    assert len(agents.blueprints()) == len({module for module in MODULES.values() if ".agents." in module})


@pytest.mark.parametrize("module", sorted(set(MODULES.values())))
def test_importing_a_function_loads_no_heavy_module(module):
    """Packages are imported when the first message needs them, and only by functions that have the layer."""
    program = (
        f"import sys, json, importlib; importlib.import_module({module!r}); print(json.dumps(sorted(sys.modules)))"
    )
    path = f"{ROOT / 'functions'}:{ROOT / 'layers'}"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env={"PYTHONPATH": path}, capture_output=True, text=True, check=True)
    assert not set(HEAVY) & set(json.loads(done.stdout))


def test_only_who_computes_indicators_has_the_analytics_layer():
    assert {f.name for f in functions() if Layer.ANALYTICS in f.layers} == {
        *("signal", "signal-voice"),
        *("backtest", "optimize", "strategy-discovery"),  # they ask strategies as signal does
    }


@pytest.fixture
def deliveries(monkeypatch):
    recorded = RecordedDeliveries()
    monkeypatch.setattr(wiring, "batch", lambda: Batch(recorded, Drill(0, random.Random(1))))
    return recorded


def test_a_handler_answers_with_the_failed_messages(monkeypatch, deliveries):
    class Agent:
        def assess(self, event):
            raise AssertionError("never reached: the message is no event")

    monkeypatch.setattr(wiring, "risk_agent", Agent)
    record = {
        "messageId": "1",
        "receiptHandle": "r",
        "body": "{}",
        "eventSourceARN": "arn:aws:sqs:r:1:volexswarm-signals",
        "attributes": {"ApproximateReceiveCount": "1"},
    }
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 20_000)
    assert risk.on_signals({"Records": [record]}, context) == {"batchItemFailures": []}
    assert [name for name, _ in deliveries.buried] == ["1"]


def test_the_keeper_looks_after_the_books_of_every_account_that_trades_or_has_any(monkeypatch):
    done = []

    class Books:
        def __init__(self, account):
            self.account = account

        def open_account(self):
            done.append(("opened", self.account))
            if self.account == "main":
                raise Unavailable("exchange", "silent")

        def look(self):
            done.append(("compared", self.account))

        def snapshot(self):
            done.append(("valued", self.account))

    chores = SimpleNamespace(
        look_after=lambda: done.append(("looked", "")), resolve_open=lambda: done.append(("resolved", ""))
    )
    for name in ("halting", "execution_agent", "slicer", "guard"):
        monkeypatch.setattr(wiring, name, lambda: chores)
    monkeypatch.setattr(wiring, "accounts", lambda: ["main", "main-paper"])
    monkeypatch.setattr(wiring, "portfolio_agent", Books)
    monkeypatch.setattr(wiring, "reconciler", Books)
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
    execution.on_schedule(TICK, context)
    for act in ("opened", "compared", "valued"):
        assert sorted(account for what, account in done if what == act) == ["main", "main-paper"]


@pytest.mark.parametrize(("handler", "event"), [(execution.on_orders, {"Records": []}), (execution.on_schedule, TICK)])
def test_the_exchange_is_asked_for_as_long_as_the_call_lasts(monkeypatch, deliveries, handler, event):
    def away():
        raise Unavailable("database", "away")

    monkeypatch.setattr(wiring, "accounts", away)
    wiring.call_time.cache_clear()
    handler(event, SimpleNamespace(get_remaining_time_in_millis=lambda: 12_000))
    assert wiring.call_time()() == 12


def test_the_keeper_waits_for_a_database_that_is_away(monkeypatch):
    def away():
        raise Unavailable("database", "away")

    monkeypatch.setattr(wiring, "accounts", away)
    execution.on_schedule(TICK, None)
