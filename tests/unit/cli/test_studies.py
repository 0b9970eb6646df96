"""Studies of the past on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from chalice.test import Client

from app import app
from tests.fakes.api import FakeSwarm, gateway
from tests.fakes.studied import BACKTEST_ID, DISCOVERY_ID, DRAFT_ID, OPTIMIZATION_ID
from tests.unit.cli.test_commands import Terminal


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Terminal:
    FakeSwarm().install(monkeypatch)
    return Terminal(tmp_path, gateway(Client(app))).log_in()


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["backtests", "list", "--symbol", "btc/usdt"], [BACKTEST_ID[:8], "8640 × 5m", "-1.23%", "+2.00%", "–"]),
        (["backtests", "list", "--symbol", "eth/usdt"], ["made"]),
        (
            ["backtests", "show", BACKTEST_ID[:8]],
            [
                "simulated",
                "period 14; risk policy version 2",
                "the returns do not vary",
                "-2.20",
                "not bought 3 times: a position was held already",
                "assumed: Each side costs",
            ],
        ),
        (["optimizations", "list"], [OPTIMIZATION_ID[:8], "15/15", "+0.40%", "high"]),
        (
            ["optimizations", "show", OPTIMIZATION_ID],
            [
                "+3.00%, Sharpe 2, 9 trades",
                "probability that it is more than luck 61%",
                "mind: some of it was luck",
                "period 30",
            ],
        ),
        (["discoveries", "list"], [DISCOVERY_ID[:8], "done"]),
        (
            ["discoveries", "show", DISCOVERY_ID],
            [DRAFT_ID, "55%", "not searched: macd on BTC/USDT, candles of 5m: too few candles", "mind: No candidate"],
        ),
    ],
)
def test_what_a_command_shows(terminal: Terminal, arguments: list[str], shown: list[str]) -> None:
    result = terminal.run(*arguments)
    assert result.exit_code == 0, result.output
    for words in shown:
        assert words in result.output


@pytest.mark.parametrize("kind", ["backtests", "optimizations", "discoveries"])
def test_what_there_is_not_is_said_so(terminal: Terminal, kind: str) -> None:
    result = terminal.run(kind, "show", "0e9e0000-0000-5000-8000-000000000009")
    assert result.exit_code == 1
    assert "0e9e0000" in result.output
