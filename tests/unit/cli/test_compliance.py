"""Flags, reports, policies and the audit on the command line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from chalice.test import Client

from app import app
from tests.fakes import views
from tests.fakes.api import FakeSwarm, gateway
from tests.unit.cli.test_commands import Terminal
from volexswarm.cli import output
from volexswarm.messages import FlagChanged, PolicyActivated
from volexswarm.rulebook.desk import Wanted


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
        (["flags", "list"], ["0eb3a204", "wash_trade", "binance:BTC/USDT", "rsi-btc at 60000", "open"]),
        (["report", "daily", "--date", "2026-01-04"], ["simulated money", "3,600.50 USDT", "25.0%", "order_value"]),
        (["audit"], ["ann", "halted trading, selling what is held", "the market is broken"]),
        (["policy", "show", "compliance"], ["version 2, by ann", "max_order_value.USDT", "25000", "XMR/USDT"]),
        (["policy", "history", "compliance"], ["too many trades", "max_trades_per_hour 30 → 20", "seed"]),
        (["policy", "diff", "compliance", "max_trades_per_hour=10"], ["max_trades_per_hour", "20 → 10"]),
        (
            ["policy", "what-if", "compliance", "max_trades_per_hour=10", "--since", "7d"],
            [
                "of 400 decisions 5 would have been refused, 2 smaller, 1 allowed",
                "120.50 USDT of losses avoided, 20.00 of profits missed: +100.50 USDT",
                "1 without a price",
                "ma-cross-btc",
                "0a1b2c3d",
                "-12.25",
                "note: first order effects only",
                "no past decision says anything about: flag_escalation_hours",
                "of 400 decisions these checks are kept",
                "for a sale: proposal_fresh in 400",
            ],
        ),
    ],
)  # fmt: skip
def test_what_a_command_shows(terminal: Terminal, arguments: list[str], shown: list[str]) -> None:
    result = terminal.run(*arguments)
    assert result.exit_code == 0, result.output
    flat = " ".join(result.output.split())
    assert [words for words in shown if words not in flat] == []


def test_a_report_is_written_as_csv(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    assert terminal.run("report", "daily", "--date", "2026-01-04", "--csv", str(file)).exit_code == 0
    assert file.read_bytes().startswith(b"table,row,column,value\r\nperiod,1,value,daily\r\n")
    assert terminal.run("report", "daily", "--date", "2026-01-04", "--csv", "-").output.startswith("table,row")
    assert "can't be written" in terminal.run("report", "daily", "--date", "2026-01-04", "--csv", "/no/such").output


def test_a_refused_report_writes_nothing(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    result = terminal.run("report", "daily", "--date", "2026-02-30", "--csv", str(file))
    assert result.exit_code == 1
    assert "date: expected a day that there is" in result.output
    assert not file.exists()


def test_flags_are_answered_with_a_reason(terminal: Terminal, swarm: FakeSwarm) -> None:
    assert terminal.run("flags", "clear", "0eb3a204").exit_code == 2
    result = terminal.run("flags", "escalate", "0eb3a204", "--reason", "too often")
    assert result.output == "wash_trade about binance:BTC/USDT is escalated\n"
    assert terminal.run("flags", "clear", "0eb3a204", "--reason", "known").exit_code == 0
    assert [flag.after for flag in swarm.compliance_store.state.of(FlagChanged)] == ["escalated", "cleared"]


def test_a_policy_is_set_on_the_version_that_was_looked_at(terminal: Terminal, swarm: FakeSwarm) -> None:
    fields = ["max_trades_per_hour=10", "max_order_value.USDT=100", "restricted_symbols=A/B, C/D"]
    result = terminal.run("policy", "set", "compliance", *fields, "--reason", "tighter")
    assert result.exit_code == 0, result.output
    assert "version 3 is in force" in result.output
    (told,) = swarm.policy_store.state.of(PolicyActivated)
    assert (told.reason, told.changed["restricted_symbols"]) == ("tighter", "XMR/USDT → A/B, C/D")
    again = terminal.run("policy", "set", "compliance", "max_trades_per_hour=9", "--reason", "tighter")
    assert again.exit_code == 1  # the reader still shows version 2
    assert "version 3 of policy compliance is in force, not 2" in " ".join(again.output.split())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("restricted_symbols=", []),
        ("restricted_symbols=null", None),
        ('restricted_symbols=["A/B"]', ["A/B"]),
        ("max_order_value.GBP=5", "5"),
        ('max_order_value={"USDT": "1"}', {"USDT": "1"}),
        ("max_trades_per_hour=7", "7"),
    ],
)
def test_how_values_are_written(terminal: Terminal, swarm: FakeSwarm, field: str, value: object) -> None:
    terminal.run("policy", "what-if", "compliance", field)
    (asked,) = [question for question in swarm.asked if isinstance(question[-3:][0], Wanted)]
    assert asked[2] == Wanted(changes={field.partition("=")[0]: value})


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("max_trades_per_hour", "is no FIELD=VALUE"),
        ("max_order_value=5", "name one, as max_order_value.USDT=5"),
        ("restricted_symbols=[", "is no JSON"),
    ],
)
def test_what_is_no_change_is_wrong_usage(terminal: Terminal, field: str, words: str) -> None:
    result = terminal.run("policy", "set", "compliance", field, "--reason", "x")
    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())


def test_a_span_counts_back_from_the_markets_present(terminal: Terminal, swarm: FakeSwarm) -> None:
    terminal.run("policy", "what-if", "compliance", "max_trades_per_hour=1", "--since", "7d", "--until", "2026-01-05")
    *_, since, until = swarm.asked[-1]
    assert since == views.MARKET - timedelta(days=7)
    assert until.isoformat() == "2026-01-05T00:00:00+00:00"
    assert terminal.run("audit", "--since", "soon").exit_code == 2


DEEDS = [
    ("TradingResumed", {}, "let trading go on"),
    ("ModeSwitched", {"before": "simulated", "after": "paper"}, "switched from mode simulated to paper"),
    ("PolicyActivated", {"name": "risk", "version": 3}, "put version 3 of policy risk in force"),
    ("FlagChanged", {"rule": "wash_trade", "after": "open"}, "raised a flag of wash_trade"),
    ("FlagChanged", {"rule": "wash_trade", "after": "cleared"}, "cleared a flag of wash_trade"),
    ("BreakerChanged", {"breaker": "price_move", "before": "closed", "after": "open"}, "price_move: closed → open"),
    ("DifferenceSettled", {"outcome": "accepted"}, "accepted a difference"),
    ("CancelOrder", {}, "asked to cancel an order"),
    ("SignalRaised", {"side": "buy", "amount": "0.10", "symbol": "BTC/USDT"}, "asked to buy 0.1 of BTC/USDT"),
]


@pytest.mark.parametrize(("action", "details", "words"), DEEDS)
def test_the_audit_tells_a_deed_in_plain_words(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, action: str, details: dict[str, object], words: str
) -> None:
    reason = "not there any more at 2026-01-05T12:00:00.123456+00:00"
    told = views.AUDITED.model_copy(update={"action": action, "details": details, "reason": reason})
    monkeypatch.setattr(views, "AUDITED", told)
    monkeypatch.setattr(output, "WIDTH", 240)  # each deed in one line
    flat = " ".join(terminal.run("audit").output.split())
    assert action not in flat
    assert words in flat
    assert "not there any more at 2026-01-05 12:00:00" in flat
    assert "123456" not in flat
