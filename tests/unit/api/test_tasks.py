"""Tasks over HTTP: who may ask for what, what bad input is told, and what a person's word does."""

from __future__ import annotations

from typing import Any

import pytest
from chalice.test import Client

from tests.fakes import views
from tests.fakes.api import FakeSwarm
from tests.unit.api.test_routes import ask, error_of
from volexswarm.messages import TaskStatus
from volexswarm.security.roles import Role

TRADE: dict[str, Any] = {"type": "trade", "parameters": {"symbol": "ETH/USDT", "side": "buy", "amount": "0.5"}}

BACKTEST: dict[str, Any] = {"type": "backtest", "parameters": {"strategy": "ma_cross", "symbol": "BTC/USDT"}}


def test_words_that_move_money_wait_for_their_author_and_say_so(client: Client, swarm: FakeSwarm) -> None:
    taken = ask(client, "POST", "/task", {"words": "put 20 % into BTC/USDT if the trend holds"}).json_body["data"]
    task = taken["task"]
    assert (task["status"], task["moves_money"]) == ("unconfirmed", True)
    assert "20 %" in task["understood"]
    assert f"/tasks/{task['id']}/confirm" in taken["next"]
    assert ask(client, "POST", f"/tasks/{task['id']}/confirm").json_body["data"]["status"] == "waiting"


def test_the_same_key_gives_the_same_task_and_another_wish_under_it_is_refused(client: Client) -> None:
    first = ask(client, "POST", "/task", TRADE).json_body["data"]
    again = ask(client, "POST", "/task", TRADE).json_body["data"]
    assert (first["repeated"], again["repeated"], again["task"]["id"]) == (False, True, first["task"]["id"])
    assert ask(client, "POST", "/task", {"words": "analyze BTC"}).status_code == 409


@pytest.mark.parametrize(
    ("role", "body", "status"),
    [
        (Role.TRADER, TRADE, 202),
        (Role.ANALYST, TRADE, 403),
        (Role.ANALYST, {"words": "analyze BTC"}, 202),
        (Role.VIEWER, {"words": "analyze BTC"}, 403),
    ],
)
def test_who_may_trade_may_ask_for_trades(client: Client, role: Role, body: Any, status: int) -> None:
    assert ask(client, "POST", "/task", body, role=role).status_code == status


@pytest.mark.parametrize("kind", [{"type": "analyze"}, {}])
def test_a_trade_can_not_be_hidden_among_the_parameters_of_something_harmless(
    client: Client, swarm: FakeSwarm, kind: Any
) -> None:
    hidden = {**kind, "parameters": {**TRADE["parameters"], "kind": "trade"}}
    before = dict(swarm.tasks.state.tasks)
    response = ask(client, "POST", "/task", hidden, role=Role.ANALYST)
    assert response.status_code == 400
    assert "parameters.kind" in error_of(response)["message"]
    assert swarm.tasks.state.tasks == before


def test_an_analysts_words_that_move_money_are_never_confirmed_by_one(client: Client) -> None:
    taken = ask(client, "POST", "/task", {"words": "buy 0.5 ETH"}, role=Role.ANALYST).json_body["data"]
    path = f"/tasks/{taken['task']['id']}/confirm"
    assert ask(client, "POST", path, role=Role.ANALYST).status_code == 403
    assert ask(client, "POST", path, role=Role.TRADER).status_code == 409  # somebody else's words


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "either a typed request or words"),
        ({"words": "analyze BTC", **TRADE}, "either a typed request or words"),
        ({"type": "trade", "parameters": {"symbol": "ETH/USDT", "side": "buy"}}, "exactly one of amount"),
        ({"type": "trade", "parameters": {"symbol": "DOGE/USDT", "side": "buy", "amount": "1"}}, "one of BTC/USDT"),
        ({"type": "trade", "parameters": {"symbol": "ETH/USDT", "side": "hold", "amount": "1"}}, "side"),
        ({"type": "gamble"}, "type"),
        ({"parameters": {"symbols": ["BTC/USDT"]}}, "type"),
        ({"type": "trade", "parameters": {**TRADE["parameters"], "kind": "trade"}}, "parameters.kind"),
        ({"words": "analyze BTC", "priority": "now"}, "priority"),
        ({"words": "analyze BTC", "deadline": "2026-01-01"}, "deadline"),
        ({"words": "analyze BTC", "deadline": "9999-12-31T23:59:59-14:00"}, "years 1 to 9999"),
        ({**BACKTEST, "parameters": {**BACKTEST["parameters"], "parameters": {"fast": "1e999"}}}, "fast"),
        ({**BACKTEST, "parameters": {**BACKTEST["parameters"], "parameters": {"fast": "nan"}}}, "fast"),
        ({**BACKTEST, "parameters": {**BACKTEST["parameters"], "parameters": {"fast\0": 5}}}, "parameters"),
        ({"words": "analyze BTC", "deadline": "2000-01-01T00:00:00Z"}, "still to come"),
        ({"words": "analyze BTC", "depends_on": ["7a5c"]}, "depends_on"),
        ({"words": "analyze BTC", "depends_on": ["00000000-0000-5000-8000-000000000000"]}, "submitted before"),
        ({"words": "x" * 501}, "words"),
    ],
)
def test_bad_tasks_are_refused_in_words(client: Client, swarm: FakeSwarm, body: Any, said: str) -> None:
    before = dict(swarm.tasks.state.tasks)
    response = ask(client, "POST", "/task", body)
    assert response.status_code == 400
    assert said in error_of(response)["message"]
    assert swarm.tasks.state.tasks == before


def test_a_task_needs_its_own_idempotency_key(client: Client) -> None:
    assert ask(client, "POST", "/task", TRADE, **{"Idempotency-Key": "short"}).status_code == 400


def test_somebody_elses_task_is_canceled_by_who_controls_agents(client: Client, swarm: FakeSwarm) -> None:
    path, why = f"/tasks/{views.ASKING_TASK_ID}/cancel", {"reason": "not today"}
    assert ask(client, "POST", path, why, role=Role.ANALYST).status_code == 403
    assert ask(client, "POST", path, why, role=Role.TRADER).json_body["data"]["task"]["status"] == "canceled"
    assert swarm.tasks.now(views.ASKING_TASK_ID).status is TaskStatus.CANCELED
    assert ask(client, "POST", path, why, role=Role.TRADER).status_code == 409


def test_a_trade_is_tried_again_by_who_may_trade(client: Client) -> None:
    path = f"/tasks/{views.CANCELED_TASK_ID}/retry"
    assert ask(client, "POST", path, role=Role.ANALYST).status_code == 403
    assert ask(client, "POST", path, role=Role.TRADER).json_body["data"]["attempt"] == 2


def test_an_approval_is_decided_once(client: Client, swarm: FakeSwarm) -> None:
    path = f"/approvals/{views.APPROVAL_ID}"
    no = {"verdict": "rejected", "reason": "too much"}
    assert ask(client, "GET", "/approvals").json_body["data"]["items"][0]["verdict"] is None
    assert ask(client, "POST", path, no, role=Role.ANALYST).status_code == 403
    decided = ask(client, "POST", path, no, role=Role.TRADER).json_body["data"]
    assert (decided["verdict"], decided["actor"], decided["reason"]) == ("rejected", "trader", "too much")
    assert ask(client, "POST", path, no, role=Role.TRADER).status_code == 200
    assert ask(client, "POST", path, {"verdict": "approved", "reason": "yes"}).status_code == 409
    assert ask(client, "GET", "/approvals").json_body["data"]["items"] == []
    assert swarm.tasks.flows.answers == [("token", {"verdict": "rejected"})]


@pytest.mark.parametrize("path", ["/tasks/00000000", "/approvals/00000000", "/tasks/00000000/confirm"])
def test_what_is_not_there_is_not_found(client: Client, path: str) -> None:
    method, body = ("GET", None) if path.startswith("/tasks/0") and path.count("/") == 2 else ("POST", None)
    body = {"verdict": "approved", "reason": "it is small"} if "approvals" in path else body
    assert ask(client, method, path, body).status_code == 404
