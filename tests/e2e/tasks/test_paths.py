"""Every way that a task can go on a whole swarm: from words over the team and a person's word to fills, or to a told end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.e2e import evidence
from tests.e2e.tasks.desk import SMALL, Desk

pytestmark = pytest.mark.timeout(1800)

VOICES = {"research", "news-sentiment", "signal", "strategy", "portfolio", "risk", "compliance"}


@pytest.fixture(scope="module", autouse=True)
def unanswered(desk: Desk, asked_about_everything: None) -> str:
    """A task that asks a person who never answers; it has a minute, in which the other ways are gone."""
    desk.policy("tasks", approval_minutes="1")
    story = desk.asking()
    desk.policy("tasks", approval_minutes="30")
    return str(story["task"]["id"])


def raised(desk: Desk, story: Any) -> int:
    """Signals that the task raised."""
    query = "SELECT count(*) FROM task_trades WHERE task_id = %s AND signal_id IS NOT NULL"
    return int(evidence.value(desk.swarm.dsn, query, story["task"]["id"]))


def test_approved_it_trades_and_explains_itself_from_the_words_to_the_fill(desk: Desk) -> None:
    story = desk.asking()
    assert raised(desk, story) == 0
    assert desk.execution(story) == "RUNNING"
    heard = {step["step"].removeprefix("gather.") for step in story["steps"] if step["step"].startswith("gather.")}
    assert heard == VOICES
    desk.decide(story, "approve")
    done = desk.await_status(story["task"]["id"], "succeeded")
    [trade] = done["trades"]
    assert Decimal(trade["filled"]) > 0
    assert {order["state"] for order in trade["orders"]} == {"filled"}
    told = "\n".join(done["explanation"])
    for words in ("In their words: “buy", "the team's ruling is buy", "Approved by admin", "Fill: ", "fees "):
        assert words in told
    statuses = [change["after"] for change in done["transitions"]]
    assert statuses == ["unconfirmed", "waiting", "running", "awaiting_approval", "running", "succeeded"]
    assert desk.execution(done) == "SUCCEEDED"
    chain = desk.swarm.answers("explain", trade["orders"][0]["id"])
    assert chain["signal"]["id"] == trade["signal_id"]


def test_rejected_it_trades_nothing(desk: Desk) -> None:
    story = desk.asking()
    desk.decide(story, "reject")
    done = desk.await_status(story["task"]["id"], "rejected")
    assert done["task"]["reason"] == "rejected by admin: as the test wants it"
    assert raised(desk, done) == 0
    assert desk.swarm.runs("approvals", "approve", story["approval"]["id"], "--reason", "late").returncode != 0


def test_a_veto_of_compliance_ends_it_and_nobody_is_asked(desk: Desk) -> None:
    desk.policy("compliance", restricted_symbols="BTC/USDT")
    try:
        done = desk.await_status(desk.submit(f"buy {SMALL['BTC/USDT']} BTC/USDT"), "rejected")
    finally:
        desk.policy("compliance", restricted_symbols="")
    assert "vetoed by" in done["task"]["reason"]
    assert "compliance" in done["task"]["reason"]
    assert done["approval"] is None
    assert raised(desk, done) == 0


def test_without_an_optional_voice_the_team_decides_and_says_who_was_missing(desk: Desk) -> None:
    with desk.broken("strategy"):
        done = desk.await_status(desk.submit("analyze ETH/USDT"), "succeeded")
    [ruling] = done["rulings"]
    assert ruling["degraded"]
    assert "strategy" in ruling["abstained"]
    assert any("strategy: no opinion: it could not answer" in line for line in done["explanation"])


def test_without_compliance_nothing_is_traded(desk: Desk) -> None:
    with desk.broken("compliance-voice"):
        done = desk.await_status(desk.submit(f"buy {SMALL['BTC/USDT']} BTC/USDT"), "rejected")
    [ruling] = done["rulings"]
    assert (ruling["action"], "compliance" in ruling["vetoed_by"]) == ("hold", True)
    assert raised(desk, done) == 0


def test_what_the_exchange_refuses_fails_with_its_words(desk: Desk) -> None:
    story = desk.asking()
    exchange = httpx.Client(base_url=desk.swarm.exchange_url, timeout=10)
    fault = {"kind": "error", "route": "POST /api/v3/order", "code": -2010, "message": "not today", "count": 1000}
    exchange.post("/admin/faults", json=fault).raise_for_status()
    try:
        desk.decide(story, "approve")
        done = desk.await_status(story["task"]["id"], "failed")
    finally:
        exchange.delete("/admin/faults").raise_for_status()
    assert "was not executed: rejected" in done["task"]["reason"]
    assert "not today" in done["task"]["reason"]
    assert desk.execution(done) == "SUCCEEDED"
    again = desk.swarm.runs("tasks", "retry", done["task"]["id"])
    assert again.returncode != 0
    assert "has traded already" in again.stderr


def test_canceled_it_stops_where_it_is_and_can_not_be_approved_any_more(desk: Desk) -> None:
    story = desk.asking()
    task = story["task"]["id"]
    canceled = desk.swarm.answers("tasks", "cancel", task, "--reason", "changed my mind")
    assert (canceled["task"]["status"], canceled["done"]) == ("canceled", [])
    late = desk.swarm.runs("approvals", "approve", story["approval"]["id"], "--reason", "late")
    assert late.returncode != 0
    evidence.wait_until("the execution is stopped", lambda: desk.execution(story) == "ABORTED", 30)
    assert raised(desk, story) == 0
    assert desk.story(task)["task"]["reason"] == "admin: changed my mind"


@pytest.mark.parametrize(
    "words",
    [
        "research BTC/USDT",
        "report today",
        "backtest rsi on BTC/USDT at 1m over 1 days",
        "optimize ma_cross on BTC/USDT at 1m over 1 days",
        "discover strategies on ETH/USDT over 1 days",
    ],
)
def test_every_other_kind_of_task_answers_or_says_what_it_lacks(desk: Desk, words: str) -> None:
    done = desk.await_status(desk.submit(words), "succeeded", "failed", seconds=900)
    assert done["explanation"]
    if done["task"]["status"] == "failed":  # a young market may have too few candles: then it says so
        assert "candles" in done["task"]["reason"]


def test_when_nobody_answers_in_time_that_is_a_no(desk: Desk, unanswered: str) -> None:
    done = desk.await_status(unanswered, "rejected")
    assert done["task"]["reason"] == "expired by system: nobody answered in time"
    assert raised(desk, done) == 0


def test_the_books_are_exact_in_the_end(desk: Desk) -> None:
    evidence.wait_until("books and exchange agree", desk.swarm.books_are_exact, 120)
