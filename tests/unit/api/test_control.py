"""The kill switch and the mode over HTTP: who may, what is answered, and how real money is confirmed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from chalice.test import Client

from tests.fakes import views
from tests.fakes.api import FakeSwarm
from tests.unit.api.test_routes import TRADE, ask, error_of
from volexswarm.messages import ModeSwitched, TradingHalted, TradingResumed
from volexswarm.security.roles import Role

LIVE = {"mode": "live", "reason": "the tests are over", "cap": "250.50"}


@pytest.fixture
def trading(swarm: FakeSwarm) -> FakeSwarm:
    swarm.control_store.state.halt = None
    return swarm


@pytest.mark.parametrize("role", [Role.ADMIN, Role.TRADER])
def test_whoever_may_trade_may_stop_all_trading(client: Client, trading: FakeSwarm, role: Role) -> None:
    data = ask(client, "POST", "/halt", {"reason": "it runs wild"}, role=role).json_body["data"]
    assert (data["repeated"], data["halt"]["actor"], data["halt"]["flatten"]) == (False, role.value, False)
    (halted,) = trading.control_store.state.of(TradingHalted)
    assert (halted.halt_id, halted.reason) == (data["halt"]["id"], "it runs wild")


def test_lifting_says_who_and_why(client: Client, swarm: FakeSwarm) -> None:
    data = ask(client, "POST", "/resume", {"reason": "it is mended"}).json_body["data"]
    assert data == {"halt_id": views.HALT.id, "resumed_by": "admin", "reason": "it is mended"}
    assert [event.reason for event in swarm.control_store.state.of(TradingResumed)] == ["it is mended"]


def test_what_is_not_halted_can_t_be_lifted(client: Client, trading: FakeSwarm) -> None:
    response = ask(client, "POST", "/resume", {"reason": "it is mended"})
    assert (response.status_code, error_of(response)["message"]) == (409, "trading is not halted")


def test_real_money_is_asked_for_twice(client: Client, swarm: FakeSwarm) -> None:
    first = ask(client, "POST", "/mode", LIVE)
    assert (first.status_code, error_of(first)["code"]) == (428, "confirmation_required")
    assert swarm.control_store.state.mode.mode == "simulated"
    code = error_of(first)["details"]["confirmation"]
    second = ask(client, "POST", "/mode", LIVE | {"confirm": code})
    assert second.status_code == 200
    data = second.json_body["data"]
    assert (data["mode"], data["simulated"], data["cap"], data["account"]) == ("live", False, "250.50", "main")
    assert [(e.before, e.after, e.actor) for e in swarm.control_store.state.of(ModeSwitched)] == [
        ("simulated", "live", "admin")
    ]


def test_a_trade_while_halted_is_refused_at_once_in_words(client: Client, swarm: FakeSwarm) -> None:
    swarm.desk.state.state = replace(swarm.desk.state.state, halt="halted by ann: it runs wild")
    response = ask(client, "POST", "/trade", TRADE)
    assert response.status_code == 409
    assert "halted by ann: it runs wild" in error_of(response)["message"]
    assert swarm.desk.state.published == []
    assert swarm.desk.state.signals == {}


@pytest.mark.parametrize(("mode", "simulated"), [("paper", True), ("live", False)])
def test_the_status_says_what_is_in_force(client: Client, swarm: FakeSwarm, mode: Any, simulated: bool) -> None:
    trading = views.CONTROL.trading.model_copy(update={"mode": mode, "simulated": simulated, "account": "main-x"})
    swarm.governing = views.CONTROL.model_copy(update={"trading": trading, "halt": views.HALT})
    data = ask(client, "GET", "/status").json_body["data"]
    assert (data["mode"], data["simulated"], data["account"]) == (mode, simulated, "main-x")
    assert data["halt"]["reason"] == "the market is broken"
