"""News and strategies over HTTP: what is taken, what bad input is told, and who may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from chalice.test import Client

from tests.fakes.api import FakeSwarm
from tests.fakes.learnt import REPORT_ID, STRATEGY_ID
from tests.unit.api.test_routes import ask, error_of
from volexswarm.messages import NewsRecorded, StrategyChanged, StrategyStatus
from volexswarm.security.roles import Role

HEADLINE = {"source": "The Wire", "headline": "Bitcoin surges", "published_at": "2026-01-04T09:00:00Z"}
MOVE = f"/strategies/{STRATEGY_ID}/status"


def test_a_headline_is_taken_in_the_callers_name_and_shown(client: Client, swarm: FakeSwarm) -> None:
    given = HEADLINE | {"headline": "Bitcoin\u202e surges", "url": "https://example.org/1"}
    taken = ask(client, "POST", "/news", given, role=Role.ANALYST).json_body["data"]
    assert not taken["repeated"]
    assert (taken["item"]["headline"], taken["item"]["symbols"]) == ("Bitcoin surges", ["BTC/USDT"])
    assert taken["item"]["score"] > 0.3
    (told,) = swarm.learnt.news_state.of(NewsRecorded)
    assert told.submitted_by == "analyst"
    assert ask(client, "POST", "/news", HEADLINE).json_body["data"]["repeated"]
    (shown,) = ask(client, "GET", "/news").json_body["data"]["items"]
    assert shown == taken["item"]


def test_a_headline_of_the_markets_future_is_refused_with_both_times(client: Client, swarm: FakeSwarm) -> None:
    market, published = swarm.learnt.clock.now() - timedelta(days=30), swarm.learnt.clock.now() - timedelta(days=29)
    swarm.learnt.news_state.complete_to = market
    refused = ask(client, "POST", "/news", HEADLINE | {"published_at": published.isoformat()})
    assert refused.status_code == 400
    assert market.isoformat() in error_of(refused)["message"]
    assert published.isoformat() in error_of(refused)["message"]
    assert swarm.learnt.news_state.kept == {}


@pytest.mark.parametrize("role", [Role.VIEWER])
def test_a_viewer_reads_and_changes_nothing(client: Client, swarm: FakeSwarm, role: Role) -> None:
    assert ask(client, "POST", "/news", HEADLINE, role=role).status_code == 403
    assert ask(client, "POST", MOVE, {"status": "paused", "reason": "it loses"}, role=role).status_code == 403
    for path in ("/news", "/strategies", f"/strategies/{STRATEGY_ID}", "/research/reports"):
        assert ask(client, "GET", path, role=role).status_code == 200
    assert swarm.learnt.news_state.published == swarm.learnt.playbook.published == []


def test_a_strategy_is_moved_on_in_the_callers_name(client: Client, swarm: FakeSwarm) -> None:
    answer = ask(client, "POST", MOVE, {"status": "paused", "reason": "it loses"}, role=Role.TRADER)
    assert answer.json_body["data"] == {"id": STRATEGY_ID, "status": "paused"}
    (told,) = swarm.learnt.playbook.of(StrategyChanged)
    assert (told.actor, told.reason, told.before, told.after) == ("trader", "it loses", "active", "paused")
    refused = ask(client, "POST", MOVE, {"status": "testing", "reason": "again"})
    assert refused.status_code == 409
    assert "from there it goes to active or archived" in error_of(refused)["message"]
    assert swarm.learnt.playbook.strategies[STRATEGY_ID].status is StrategyStatus.PAUSED


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", "/news", {}, 400, "headline"),
        ("POST", "/news", HEADLINE | {"headline": ""}, 400, "headline"),
        ("POST", "/news", HEADLINE | {"headline": "x" * 301}, 400, "headline"),
        ("POST", "/news", HEADLINE | {"headline": "\u200b"}, 400, "headline"),
        ("POST", "/news", HEADLINE | {"url": "javascript:alert(1)"}, 400, "url"),
        ("POST", "/news", HEADLINE | {"url": "https://example.org/\" onload=x"}, 400, "url"),
        ("POST", "/news", HEADLINE | {"symbols": ["DOGE/USDT"]}, 400, "symbols"),
        ("POST", "/news", HEADLINE | {"symbols": ["btc"]}, 400, "symbols.0"),
        ("POST", "/news", HEADLINE | {"published_at": "2026-01-04T23:00:00"}, 400, "published_at"),
        ("POST", "/news", HEADLINE | {"published_at": "2036-01-04T23:00:00Z"}, 400, "published_at"),
        ("POST", "/news", HEADLINE | {"score": 1}, 400, "score"),
        ("GET", "/strategies?status=great", None, 400, "status"),
        ("GET", "/strategies/nobody", None, 404, None),
        ("GET", "/strategies/" + "x" * 201, None, 404, None),
        ("POST", MOVE, {"status": "paused"}, 400, "reason"),
        ("POST", MOVE, {"status": "better", "reason": "it loses"}, 400, "status"),
        ("POST", "/strategies/nobody/status", {"status": "paused", "reason": "it loses"}, 404, None),
        ("GET", "/research/reports/nothing", None, 404, None),
    ],
)  # fmt: skip
def test_bad_input_is_refused_by_its_field(
    client: Client, method: str, path: str, body: Any, status: int, field: str | None
) -> None:
    response = ask(client, method, path, body)
    assert response.status_code == status
    details = error_of(response)["details"]
    if field is not None:
        assert field in [entry["field"] for entry in details["fields"]]


def test_a_report_is_shown_with_its_numbers(client: Client) -> None:
    report = ask(client, "GET", f"/research/reports/{REPORT_ID}").json_body["data"]
    assert report["words"].startswith("BTC/USDT at 60000")
    assert report["pictures"] == {"BTC/USDT": {"price": 60000.0}}
