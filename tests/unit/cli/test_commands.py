"""The command line against the real API app: what is shown, what is asked for, and how refusals end."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
from chalice.test import Client
from click.testing import CliRunner, Result

from app import app
from tests.fakes import views
from tests.fakes.api import PASSWORD, FakeSwarm, gateway
from tests.fakes.deliberation_reader import held
from volexswarm.cli import output, trading
from volexswarm.cli.commands import Desk
from volexswarm.cli.main import main
from volexswarm.cli.sessions import Sessions
from volexswarm.errors import Unavailable
from volexswarm.messages import OrderType, SignalRaised
from volexswarm.views.swarm import LogLine, LogLines

URL = "http://127.0.0.1:8004"


class Terminal:
    """Runs commands as one user, with a configuration folder of their own."""

    def __init__(self, folder: Path, transport: httpx.BaseTransport) -> None:
        self.sessions = Sessions(folder / "volexswarm" / "sessions.json")
        self.transport = transport

    def log_in(self, role: str = "admin") -> Terminal:
        self.sessions.put(URL, {"token": f"{role}-token"})
        return self

    def run(self, *arguments: str, stdin: str = "") -> Result:
        return CliRunner().invoke(main, arguments, obj=Desk(URL, self.sessions, transport=self.transport), input=stdin)


@pytest.fixture
def swarm(monkeypatch: pytest.MonkeyPatch) -> FakeSwarm:
    fake = FakeSwarm()
    fake.install(monkeypatch)
    monkeypatch.setattr(trading, "POLL_SECONDS", 0)
    return fake


@pytest.fixture
def terminal(swarm: FakeSwarm, tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, gateway(Client(app)))


READING = [
    (["whoami"], ["admin", "trade:write"]),
    (["status"], ["healthy", "simulated money", "vault", "12 s ago", "BTC/USDT", "4711"]),
    (["agents"], ["strategy-discovery task flows", "orders.fifo", "rate(1 minute)", "the WebSocket API"]),
    (["agent", "risk"], ["Risk agent (core)", "TradeProposed", "signals", "1200", "c0de4711", "KeyError: 'bid'"]),
    (["agent", "risk", "--health"], ["risk is healthy", "database", "unsealed"]),
    (["agent", "realtime-data", "--health"], ["container", "last quote 0.2 s ago"]),
    (["agent", "execution"], ["execution-keeper", "rate(1 minute)"]),
    (["portfolio"], ["simulated money", "99099.1", "missing: equity", "60,500.10", "-0.90 USDT", "0.002 BNB"]),
    (["portfolio", "--history", "--period", "7d"], ["99,875.00 to 100,500.00", "+0.50% without transfers", "█"]),
    (["performance"], ["simulated money", "money-weighted return +0.50%", "Sharpe 1.25", "3.0 days are too few"]),
    (["performance"], ["max drawdown -0.37% 01-04 09:30:00 to 01-04 11:30:00, not recovered", "1:30:00"]),
    (["attribution", "--by", "strategy"], ["ma-cross-btc USDT 5 60.00 4.50 5.70 0.002 BNB", "total USDT 5"]),
    (["lots"], ["BTC/USDT 0.015 60,120.06 901.80 60,500.10 5.70 ma-cross-btc"]),
    (["transfers"], ["withdrawal -250 USDT 1 -250.00 USDT w-77"]),
    (["positions"], ["BTC/USDT", "0.015", "6.60"]),
    (["orders"], ["0a1b2c3d", "market", "60,060.00", "filled"]),
    (["orders", "0a1b2c3d"], ["0a1b2c3d", "filled"]),
    (["protections"], ["0a1b2c3d", "armed", "exchange", "stop 59000, trailing 2 %, profit 63000"]),
    (["cancel", views.SIGNAL_ID, "--reason", "too far"], ["the large order of BTC/USDT", "no further slice is made"]),
    (["cancel", "0e9e", "--reason", "too far"], ["its cancellation is on its way", "volexswarm orders 0e9e0000"]),
    (["trades"], ["0.901 USDT", "60060", "more: --cursor"]),
    (["signals"], ["order filled (0a1b2c3d)", "refused by risk: daily_loss: 512.40", "ma_cross 1m"]),
    (["reconcile"], ["4 open orders, 17 fills", "2 differences repaired, 1 open", "balance", "0.6"]),
    (["reconcile", "--now"], ["a comparison is on its way", "4 open orders"]),
    (["differences", "list", "--state", "open"], ["d1ff0000", "balance", "0.5", "0.6"]),
    (["differences", "accept", "d1ff", "--reason", "an airdrop"], ["accepted: d1ff0000"]),
    (["control"], ["mode simulated, simulated money", "could be: simulated, paper", "open orders: 2", "not halted"]),
    (["halt", "--reason", "it runs wild"], ["TRADING IS HALTED by ann: the market is broken", "halted before"]),
    (["resume", "--reason", "it is mended"], ["trading goes on, by admin: it is mended"]),
    (["mode"], ["account main", "mode simulated, simulated money"]),
    (
        ["mode", "paper", "--reason", "first without money"],
        ["account main-paper", "mode paper, simulated money", "books of account main-paper", "within a minute"],
    ),
    (
        ["risk"],
        ["simulated money", "equity 96,000.05 USDT", "gross_exposure", "6000.05", "6.25 %", "price-move-eth-usdt"],
    ),
    (["breakers", "list"], ["price-move-eth-usdt", "open", "2026-01-04 09:34:00", "12.00 % within 15 min"]),
    (["breakers", "reset", "price-move-eth-usdt", "--reason", "a wrong tick"], ["is closed: a wrong tick"]),
    (["assess", "buy", "btc/usdt"], ["would be approved", "set by max_trade", "stop at", "kill_switch", "ok"]),
    (["assess", "buy", "btc/usdt", "1"], ["would be refused", "per_symbol", "NO"]),
    (["tasks", "list"], ["7a5c0000", "unconfirmed", "buy 0.5 ETH", "awaiting_approval", "anna"]),
    (
        ["tasks", "show", "7a5ca"],
        [
            "trade awaiting_approval",
            "A PERSON IS ASKED: May it buy 0.5 ETH?",
            "above 5 %",
            "ETH/USDT: at this moment 2012, 0.60% worse than 2000, at which it was decided; not ordered above 2020",
            "approvals approve a11e0000",
        ],
    ),
    (
        ["tasks", "show", "7a5ca"],
        ["gather.research ETH/USDT 0.25 s it rises", "ruling on ETH/USDT: buy 10.00%", "de11be7a"],
    ),
    (["tasks", "show", "7a5c0000"], ["“buy 0.5 ETH” by admin", "nothing happens until you confirm it"]),
    (["tasks", "confirm", "7a5c0000"], ["7a5c0000 is waiting: admin confirmed it"]),
    (["tasks", "cancel", "7a5ca", "--reason", "not today"], ["is canceled: admin: not today"]),
    (["tasks", "retry", "7a5cc"], ["is waiting: admin tries it again"]),
    (
        ["approvals", "list"],
        ["a11e0000 open May it buy 0.5 ETH?", "task 7a5ca000 of anna", "then it is a no", "0.60% worse"],
    ),
    (["approvals", "approve", "a11e", "--reason", "small"], ["approved by admin"]),
    (["approvals", "reject", "a11e", "--reason", "too much"], ["rejected by admin"]),
    (["deliberation", held()[1][:12]], ["signal", "verdict:", "strength", "cost: 8 calls (0 repeated)"]),
    (["deliberation", held()[1], "--effects"], ["without each of the team", "news-sentiment", "decisive"]),
    (["replay", "7a5c0000"], ["identical, byte for byte, 0 calls of a model"]),
    (["calibration"], ["signal 40 55.00% 0.240 1.08"]),
    (["task", "analyze", "BTC", "--no-wait"], ["understood: let the team deliberate on BTC/USDT", "follow it:"]),
    (["task", "buy 0.5 ETH"], ["understood: buy 0.5 ETH", "nothing happens until you confirm it"]),
    (["task", "buy 0.5 ETH", "--yes", "--no-wait"], ["understood: buy 0.5 ETH", "follow it:"]),
    (
        [
            "task",
            "--type",
            "trade",
            "--set",
            "symbol=ETH/USDT",
            "--set",
            "side=buy",
            "--set",
            "share=0.10",
            "--no-wait",
        ],
        ["understood: buy ETH for 10 % of the equity"],
    ),
    (["candles", "BTC/USDT"], ["2026-01-04 09:29", "60050.5", "closed"]),
    (["logs", "risk"], ["2026-01-05 12:00:00 done"]),
    (["dlq", "list"], ["orders.fifo", "fills.fifo"]),
    (["dlq", "show", "signals"], ["1 of 3 dead letters", "expected volexswarm.SignalRaised"]),
    (["dlq", "replay", "signals"], ["3 sent again, 0 still dead"]),
]


@pytest.mark.parametrize(("arguments", "shown"), READING, ids=" ".join)
def test_what_a_command_shows(terminal: Terminal, arguments: list[str], shown: list[str]) -> None:
    result = terminal.log_in().run(*arguments)
    assert result.exit_code == 0, result.output
    flat = " ".join(result.output.split())
    for words in shown:
        assert words in flat
    assert max(map(len, result.output.splitlines())) <= 100


TABLES = ["status", "agents", "positions", "orders", "trades", "candles BTC/USDT", "dlq list"]


@pytest.mark.parametrize("arguments", TABLES)
def test_no_cell_is_cut_on_a_terminal_of_80_columns(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    monkeypatch.setattr(output, "WIDTH", 80)
    result = terminal.log_in().run(*arguments.split())
    assert result.exit_code == 0, result.output
    assert "…" not in result.output
    assert max(map(len, result.output.splitlines())) <= 80


def test_a_table_has_one_line_a_row_at_100_columns(terminal: Terminal) -> None:
    header, rule, *rows = terminal.log_in().run("orders").output.strip("\n").splitlines()[-4:]
    assert "market time" in header
    assert "─" in rule
    assert [row.split()[0] for row in rows if row.strip()] == ["0a1b2c3d"]


@pytest.mark.parametrize(("arguments", "_"), [*READING, (["explain", "0a1b"], [])], ids=" ".join)
@pytest.mark.parametrize("before", [True, False], ids=["before the command", "after it"])
def test_json_is_the_data_of_the_api_alone(terminal: Terminal, arguments: list[str], _: Any, before: bool) -> None:
    result = terminal.log_in().run(*(["--json", *arguments] if before else [*arguments, "--json"]))
    assert result.exit_code == 0, result.output
    assert isinstance(json.loads(result.stdout), dict)


def test_explain_tells_every_step_with_its_ids_and_times(terminal: Terminal) -> None:
    result = terminal.log_in().run("explain", "0a1b")
    flat = " ".join(result.output.split())
    steps = [
        views.ORDER_ID,
        views.CHAIN,
        "Tape",
        "3 trades, ids 4709 to 4711",
        "Candle 1m, opened 2026-01-04 09:29:00",
        "Task of admin: a5c00000-0000-4000-8000-00000000000a, attempt 1",
        "approved by alice",
        "deliberation c0ffee00",
        "Signal of ma-cross-btc: buy at 60050.5, stop 59000",
        "fast 60010.5",
        "Risk approved it",
        "daily_loss: 512.40 USDT (limit 500.00 USDT)",
        "2 % of equity at risk",
        "Compliance approved it",
        "client order id vx0a1b2c3d",
        "intended → filled: the exchange's answer",
        "Fills: 0.015 at 60060 on average",
        "Ledger fill BTC/USDT/4712",
        "Position after it: 0.015 at 60060",
        "CandleClosed from market-data",
    ]
    places = [flat.find(step) for step in steps]
    assert -1 not in places, dict(zip(steps, places, strict=True))
    assert places == sorted(places)


def test_a_long_log_line_stays_one_line(terminal: Terminal, swarm: FakeSwarm, monkeypatch: pytest.MonkeyPatch) -> None:
    line = LogLine(at=views.NOW, message="x" * 300, fields=None)
    logs = LogLines(function="risk", since=views.NOW, lines=[line], truncated=False)
    monkeypatch.setattr(swarm, "lines", lambda *_: logs)
    assert "x" * 300 in terminal.log_in().run("logs", "risk").output


HOSTILE = "fine\x1b[2K\x1b]52;c;cm0gLXJm\x07\x00\x9b2J\u202eenif\r"
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")


@pytest.mark.parametrize(
    "arguments",
    [["control"], ["status"], ["control", "--json"], ["logs", "risk"], ["logs", "risk", "--json"]],
    ids=" ".join,
)
def test_words_of_the_server_do_not_steer_the_terminal(
    terminal: Terminal, swarm: FakeSwarm, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    swarm.governing = views.CONTROL.model_copy(update={"halt": views.HALT.model_copy(update={"reason": HOSTILE})})
    line = LogLine(at=views.NOW, message=HOSTILE, fields={"said": HOSTILE})
    logs = LogLines(function="risk", since=views.NOW, lines=[line], truncated=False)
    monkeypatch.setattr(swarm, "lines", lambda *_: logs)

    result = terminal.log_in().run(*arguments)

    assert "fine" in result.output
    assert not STEERING.search(result.output)


def test_cells_of_a_table_do_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.console().print(output.table(["why", "what"], [[HOSTILE, "next"]]))
    written = capsys.readouterr().out
    assert "fine[2K]52;c;cm0gLXJm2Jenif next" in " ".join(written.split())
    assert not STEERING.search(written)


def test_json_is_harmless_and_loses_nothing(terminal: Terminal, swarm: FakeSwarm) -> None:
    swarm.governing = views.CONTROL.model_copy(update={"halt": views.HALT.model_copy(update={"reason": HOSTILE})})
    assert json.loads(terminal.log_in().run("control", "--json").output)["halt"]["reason"] == HOSTILE


def test_colours_are_ours_and_stay(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    output.console().print(output.coloured("filled"))
    assert capsys.readouterr().out == "\x1b[32mfilled\x1b[0m\n"


def test_words_of_a_refusal_do_not_steer_the_terminal(tmp_path: Path) -> None:
    refusal = {"error": {"code": "conflict", "message": HOSTILE}}
    transport = httpx.MockTransport(lambda _: httpx.Response(409, json=refusal))
    result = Terminal(tmp_path, transport).log_in().run("orders", "0a1b")
    assert "fine[2K" in result.output
    assert not STEERING.search(result.output)


def test_login_keeps_the_token_for_its_owner_alone(terminal: Terminal) -> None:
    result = terminal.run("login", "-u", "trader", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert result.exit_code == 0, result.output
    assert "trader (trader) is logged in" in " ".join(result.output.split())
    token = terminal.sessions.token(URL)
    assert token
    assert token not in result.output
    path = terminal.sessions._path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert terminal.sessions.token("http://elsewhere:1") is None


def test_login_reads_the_password_from_a_prompt_or_a_file(terminal: Terminal, tmp_path: Path) -> None:
    prompted = terminal.run("login", "-u", "admin", stdin=f"{PASSWORD}\n")
    assert prompted.exit_code == 0
    assert f"Password of admin at {URL}:" in prompted.output
    secret = tmp_path / "admin-password"
    secret.write_text(f"{PASSWORD}\n")
    assert terminal.run("login", "--password-file", str(secret)).exit_code == 0


def test_logout_forgets_the_token(terminal: Terminal) -> None:
    terminal.log_in()
    assert "logged out" in terminal.run("logout").output
    assert terminal.run("status").exit_code == 1
    assert "not logged in" in terminal.run("logout").output


def test_a_limit_order_asks_for_what_was_typed(terminal: Terminal, swarm: FakeSwarm) -> None:
    result = terminal.log_in("trader").run("trade", "buy", "btc/usdt", "0.0100", "--limit", "59999.50")
    assert result.exit_code == 0, result.output
    (signal,) = swarm.desk.state.of(SignalRaised)
    assert (signal.order_type, str(signal.amount), str(signal.limit_price)) == (OrderType.LIMIT, "0.0100", "59999.50")
    flat = " ".join(result.output.split())
    assert "buy 0.01 BTC/USDT at limit 59999.5, simulated money" in flat
    assert "volexswarm orders --symbol BTC/USDT, and volexswarm explain" in flat


def test_a_repeated_key_trades_once(terminal: Terminal, swarm: FakeSwarm) -> None:
    terminal.log_in()
    for _ in range(2):
        result = terminal.run("trade", "SELL", "BTC/USDT", "1", "--key", "my-request-1")
    assert "had been taken before" in " ".join(result.output.split())
    assert len(swarm.desk.state.published) == 1


def test_wait_follows_the_trade_to_its_fill(terminal: Terminal, swarm: FakeSwarm) -> None:
    waiting = views.SIGNAL.model_copy(update={"outcome": "waiting for risk", "order_id": None})
    swarm.signals_told = [waiting, waiting, views.SIGNAL]
    result = terminal.log_in().run("trade", "BUY", "BTC/USDT", "1", "--wait")
    assert result.exit_code == 0, result.output
    assert f"volexswarm explain {views.ORDER_ID}" in " ".join(result.output.split())


def test_wait_ends_with_1_and_the_reason_when_the_trade_is_refused(terminal: Terminal, swarm: FakeSwarm) -> None:
    swarm.signals_told = [views.REFUSED_SIGNAL]
    result = terminal.log_in().run("trade", "BUY", "BTC/USDT", "1", "--wait")
    assert result.exit_code == 1
    assert "daily_loss: 512.40 USDT (limit 500.00 USDT)" in " ".join(result.output.split())


def test_wait_says_why_the_exchange_rejected_the_order(
    terminal: Terminal, swarm: FakeSwarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    swarm.signals_told = [views.SIGNAL.model_copy(update={"outcome": "order rejected"})]
    rejected = views.ORDER.model_copy(update={"reason": "Filter failure: MIN_NOTIONAL"})
    monkeypatch.setattr(swarm, "order", lambda _: rejected)
    result = terminal.log_in().run("trade", "BUY", "BTC/USDT", "1", "--wait")
    assert result.exit_code == 1
    assert "the exchange: Filter failure: MIN_NOTIONAL" in " ".join(result.output.split())


USAGE = [
    ["nonsense"],
    ["trade"],
    ["trade", "HOLD", "BTC/USDT", "1"],
    ["trade", "BUY", "BTC/USDT", "much"],
    ["trade", "BUY", "BTC/USDT", "0"],
    ["trade", "BUY", "BTC/USDT", "--", "-1"],
    ["trade", "BUY", "BTC/USDT", "NaN"],
    ["trade", "BUY", "BTC/USDT", "1", "--limit", "free"],
    ["trade", "BUY", "BTC/USDT", "1", "--timeout", "0"],
    ["candles"],
    ["candles", "BTC/USDT", "2m"],
    ["candles", "BTC/USDT", "--limit", "0"],
    ["orders", "--state", "lost"],
    ["orders", "--limit", "1000"],
    ["positions", "BTC/USDT"],
    ["portfolio", "--all"],
    ["status", "now"],
    ["agents", "risk"],
    ["whoami", "me"],
    ["logout", "now"],
    ["trades", "--limit", "0"],
    ["signals", "--limit", "many"],
    ["halt"],
    ["halt", "--reason"],
    ["resume"],
    ["mode", "demo"],
    ["mode", "paper"],
    ["mode", "--reason", "why not"],
    ["mode", "live", "--reason", "why not", "--cap", "0"],
    ["control", "now"],
    ["logs"],
    ["logs", "risk", "--limit", "0"],
    ["dlq", "show"],
    ["dlq", "show", "signals", "--limit", "51"],
    ["dlq", "replay"],
    ["dlq", "list", "signals"],
    ["explain"],
    ["explain", ""],
    ["orders", ""],
    ["login", "--password-file", "/no/such/file"],
    ["login", "--password-stdin"],
]


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_wrong_usage_ends_with_2_and_asks_nothing(terminal: Terminal, swarm: FakeSwarm, arguments: list[str]) -> None:
    result = terminal.log_in().run(*arguments)
    assert result.exit_code == 2
    assert "Error" in result.output
    assert swarm.asked == []


def test_a_symbol_may_be_typed_in_small_letters(terminal: Terminal) -> None:
    terminal.log_in()
    assert "BTC/USDT" in terminal.run("candles", "btc/usdt").output
    assert terminal.run("trades", "--symbol", "btc/usdt").exit_code == 0
    assert terminal.run("trade", "buy", "btc/usdt", "0.01").exit_code == 0


REFUSED = [
    (["orders", "ffff0000"], "no order ffff0000"),
    (["orders", "--symbol", "btcusdt"], "symbol"),
    (["orders", "../../login"], "order"),
    (["explain", "ffff0000"], "no order ffff0000"),
    (["trade", "BUY", "DOGE/USDT", "1"], "BTC/USDT, ETH/USDT"),
    (["assess", "buy", "ETH/USDT"], "no price of ETH/USDT"),
    (["halt", "--reason", "x"], "reason"),
    (["mode", "sandbox", "--reason", "why not"], "live, paper"),
    (["mode", "live", "--reason", "why not"], "cap"),
    (["mode", "live", "--reason", "why not", "--cap", "5"], "send the same again with the confirmation c0de"),
    (["candles", "bitcoin"], "symbol"),
    (["candles", "doge/usdt"], "expected one of BTC/USDT, ETH/USDT"),
    (["orders", "--symbol", "doge/usdt"], "expected one of BTC/USDT, ETH/USDT"),
    (["candles", "BTC/USDT", "--before", "noon"], "before"),
    (["logs", "nobody"], "no function nobody"),
    (["logs", "risk", "--since", "yesterday"], "since"),
    (["dlq", "show", "nowhere"], "no queue nowhere"),
    (["dlq", "replay", "nowhere"], "no queue nowhere"),
    (["trades", "--cursor", "!"], "cursor"),
    (["signals", "--cursor", "!"], "cursor"),
]


@pytest.mark.parametrize(
    ("arguments", "reason"), REFUSED, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_a_refusal_ends_with_1_and_says_why(terminal: Terminal, arguments: list[str], reason: str) -> None:
    result = terminal.log_in().run(*arguments)
    assert result.exit_code == 1
    assert reason in " ".join(result.output.split())


@pytest.mark.parametrize(("arguments", "_"), READING, ids=" ".join)
def test_without_a_login_every_command_says_to_log_in(terminal: Terminal, arguments: list[str], _: Any) -> None:
    result = terminal.run(*arguments)
    assert result.exit_code == 1
    assert "volexswarm login" in result.output


def test_a_role_that_may_not_is_told_what_it_lacks(terminal: Terminal) -> None:
    result = terminal.log_in("viewer").run("trade", "BUY", "BTC/USDT", "1")
    assert result.exit_code == 1
    assert "trade:write" in result.output


def test_a_part_that_is_away_is_named(terminal: Terminal, swarm: FakeSwarm) -> None:
    swarm.failing["database"] = Unavailable("database", "refused")
    result = terminal.log_in().run("orders")
    assert result.exit_code == 1
    assert "database does not answer" in result.output


def test_a_halt_stands_above_everything_else(terminal: Terminal, swarm: FakeSwarm) -> None:
    swarm.governing = views.CONTROL.model_copy(update={"halt": views.HALT})
    first, *_ = terminal.log_in().run("status").output.strip().splitlines()
    assert first == "TRADING IS HALTED by ann: the market is broken"
    flat = " ".join(terminal.run("control").output.split())
    assert "3 orders ended canceled what is held is sold as well left: 0.00001 BTC in main" in flat


def test_real_money_is_named_and_confirmed(terminal: Terminal, swarm: FakeSwarm) -> None:
    terminal.log_in()
    asked = ["mode", "live", "--reason", "the tests are over", "--cap", "250"]
    assert terminal.run(*asked).exit_code == 1
    result = terminal.run(*asked, "--confirm", "c0de")
    assert result.exit_code == 0, result.output
    assert "mode live, REAL MONEY, at most 250" in " ".join(result.output.split())


def test_nobody_can_say_what_is_in_force_while_the_database_is_away(terminal: Terminal, swarm: FakeSwarm) -> None:
    swarm.failing["database"] = Unavailable("database", "refused")
    assert "account –" in " ".join(terminal.log_in().run("status").output.split())


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused", request=request)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (away, "is the swarm up? make up"),
        (lambda _: httpx.Response(200, text="<html>hello</html>"), "no VolexSwarm"),
        (lambda _: httpx.Response(502, json={"message": "Internal server error"}), "is the swarm up? make up"),
    ],
    ids=["nobody listens", "somebody else answers", "the function is not there"],
)
def test_no_answer_ends_with_3(tmp_path: Path, answer: Any, words: str) -> None:
    result = Terminal(tmp_path, httpx.MockTransport(answer)).log_in().run("status")
    assert result.exit_code == 3
    assert words in " ".join(result.output.split())


def test_a_trade_without_an_answer_tells_the_key_to_repeat_it_with(tmp_path: Path) -> None:
    result = (
        Terminal(tmp_path, httpx.MockTransport(away))
        .log_in()
        .run("trade", "BUY", "BTC/USDT", "1", "--key", "k-12345678")
    )
    assert result.exit_code == 3
    assert "repeat it with --key k-12345678" in result.output


@pytest.mark.parametrize("asked", [["trade", "BUY", "BTC/USDT", "1"], ["task", "buy 0.5 ETH"]], ids=["trade", "task"])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_whether_a_request_was_taken_that_failed_inside_is_not_known(
    tmp_path: Path, asked: list[str], status: int
) -> None:
    sent: list[httpx.Request] = []

    def lost(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(status, json={"error": {"code": "unavailable", "message": "the database went away"}})

    result = Terminal(tmp_path, httpx.MockTransport(lost)).log_in().run(*asked)

    assert result.exit_code == 3
    assert "the database went away" in result.output
    assert f"repeat it with --key {sent[0].headers['Idempotency-Key']}" in result.output


def test_a_trade_that_is_refused_is_not_to_be_repeated(terminal: Terminal) -> None:
    result = terminal.log_in("viewer").run("trade", "BUY", "BTC/USDT", "1")
    assert result.exit_code == 1
    assert "--key" not in result.output


def test_every_command_has_help(terminal: Terminal) -> None:
    for name, command in main.commands.items():
        assert command.help, name
        if isinstance(command, click.Group):
            assert all(part.help for part in command.commands.values())


def test_a_trade_takes_its_ways_out_and_says_what_is_wrong_with_them(terminal: Terminal, swarm: FakeSwarm) -> None:
    terminal.log_in()
    ways = ["--stop", "59000", "--take-profit", "70000", "--trail", "2%", "--max-holding", "4h"]
    result = terminal.run("trade", "buy", "btc/usdt", "0.01", *ways)
    assert result.exit_code == 0, result.output
    (signal,) = swarm.desk.state.of(SignalRaised)
    assert signal.protection is not None
    assert signal.protection.model_dump(mode="json") == {
        "stop_price": "59000",
        "take_profit_price": "70000",
        "trailing_share": "0.02",
        "max_holding": 14_400,
    }
    assert "as 2% or 0.02" in terminal.run("trade", "buy", "btc/usdt", "1", "--trail", "200%").output
    for holding in ("soon", "0s"):
        flat = " ".join(terminal.run("trade", "buy", "btc/usdt", "1", "--max-holding", holding).output.split())
        assert "a number above 0 with s, m, h or d, as 4h" in flat


def test_a_trade_may_wait_for_its_price(terminal: Terminal, swarm: FakeSwarm) -> None:
    terms = ["--type", "stop_loss_limit", "--trigger", "61000", "--limit", "61500"]
    result = terminal.log_in().run("trade", "buy", "btc/usdt", "0.01", *terms)
    assert "stop_loss_limit 61000, then limit 61500" in " ".join(result.output.split())
    (signal,) = swarm.desk.state.of(SignalRaised)
    assert (signal.order_type, signal.trigger_price) == (OrderType.STOP_LOSS_LIMIT, 61000)
    result = terminal.run("trade", "buy", "btc/usdt", "0.01", "--limit", "50000", "--tif", "post_only")
    assert result.exit_code == 0, result.output
