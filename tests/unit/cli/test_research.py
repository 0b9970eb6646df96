"""News, strategies and reports on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from chalice.test import Client

from app import app
from tests.fakes.api import FakeSwarm, gateway
from tests.fakes.learnt import REPORT_ID, STRATEGY_ID
from tests.unit.cli.test_commands import Terminal
from volexswarm.messages import StrategyChanged


@pytest.fixture
def swarm(monkeypatch: pytest.MonkeyPatch) -> FakeSwarm:
    fake = FakeSwarm()
    fake.install(monkeypatch)
    return fake


@pytest.fixture
def terminal(swarm: FakeSwarm, tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, gateway(Client(app))).log_in()


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["strategies", "list", "--symbol", "btc/usdt"], [STRATEGY_ID, "5m", "active", "buy"]),
        (["strategies", "list", "--status", "draft"], []),
        (
            ["strategies", "show", STRATEGY_ID],
            ["may become paused", "fast 10", "12, 50% won, +0.21% of the stake", "1.40", "it has been tested"],
        ),
        (["reports", "list"], [REPORT_ID, "rising"]),
        (["reports", "show", REPORT_ID], ["BTC/USDT at 60000: rising over 24 hours (tau +0.42).", "for 7a5c0000"]),
        (["news", "list"], ["headline"]),
    ],
)
def test_what_a_command_shows(terminal: Terminal, arguments: list[str], shown: list[str]) -> None:
    result = terminal.run(*arguments)
    assert result.exit_code == 0, result.output
    for words in shown:
        assert words in result.output


def test_a_headline_is_handed_in_once(terminal: Terminal) -> None:
    given = ["news", "add", "Ethereum plunges", "--source", "The Wire", "--link", "https://example.org/1"]
    assert "is taken: about ETH/USDT, score -" in terminal.run(*given).output
    assert "was known already" in terminal.run(*given).output
    listed = terminal.run("news", "list", "--symbol", "ETH/USDT").output
    assert "Ethereum plunges" in listed
    assert "Ethereum plunges" not in terminal.run("news", "list", "--symbol", "BTC/USDT").output


def test_a_strategy_is_moved_with_a_reason(terminal: Terminal, swarm: FakeSwarm) -> None:
    refused = terminal.run("strategies", "move", STRATEGY_ID, "archived", "--reason", "it loses")
    assert refused.exit_code == 1
    assert "from there it goes to paused" in refused.output
    moved = terminal.run("strategies", "move", STRATEGY_ID, "paused", "--reason", "it loses")
    assert f"{STRATEGY_ID} is paused" in moved.output
    (told,) = swarm.learnt.playbook.of(StrategyChanged)
    assert (told.actor, told.reason) == ("admin", "it loses")
    assert terminal.run("strategies", "move", STRATEGY_ID, "active").exit_code == 2
