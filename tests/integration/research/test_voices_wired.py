"""The seven voices as the state machine calls them: the functions' own wiring, one database connection, answers that are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from math import sin
from typing import Any

import pytest

from chalicelib.agents import compliance, execution, news, research, risk, signal, strategy
from chalicelib.runtime import runs, wiring
from infra.seed import seed
from tests.fakes.api import SETTINGS
from tests.fakes.questions import AS_OF, question
from tests.fakes.transaction import FakeQuoteBoard
from tests.integration.compliance.desk import Unheard
from tests.integration.control.test_wired_modes import forget
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.portfolio import PortfolioTransaction
from volexswarm.messages import Quote, Testimony
from volexswarm.news.model import Draft
from volexswarm.portfolio import ledger, valuation
from volexswarm.valuation import Markets

TASK = question().task_id
VOICES = {
    "research": research.on_task,
    "news-sentiment": news.on_task,
    "signal": signal.on_task,
    "strategy": strategy.on_task,
    "portfolio": execution.on_task,
    "risk": risk.on_task,
    "compliance": compliance.on_task,
}


@pytest.fixture
def desk(records, database_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A seeded system with a day of candles, an open account, fresh quotes, and a running task."""
    seed(database_dsn, "binance", SETTINGS.symbols)
    for place in range(26 * 12):
        close = round(50_000 + 500 * sin(place / 9) + place, 2)
        records.candle(AS_OF - timedelta(minutes=5 * (26 * 12 - place)), close)
    records.insert("watermarks", venue="binance", symbol="BTC/USDT", complete_to=AS_OF, last_trade_id=1)
    _open_books(records)
    records.insert(
        "tasks", id=TASK, kind="trade", priority="high", rank=1, status="running", attempt=1, request="{}",
        symbols=["BTC/USDT"], understood="test", requested_by="ann", idempotency_key="1", reason="started",
        created_at=AS_OF,
    )  # fmt: skip
    database = Database(
        lambda: database_dsn, max_size=1
    )  # as in a function: a nested transaction would wait for itself
    price = Decimal(50_300)
    now = records.clock.now()
    quotes = FakeQuoteBoard(**{"BTC/USDT": Quote(bid=price, ask=price + 1, as_of=AS_OF, received_at=now)})
    forget()
    for name, part in {
        "settings": SETTINGS,
        "database": database,
        "clock": records.clock,
        "quotes": quotes,
        "sender": Unheard(),
    }.items():
        monkeypatch.setattr(wiring, name, lambda part=part: part)
    monkeypatch.setattr(runs, "note", lambda *_, **__: None)
    yield records
    monkeypatch.undo()
    forget()
    database.close()


def _open_books(records) -> None:
    held = {"USDT": Decimal(100_000)}
    with records.store(PortfolioTransaction).transaction() as tx:
        tx.add_account("binance", "main", AS_OF, "simulated")
        tx.post(ledger.of_opening("binance", "main", held, AS_OF), correlation_id=TASK, posted_at=AS_OF)
        worth = valuation.value(held, {}, Markets(SETTINGS.symbols), {}, "USDT")
        tx.add_snapshot("binance", "main", AS_OF, worth, Decimal(100_000), AS_OF)


def ask(name: str) -> Testimony:
    event = {
        "step": f"gather.{name}",
        "task_id": TASK,
        "attempt": 1,
        "question": question().model_dump(mode="json"),
    }
    return Testimony.model_validate_json(json.dumps(VOICES[name](event, None)))


def test_every_voice_testifies_and_its_answer_is_kept(desk) -> None:
    draft = Draft("The Wire", "Bitcoin surges to all-time high", AS_OF - timedelta(hours=2))
    wiring.news_agent().take(draft, submitted_by="ann")
    heard = {name: ask(name) for name in VOICES}
    assert {name: said.missing for name, said in heard.items() if said.missing} == {}
    assert {name: said.agent for name, said in heard.items()} == {name: name for name in VOICES}
    expected = {
        "research": {"return_1d", "trend", "volatility_1h", "liquidity", "spread", "hours"},
        "news-sentiment": {"sentiment", "items", "age_hours", "dispersion"},
        "signal": {"rsi_14", "macd_hist", "ma_spread", "bollinger_position", "atr_share", "last_side"},
        "strategy": {"active", "stance"},
        "portfolio": {"equity", "cash_share", "position_share", "unrealised_share", "drawdown"},
        "risk": {"passed", "room_share", "stop_share", "breakers_open", "halted", "daily_loss", "drawdown"},
        "compliance": {"passed", "restricted", "trades_left_today", "open_flags"},
    }
    assert {name: set(said.features) for name, said in heard.items()} == expected
    assert (heard["strategy"].features["active"], heard["risk"].features["passed"]) == (8.0, 1.0)
    evidence = [one.id for said in heard.values() for one in said.evidence]
    assert len(evidence) == len(set(evidence))
    assert sum(len(said.model_dump_json()) for said in heard.values()) < 40_000
    desk.sql.execute("DELETE FROM candles")
    assert ask("research") == heard["research"]  # answered again, not asked again
    steps = desk.sql.execute("SELECT step, status FROM task_steps").fetchall()
    assert {(row["step"], row["status"]) for row in steps} == {(f"gather.{name}", "done") for name in VOICES}


def test_who_knows_nothing_says_why_and_that_is_kept(desk) -> None:
    desk.sql.execute("DELETE FROM candles")
    desk.sql.execute("UPDATE strategies SET status = 'paused'")
    heard = {name: ask(name) for name in VOICES}
    silent = {name for name, said in heard.items() if said.missing}
    assert silent == {"research", "signal"}
    assert heard["news-sentiment"].features == {"items": 0.0}
    assert heard["strategy"].features == {"active": 0.0}
    steps = desk.sql.execute("SELECT step FROM task_steps WHERE status = 'missing'").fetchall()
    assert {row["step"] for row in steps} == {f"gather.{name}" for name in silent}


def test_research_writes_the_report_of_a_task(desk) -> None:
    event = {"step": "job.research", "task_id": TASK, "attempt": 1, "request": {"symbols": ["BTC/USDT"]}}
    answer = research.on_task(event, None)
    assert answer["words"].startswith("BTC/USDT at ")
    assert answer["summary"] == {"symbols": ["BTC/USDT"], "as_of": AS_OF.isoformat()}
    (kept,) = desk.sql.execute("SELECT id::text FROM market_reports").fetchall()
    assert kept["id"] == answer["id"]
