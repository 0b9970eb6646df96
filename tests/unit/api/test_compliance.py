"""Flags, reports, policies and the audit over HTTP: what is asked for, what bad input is told, and who may."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from chalice.test import Client

from tests.fakes import views
from tests.fakes.api import FakeSwarm
from tests.unit.api.test_routes import ask, error_of
from volexswarm.messages import FlagChanged, PolicyActivated
from volexswarm.security.roles import Role

FLAG = f"/compliance/flags/{views.FLAG_ID}"
CHANGE = {"changes": {"max_trades_per_hour": 10}, "expected_version": 2, "reason": "still too many"}


@pytest.mark.parametrize("step", ["escalate", "clear"])
def test_a_flag_is_answered_in_the_callers_name(client: Client, swarm: FakeSwarm, step: str) -> None:
    answer = ask(client, "POST", f"{FLAG}/{step}", {"reason": "looked at it"})
    state = {"escalate": "escalated", "clear": "cleared"}[step]
    assert answer.json_body["data"]["state"] == state
    (told,) = swarm.compliance_store.state.of(FlagChanged)
    assert (told.actor, told.reason, told.after) == ("admin", "looked at it", state)
    assert ask(client, "POST", f"{FLAG}/{step}", {"reason": "again"}).status_code == 409


@pytest.mark.parametrize("role", [Role.TRADER, Role.ANALYST, Role.VIEWER])
def test_only_an_administrator_answers_flags_and_changes_policies(client: Client, swarm: FakeSwarm, role: Role) -> None:
    assert ask(client, "POST", f"{FLAG}/clear", {"reason": "mine"}, role=role).status_code == 403
    assert ask(client, "POST", "/policies/compliance", CHANGE, role=role).status_code == 403
    assert ask(client, "GET", "/policies/compliance", role=role).status_code == 200
    assert swarm.policy_store.state.published == swarm.compliance_store.state.published == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("GET", "/compliance/flags?state=closed", None, 400, "state"),
        ("GET", "/compliance/flags?limit=0", None, 400, "limit"),
        ("POST", f"{FLAG}/clear", {}, 400, "reason"),
        ("POST", f"{FLAG}/clear", {"reason": ""}, 400, "reason"),
        ("POST", f"{FLAG}/clear", {"reason": "x" * 501}, 400, "reason"),
        ("POST", f"{FLAG}/clear", {"reason": "why", "actor": "bob"}, 400, "actor"),
        ("POST", "/compliance/flags/no/clear", {"reason": "why"}, 400, "flag"),
        ("POST", "/compliance/flags/dead/clear", {"reason": "why"}, 404, None),
        ("GET", "/compliance/reports/daily", None, 400, "date"),
        ("GET", "/compliance/reports/daily?date=yesterday", None, 400, "date"),
        ("GET", "/compliance/reports/daily?date=2026-02-30", None, 400, "date"),
        ("GET", "/compliance/reports/daily?date=2026-02", None, 400, "date"),
        ("GET", "/compliance/reports/monthly?date=2026-13", None, 400, "date"),
        ("GET", "/compliance/reports/monthly?date=9999-12", None, 400, "date"),
        ("GET", "/compliance/reports/daily?date=9999-12-31", None, 400, "date"),
        ("GET", "/compliance/reports/daily?date=2026-01-04&format=pdf", None, 400, "format"),
        ("GET", "/compliance/reports/yearly?date=2026-01", None, 404, None),
        ("GET", "/audit?since=yesterday", None, 400, "since"),
        ("GET", "/audit?since=2026-01-01T00:00:00", None, 400, "since"),
        ("GET", "/policies/magic", None, 404, None),
        ("POST", "/policies/magic", CHANGE, 404, None),
        ("POST", "/policies/compliance", CHANGE | {"expected_version": 1}, 409, None),
        ("POST", "/policies/compliance", CHANGE | {"expected_version": -1}, 400, "expected_version"),
        ("POST", "/policies/compliance", CHANGE | {"reason": ""}, 400, "reason"),
        ("POST", "/policies/compliance", CHANGE | {"changes": {"max_trades": 1}}, 400, "max_trades"),
        ("POST", "/policies/compliance", CHANGE | {"changes": {"max_trades_per_hour": "x"}}, 400, "max_trades_per_hour"),
        ("POST", "/policies/compliance", CHANGE | {"changes": {"max_trades_per_hour": 20}}, 400, "changes"),
        ("POST", "/policies/compliance", CHANGE | {"policy": {}}, 400, "policy"),
        ("POST", "/policies/compliance/what-if", {}, 400, "policy"),
        ("POST", "/policies/compliance/what-if", {"changes": {}, "since": "7d"}, 400, "since"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_by_its_field(
    client: Client, method: str, path: str, body: Any, status: int, field: str | None
) -> None:
    response = ask(client, method, path, body)
    assert response.status_code == status
    fields = [entry["field"] for entry in error_of(response)["details"].get("fields", [])]
    assert fields == ([] if field is None else [field])


def test_a_policy_is_changed_in_the_callers_name(client: Client, swarm: FakeSwarm) -> None:
    answer = ask(client, "POST", "/policies/compliance", CHANGE).json_body["data"]
    assert answer == {"name": "compliance", "version": 3, "changed": {"max_trades_per_hour": "20 → 10"}}
    (told,) = swarm.policy_store.state.of(PolicyActivated)
    assert (told.actor, told.reason) == ("admin", "still too many")


@pytest.mark.parametrize(
    ("path", "since", "until"),
    [
        ("daily?date=2026-01-31", datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)),
        ("monthly?date=2026-02", datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
        ("monthly?date=2026-12-24", datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_report_is_of_a_whole_day_or_month(
    client: Client, swarm: FakeSwarm, path: str, since: datetime, until: datetime
) -> None:
    assert ask(client, "GET", f"/compliance/reports/{path}").status_code == 200
    assert swarm.asked[-1] == ("database", path.partition("?")[0], since, until)


def test_a_report_as_csv_has_every_value_and_no_formula(client: Client) -> None:
    response = ask(client, "GET", "/compliance/reports/daily?date=2026-01-04&format=csv")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="daily-2026-01-04.csv"'
    head, *lines = csv.reader(io.StringIO(response.body.decode()))
    assert head == ["table", "row", "column", "value"]
    assert ["venue", "1", "value", "binance"] in lines
    assert ["traded", "1", "value", "3600.5"] in lines
    assert ["policies", "1", "reason", '\'=HYPERLINK("http://x")'] in lines
    assert ["canceled_share", "1", "value", "0.25"] in lines
