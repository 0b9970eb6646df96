"""What each route answers: to whom, to bad input, and when a part behind it is away."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from chalice.test import Client, HTTPResponse

from chalicelib import api
from chalicelib.api.authorizer import Refused
from chalicelib.api.endpoint import MAX_BODY
from chalicelib.runtime import wiring
from tests.fakes import views
from tests.fakes.api import PASSWORD, FakeSwarm
from tests.fakes.deliberation_reader import held
from tests.fakes.learnt import REPORT_ID, STRATEGY_ID
from tests.fakes.studied import BACKTEST_ID, DISCOVERY_ID, OPTIMIZATION_ID
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.errors import Conflict, Stop, Unavailable
from volexswarm.messages import CancelOrder, OrderType, SignalRaised
from volexswarm.security.roles import Role
from volexswarm.views.swarm import Health

KEY = {"Idempotency-Key": "my-request-1"}
TRADE = {"symbol": "BTC/USDT", "side": "buy", "amount": "0.01", "type": "market"}
JUDGED = {"symbol": "BTC/USDT", "side": "buy"}
GOOD: dict[tuple[str, str], tuple[str, Any]] = {
    ("POST", "/login"): ("/login", {"username": "trader", "password": PASSWORD}),
    ("GET", "/whoami"): ("/whoami", None),
    ("POST", "/ws/ticket"): ("/ws/ticket", None),
    ("GET", "/status"): ("/status", None),
    ("GET", "/agents"): ("/agents", None),
    ("GET", "/agents/{name}"): ("/agents/risk", None),
    ("GET", "/agents/{name}/health"): ("/agents/realtime-data/health", None),
    ("GET", "/portfolio"): ("/portfolio", None),
    ("GET", "/positions"): ("/positions", None),
    ("GET", "/trades"): ("/trades?symbol=BTC%2FUSDT&limit=5", None),
    ("GET", "/lots"): ("/lots?symbol=BTC%2FUSDT", None),
    ("GET", "/transfers"): ("/transfers?limit=5", None),
    ("GET", "/portfolio/history"): ("/portfolio/history?period=7d", None),
    ("GET", "/performance"): ("/performance?period=all&risk_free=0.04", None),
    ("GET", "/attribution"): ("/attribution?by=agent&period=90d", None),
    ("GET", "/orders"): ("/orders?state=filled", None),
    ("GET", "/orders/{order}"): ("/orders/0a1b2c3d", None),
    ("GET", "/orders/{order}/explain"): ("/orders/0a1b2c3d/explain", None),
    ("POST", "/trade"): ("/trade", TRADE),
    ("POST", "/task"): ("/task", {"type": "analyze", "parameters": {"symbols": ["BTC/USDT"]}, "priority": "high"}),
    ("GET", "/tasks"): ("/tasks?status=canceled&type=trade&symbol=ETH%2FUSDT", None),
    ("GET", "/tasks/{task}"): (f"/tasks/{views.TASK_ID}", None),
    ("POST", "/tasks/{task}/confirm"): ("/tasks/7a5c0000/confirm", None),
    ("POST", "/tasks/{task}/cancel"): ("/tasks/7a5c0000/cancel", {"reason": "it was a mistake"}),
    ("POST", "/tasks/{task}/retry"): ("/tasks/7a5cc000/retry", None),
    ("GET", "/tasks/{task}/deliberations"): (f"/tasks/{views.TASK_ID}/deliberations", None),
    ("GET", "/deliberations/{deliberation}"): (f"/deliberations/{held()[1]}", None),
    ("GET", "/deliberations/{deliberation}/effects"): (f"/deliberations/{held()[1][:12]}/effects", None),
    ("POST", "/deliberations/{deliberation}/replay"): (f"/deliberations/{held()[1][:8]}/replay", None),
    ("GET", "/calibration"): ("/calibration", None),
    ("GET", "/approvals"): ("/approvals?state=all", None),
    ("POST", "/approvals/{approval}"): ("/approvals/a11e", {"verdict": "approved", "reason": "it is small"}),
    ("POST", "/orders/{order}/cancel"): ("/orders/0e9e0000/cancel", {"reason": "too far away"}),
    ("GET", "/protections"): ("/protections?state=armed", None),
    ("GET", "/control"): ("/control", None),
    ("POST", "/halt"): ("/halt", {"reason": "the market is broken", "flatten": True}),
    ("POST", "/resume"): ("/resume", {"reason": "it is mended"}),
    ("POST", "/mode"): ("/mode", {"mode": "paper", "reason": "first without money"}),
    ("GET", "/reconciliation"): ("/reconciliation", None),
    ("POST", "/reconciliation"): ("/reconciliation", {}),
    ("GET", "/differences"): ("/differences?state=open", None),
    ("POST", "/differences/{difference}/accept"): ("/differences/d1ff/accept", {"reason": "an airdrop"}),
    ("GET", "/risk"): ("/risk", None),
    ("POST", "/risk/assess"): ("/risk/assess", {"symbol": "BTC/USDT", "side": "buy"}),
    ("GET", "/breakers"): ("/breakers", None),
    ("POST", "/breakers/{breaker}/reset"): ("/breakers/price-move-eth-usdt/reset", {"reason": "it was a wrong tick"}),
    ("GET", "/signals"): ("/signals", None),
    ("GET", "/signals/{signal}"): (f"/signals/{views.SIGNAL_ID}", None),
    ("GET", "/news"): ("/news?symbol=BTC%2FUSDT", None),
    ("POST", "/news"): (
        "/news",
        {"source": "The Wire", "headline": "Bitcoin surges", "published_at": "2026-01-04T09:00:00Z"},
    ),
    ("GET", "/strategies"): ("/strategies?status=active", None),
    ("GET", "/strategies/{strategy}"): (f"/strategies/{STRATEGY_ID}", None),
    ("POST", "/strategies/{strategy}/status"): (
        f"/strategies/{STRATEGY_ID}/status",
        {"status": "paused", "reason": "it loses"},
    ),
    ("GET", "/research/reports"): ("/research/reports?limit=5", None),
    ("GET", "/research/reports/{report}"): (f"/research/reports/{REPORT_ID}", None),
    ("GET", "/backtests"): ("/backtests?symbol=BTC%2FUSDT", None),
    ("GET", "/backtests/{backtest}"): (f"/backtests/{BACKTEST_ID}", None),
    ("GET", "/optimizations"): ("/optimizations?limit=5", None),
    ("GET", "/optimizations/{optimization}"): (f"/optimizations/{OPTIMIZATION_ID}", None),
    ("GET", "/discoveries"): ("/discoveries", None),
    ("GET", "/discoveries/{discovery}"): (f"/discoveries/{DISCOVERY_ID}", None),
    ("GET", "/candles"): ("/candles?symbol=BTC%2FUSDT&timeframe=1m", None),
    ("GET", "/compliance/flags"): ("/compliance/flags?state=open", None),
    ("POST", "/compliance/flags/{flag}/escalate"): ("/compliance/flags/0eb3a204/escalate", {"reason": "too often"}),
    ("POST", "/compliance/flags/{flag}/clear"): ("/compliance/flags/0eb3a204/clear", {"reason": "it was a test"}),
    ("GET", "/compliance/reports/{period}"): ("/compliance/reports/daily?date=2026-01-04", None),
    ("GET", "/audit"): ("/audit?since=2026-01-04T00:00:00Z", None),
    ("GET", "/policies/{name}"): ("/policies/compliance", None),
    ("POST", "/policies/{name}"): (
        "/policies/compliance",
        {"changes": {"max_trades_per_hour": 10}, "expected_version": 2, "reason": "still too many"},
    ),
    ("POST", "/policies/{name}/what-if"): ("/policies/compliance/what-if", {"changes": {"max_trades_per_hour": 10}}),
    ("GET", "/dlq"): ("/dlq", None),
    ("GET", "/dlq/{queue}"): ("/dlq/orders.fifo?limit=3", None),
    ("POST", "/dlq/{queue}/replay"): ("/dlq/signals/replay", {"limit": 5}),
    ("GET", "/logs"): ("/logs?function=risk&since=2h&filter=boom", None),
    ("GET", "/openapi.json"): ("/openapi.json", None),
}
ABOUT_AUTHORS = {("POST", f"/tasks/{{task}}/{act}") for act in ("confirm", "cancel", "retry")}
"""Routes that ask more than a permission of who is not the task's author (see test_tasks.py)."""
ENDPOINTS = {(e.method, e.path): e for e in api.endpoints()}
PROTECTED = [key for key, endpoint in ENDPOINTS.items() if not endpoint.public]


def ask(
    client: Client, method: str, path: str, body: Any = None, *, role: Role | None = Role.ADMIN, **headers: str
) -> HTTPResponse:
    given = {"Content-Type": "application/json", **KEY, **headers}
    if role is not None:
        given["Authorization"] = f"Bearer {role}-token"
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return client.http.request(method, path, headers=given, body=raw)


def error_of(response: HTTPResponse) -> dict[str, Any]:
    body = response.json_body
    assert body["status"] == "error"
    assert set(body) == {"status", "error", "timestamp"}
    assert set(body["error"]) == {"code", "message", "details"}
    return dict(body["error"])


def test_there_is_a_good_example_of_every_route() -> None:
    assert set(GOOD) == set(ENDPOINTS)


@pytest.mark.parametrize("key", GOOD, ids=" ".join)
def test_a_good_request_is_answered_in_the_envelope(client: Client, key: tuple[str, str]) -> None:
    path, body = GOOD[key]
    response = ask(client, key[0], path, body)
    assert response.status_code == ENDPOINTS[key].status
    if ENDPOINTS[key].enveloped:
        assert set(response.json_body) == {"status", "data", "message", "timestamp"}
        assert response.json_body["status"] == "success"


@pytest.mark.parametrize("key", PROTECTED, ids=" ".join)
def test_a_protected_route_refuses_where_no_gateway_asked_the_authorizer(
    client: Client, swarm: FakeSwarm, key: tuple[str, str]
) -> None:
    """An emulator may skip the authorizer: the handler is called as by a gateway that knows none."""
    path, body = GOOD[key]
    event = client.http._local_gateway._generate_lambda_event(
        key[0], path, {"content-type": "application/json"}, json.dumps(body).encode()
    )
    response = client._app(event, None)
    assert response["statusCode"] == 401
    assert json.loads(response["body"])["error"]["code"] == "unauthorized"
    assert swarm.asked == []


@pytest.mark.parametrize("key", PROTECTED, ids=" ".join)
def test_a_protected_route_is_closed_to_a_wrong_token(client: Client, key: tuple[str, str]) -> None:
    path, body = GOOD[key]
    for header in ("Bearer forged", "Basic YWRtaW46", "admin-token"):
        with pytest.raises(Refused, match=r"^Unauthorized$"):
            ask(client, key[0], path, body, role=None, Authorization=header)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("key", PROTECTED, ids=" ".join)
def test_each_role_may_do_what_its_permissions_say(client: Client, key: tuple[str, str], role: Role) -> None:
    path, body = GOOD[key]
    endpoint = ENDPOINTS[key]
    response = ask(client, key[0], path, body, role=role)
    if endpoint.permission is None or endpoint.permission in role.permissions:
        assert response.status_code == endpoint.status or key in ABOUT_AUTHORS
    else:
        assert response.status_code == 403
        assert error_of(response)["details"] == {"permission": str(endpoint.permission)}


@pytest.mark.parametrize(
    ("key", "role"),
    [
        (("POST", "/trade"), Role.VIEWER),
        (("POST", "/trade"), Role.ANALYST),
        (("POST", "/orders/{order}/cancel"), Role.ANALYST),
        (("POST", "/dlq/{queue}/replay"), Role.TRADER),
        (("POST", "/halt"), Role.ANALYST),
        (("POST", "/resume"), Role.TRADER),
        (("POST", "/mode"), Role.TRADER),
        (("POST", "/breakers/{breaker}/reset"), Role.TRADER),
        (("GET", "/logs"), Role.VIEWER),
    ],
)
def test_what_a_role_must_never_do(client: Client, swarm: FakeSwarm, key: tuple[str, str], role: Role) -> None:
    assert ask(client, key[0], GOOD[key][0], GOOD[key][1], role=role).status_code == 403
    assert [question[0] for question in swarm.asked] == ["verify"]


def test_a_token_that_ended_while_the_gateway_remembered_it_is_refused(client: Client, swarm: FakeSwarm) -> None:
    event = client.http._local_gateway._generate_lambda_event("GET", "/status", {}, b"")
    event["requestContext"]["authorizer"] = {
        "username": "admin",
        "role": "admin",
        "permissions": "system:read",
        "token_id": "1",
        "expires_at": str(int((views.NOW - timedelta(seconds=1)).timestamp())),
    }
    response = client._app(event, None)
    assert response["statusCode"] == 401
    assert "ended" in json.loads(response["body"])["error"]["message"]


BAD = [
    # route, path, body, status, code, what the message names
    ("POST", "/login", b"{", 400, "invalid_json", "JSON"),
    ("POST", "/login", b"", 400, "invalid_input", "username"),
    ("POST", "/login", {"username": "admin"}, 400, "invalid_input", "password"),
    ("POST", "/login", {"username": 7, "password": "x"}, 400, "invalid_input", "username"),
    ("POST", "/login", {"username": "a", "password": "x", "otp": 1}, 400, "invalid_input", "otp"),
    ("POST", "/login", [], 400, "invalid_input", "body"),
    ("POST", "/login", {"username": "a" * 65, "password": "x"}, 400, "invalid_input", "username"),
    ("POST", "/login", {"username": "admin", "password": "wrong"}, 401, "unauthorized", "password"),
    ("GET", "/whoami?x=1", None, 400, "invalid_input", "x"),
    ("GET", "/status?verbose=1", None, 400, "invalid_input", "verbose"),
    ("GET", "/agents?x=", None, 400, "invalid_input", "x"),
    ("GET", "/portfolio?account=other", None, 400, "invalid_input", "account"),
    ("GET", "/positions?symbol=BTC", None, 400, "invalid_input", "symbol"),
    ("GET", "/trades?symbol=btcusdt", None, 400, "invalid_input", "symbol"),
    ("GET", "/trades?limit=0", None, 400, "invalid_input", "limit"),
    ("GET", "/trades?limit=501", None, 400, "invalid_input", "limit"),
    ("GET", "/trades?limit=1&limit=2", None, 400, "invalid_input", "limit"),
    ("GET", "/trades?cursor=%00", None, 400, "invalid_input", "cursor"),
    ("GET", "/lots?symbol=BTC", None, 400, "invalid_input", "symbol"),
    ("GET", "/lots?limit=0", None, 400, "invalid_input", "limit"),
    ("GET", "/transfers?symbol=BTC%2FUSDT", None, 400, "invalid_input", "symbol"),
    ("GET", "/transfers?cursor=%00", None, 400, "invalid_input", "cursor"),
    ("GET", "/portfolio/history?period=2d", None, 400, "invalid_input", "period"),
    ("GET", "/portfolio/history?since=1d", None, 400, "invalid_input", "since"),
    ("GET", "/performance?period=", None, 400, "invalid_input", "period"),
    ("GET", "/performance?risk_free=nan", None, 400, "invalid_input", "risk_free"),
    ("GET", "/performance?risk_free=2", None, 400, "invalid_input", "risk_free"),
    ("GET", "/performance?risk_free=free", None, 400, "invalid_input", "risk_free"),
    ("GET", "/attribution?by=venue", None, 400, "invalid_input", "by"),
    ("GET", "/attribution?period=1y", None, 400, "invalid_input", "period"),
    ("GET", "/orders?state=lost", None, 400, "invalid_input", "state"),
    ("GET", "/orders?limit=ten", None, 400, "invalid_input", "limit"),
    ("GET", "/orders?symbol=DOGE%2FUSDT", None, 400, "invalid_input", "one of BTC/USDT, ETH/USDT"),
    ("GET", "/candles?symbol=DOGE%2FUSDT&timeframe=1m", None, 400, "invalid_input", "one of BTC/USDT, ETH/USDT"),
    ("GET", "/orders/ffff0000", None, 404, "not_found", "ffff0000"),
    ("GET", "/orders/a%00b", None, 400, "invalid_input", "order"),
    ("GET", "/orders/" + "a" * 65, None, 400, "invalid_input", "order"),
    ("GET", "/orders/ffff0000/explain", None, 404, "not_found", "ffff0000"),
    ("GET", "/orders/a;b/explain", None, 400, "invalid_input", "order"),
    ("POST", "/trade", b"not json", 400, "invalid_json", "JSON"),
    ("POST", "/trade", {}, 400, "invalid_input", "symbol"),
    ("POST", "/trade", TRADE | {"amount": "0"}, 400, "invalid_input", "amount"),
    ("POST", "/trade", TRADE | {"amount": "-1"}, 400, "invalid_input", "amount"),
    ("POST", "/trade", TRADE | {"amount": "NaN"}, 400, "invalid_input", "amount"),
    ("POST", "/trade", TRADE | {"amount": "Infinity"}, 400, "invalid_input", "amount"),
    ("POST", "/trade", TRADE | {"amount": "1e40"}, 400, "invalid_input", "amount"),
    ("POST", "/trade", TRADE | {"amount": "a lot"}, 400, "invalid_input", "amount"),
    ("POST", "/trade", TRADE | {"side": "hold"}, 400, "invalid_input", "side"),
    ("POST", "/trade", TRADE | {"type": "stop"}, 400, "invalid_input", "type"),
    ("POST", "/trade", TRADE | {"symbol": "DOGE/USDT"}, 400, "invalid_input", "BTC/USDT, ETH/USDT"),
    ("POST", "/trade", TRADE | {"price": "60000"}, 400, "invalid_input", "price"),
    ("POST", "/trade", TRADE | {"type": "limit"}, 400, "invalid_input", "price"),
    ("POST", "/trade", TRADE | {"leverage": 100}, 400, "invalid_input", "leverage"),
    ("POST", "/trade", TRADE | {"type": "stop_loss"}, 400, "invalid_input", "trigger_price"),
    (
        "POST",
        "/trade",
        TRADE | {"type": "stop_loss", "trigger_price": "59000"},
        400,
        "invalid_input",
        "above the present",
    ),
    (
        "POST",
        "/trade",
        TRADE | {"type": "take_profit", "trigger_price": "61000"},
        400,
        "invalid_input",
        "below the present",
    ),
    ("POST", "/trade", TRADE | {"type": "stop_loss_limit", "trigger_price": "61000"}, 400, "invalid_input", "price"),
    ("POST", "/trade", TRADE | {"type": "trailing_stop"}, 400, "invalid_input", "a trailing stop is a protection"),
    ("POST", "/trade", TRADE | {"time_in_force": "ioc"}, 400, "invalid_input", "time_in_force"),
    ("POST", "/trade", TRADE | {"time_in_force": "day"}, 400, "invalid_input", "time_in_force"),
    ("POST", "/trade", TRADE | {"protection": {}}, 400, "invalid_input", "at least one way out"),
    ("POST", "/trade", TRADE | {"protection": {"stop_price": "61000"}}, 400, "invalid_input", "protection.stop_price"),
    ("POST", "/trade", TRADE | {"protection": {"take_profit_price": "1"}}, 400, "invalid_input", "take_profit_price"),
    ("POST", "/trade", TRADE | {"protection": {"trailing_share": "1"}}, 400, "invalid_input", "trailing_share"),
    ("POST", "/trade", TRADE | {"protection": {"max_holding": 0}}, 400, "invalid_input", "max_holding"),
    ("POST", "/trade", TRADE | {"protection": {"stop": "1"}}, 400, "invalid_input", "stop"),
    ("POST", "/trade", TRADE | {"side": "sell", "protection": {"max_holding": 9}}, 400, "invalid_input", "protection"),
    ("POST", "/orders/0e9e/cancel", {}, 400, "invalid_input", "reason"),
    ("POST", "/orders/0e9e/cancel", {"reason": ""}, 400, "invalid_input", "reason"),
    ("POST", "/orders/a;b/cancel", {"reason": "why not"}, 400, "invalid_input", "order"),
    ("POST", "/orders/ffff0000/cancel", {"reason": "why not"}, 404, "not_found", "ffff0000"),
    ("POST", "/orders/0a1b/cancel", {"reason": "why not"}, 409, "conflict", "is filled already"),
    ("POST", "/orders/57090000/cancel", {"reason": "why not"}, 409, "conflict", "sell what it guards"),
    ("GET", "/protections?state=open", None, 400, "invalid_input", "state"),
    ("GET", "/protections?symbol=BTC", None, 400, "invalid_input", "symbol"),
    ("GET", "/protections?cursor=%00", None, 400, "invalid_input", "cursor"),
    ("POST", "/trade", TRADE | {"symbol": "ETH/USDT"}, 503, "unavailable", "no price of ETH/USDT"),
    ("GET", "/control?x=1", None, 400, "invalid_input", "x"),
    ("POST", "/halt", {}, 400, "invalid_input", "reason"),
    ("POST", "/halt", {"reason": ""}, 400, "invalid_input", "reason"),
    ("POST", "/halt", {"reason": "    "}, 400, "invalid_input", "reason"),
    ("POST", "/halt", {"reason": "broken", "flatten": "perhaps"}, 400, "invalid_input", "flatten"),
    ("POST", "/resume", {}, 400, "invalid_input", "reason"),
    ("POST", "/mode", {"mode": "paper"}, 400, "invalid_input", "reason"),
    ("POST", "/mode", {"mode": "demo", "reason": "why not"}, 400, "invalid_input", "mode"),
    ("POST", "/mode", {"mode": "sandbox", "reason": "why not"}, 400, "invalid_input", "live, paper"),
    ("POST", "/mode", {"mode": "live", "reason": "why not"}, 400, "invalid_input", "cap"),
    ("POST", "/mode", {"mode": "live", "reason": "why not", "cap": "0"}, 400, "invalid_input", "cap"),
    ("POST", "/mode", {"mode": "live", "reason": "why not", "cap": "NaN"}, 400, "invalid_input", "cap"),
    ("POST", "/mode", {"mode": "paper", "reason": "why not", "cap": "5"}, 400, "invalid_input", "cap"),
    (
        "POST",
        "/mode",
        {"mode": "live", "reason": "why not", "cap": "5", "confirm": "?"},
        409,
        "conflict",
        "confirmation",
    ),
    ("GET", "/risk?x=1", None, 400, "invalid_input", "x"),
    ("GET", "/breakers?state=open", None, 400, "invalid_input", "state"),
    ("POST", "/breakers/price-move-eth-usdt/reset", {}, 400, "invalid_input", "reason"),
    ("POST", "/breakers/price-move-sol-usdt/reset", {"reason": "why not"}, 404, "not_found", "price-move-sol-usdt"),
    ("POST", "/breakers/a;b/reset", {"reason": "why not"}, 400, "invalid_input", "circuit breaker"),
    ("POST", "/risk/assess", {"side": "buy"}, 400, "invalid_input", "symbol"),
    ("POST", "/risk/assess", {"symbol": "DOGE/USDT", "side": "buy"}, 400, "invalid_input", "BTC/USDT, ETH/USDT"),
    ("POST", "/risk/assess", {"symbol": "ETH/USDT", "side": "buy"}, 503, "unavailable", "no price of ETH/USDT"),
    ("POST", "/risk/assess", JUDGED | {"amount": "0"}, 400, "invalid_input", "amount"),
    ("POST", "/risk/assess", JUDGED | {"amount": "NaN"}, 400, "invalid_input", "amount"),
    ("POST", "/risk/assess", JUDGED | {"type": "limit"}, 400, "invalid_input", "price"),
    ("POST", "/risk/assess", JUDGED | {"price": "60000"}, 400, "invalid_input", "price"),
    ("POST", "/risk/assess", JUDGED | {"type": "stop_loss"}, 400, "invalid_input", "trigger_price"),
    ("POST", "/risk/assess", JUDGED | {"protection": {"stop_price": "-1"}}, 400, "invalid_input", "protection"),
    ("POST", "/risk/assess", JUDGED | {"leverage": 3}, 400, "invalid_input", "leverage"),
    ("GET", "/signals?cursor=" + "a" * 401, None, 400, "invalid_input", "cursor"),
    ("GET", "/candles", None, 400, "invalid_input", "symbol"),
    ("GET", "/candles?symbol=BTC%2FUSDT&timeframe=2m", None, 400, "invalid_input", "timeframe"),
    ("GET", "/candles?symbol=BTC%2FUSDT&timeframe=1m&before=2026-01-05T12:00:00", None, 400, "invalid_input", "before"),
    ("GET", "/candles?symbol=BTC%2FUSDT&timeframe=1m&limit=1001", None, 400, "invalid_input", "limit"),
    ("GET", "/dlq?x=1", None, 400, "invalid_input", "x"),
    ("GET", "/dlq/nowhere", None, 404, "not_found", "orders.fifo"),
    ("GET", "/dlq/signals?limit=51", None, 400, "invalid_input", "limit"),
    ("POST", "/dlq/nowhere/replay", {}, 404, "not_found", "orders.fifo"),
    ("POST", "/dlq/signals/replay", {"limit": "all"}, 400, "invalid_input", "limit"),
    ("GET", "/logs", None, 400, "invalid_input", "function"),
    ("GET", "/logs?function=nobody", None, 404, "not_found", "risk"),
    ("GET", "/logs?function=risk&since=yesterday", None, 400, "invalid_input", "since"),
    ("GET", "/logs?function=risk&since=8d", None, 400, "invalid_input", "since"),
    ("GET", "/logs?function=risk&since=0s", None, 400, "invalid_input", "since"),
    ("GET", "/logs?function=risk&filter=", None, 400, "invalid_input", "filter"),
    ("POST", "/ws/ticket?for=long", None, 400, "invalid_input", "for"),
    ("GET", "/openapi.json?x=1", None, 400, "invalid_input", "x"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "code", "named"), BAD)
def test_bad_input_gets_the_right_code_and_is_named(
    client: Client, swarm: FakeSwarm, method: str, path: str, body: Any, status: int, code: str, named: str
) -> None:
    response = ask(client, method, path, body)
    assert response.status_code == status
    error = error_of(response)
    assert error["code"] == code
    assert named in error["message"]
    assert swarm.desk.state.published == []
    assert swarm.control_store.state.published == []
    assert swarm.risk_store.state.published == []


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/trades?symbol=btcusdt", "symbol: expected BASE/QUOTE, as BTC/USDT"),
        ("/trades?cursor=%00", "cursor: expected `next` of the page before"),
        (
            "/candles?symbol=BTC%2FUSDT&timeframe=1m&before=2026-01-05",
            "before: expected a time with its zone, as 2026-01-05T12:00:00Z",
        ),
        ("/logs?function=risk&since=5x", "since: expected a number with s, m, h or d, as 15m"),
        ("/logs?function=risk&since=0s", "since: expected more than 0s and at most 7d"),
        ("/logs?function=risk&since=8d", "since: expected more than 0s and at most 7d"),
    ],
)
def test_a_wrong_form_is_explained_in_words_and_not_in_python(client: Client, path: str, words: str) -> None:
    assert error_of(ask(client, "GET", path, None))["message"] == words


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/halt", {"reason": "x"}, "reason: expected at least 3 characters"),
        ("/halt", {"reason": "x" * 501}, "reason: expected at most 500 characters"),
        ("/halt", {}, "reason: expected a value, and none was given"),
        ("/halt", {"reason": "broken", "flatten": "perhaps"}, "flatten: expected true or false"),
        ("/halt", {"reason": "broken", "now": True}, "now: expected no field of this name"),
        ("/trade", TRADE | {"amount": "0"}, "amount: expected more than 0"),
        ("/trade", TRADE | {"amount": "much"}, "amount: expected a number"),
        ("/trade", TRADE | {"side": "hold"}, "side: expected 'buy' or 'sell'"),
        (
            "/trade",
            TRADE | {"protection": {"trailing_share": "1"}},
            "protection.trailing_share: expected less than 1",
        ),
        ("/dlq/signals/replay", {"limit": 1001}, "limit: expected at most 1000"),
    ],
)
def test_a_value_out_of_bounds_is_told_what_would_fit(client: Client, path: str, body: Any, words: str) -> None:
    assert error_of(ask(client, "POST", path, body))["message"] == words


@pytest.mark.parametrize("key", [key for key, (_, body) in GOOD.items() if body is not None], ids=" ".join)
def test_a_body_must_be_json_and_of_sensible_size(client: Client, key: tuple[str, str]) -> None:
    path, body = GOOD[key]
    wrong_type = ask(client, key[0], path, body, **{"Content-Type": "text/xml"})
    assert (wrong_type.status_code, error_of(wrong_type)["code"]) == (415, "unsupported_media_type")
    too_large = ask(client, key[0], path, b" " * (MAX_BODY + 1))
    assert (too_large.status_code, error_of(too_large)["code"]) == (413, "too_large")


@pytest.mark.parametrize("key", ["", "short", "a" * 101, "with blanks in it", "ümläute-123"])
def test_a_trade_needs_a_proper_idempotency_key(client: Client, swarm: FakeSwarm, key: str) -> None:
    response = ask(client, "POST", "/trade", TRADE, **{"Idempotency-Key": key})
    assert response.status_code == 400
    assert error_of(response)["details"]["fields"] == [
        {"field": "idempotency-key", "message": "expected 8 to 100 letters, digits, - or _, new for each trade"}
    ]
    assert swarm.desk.state.published == []


def test_a_trade_is_raised_once_for_one_key(client: Client, swarm: FakeSwarm) -> None:
    first = ask(client, "POST", "/trade", TRADE, role=Role.TRADER)
    again = ask(client, "POST", "/trade", TRADE, role=Role.TRADER)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json_body["data"]["repeated"] is False
    assert again.json_body["data"] == first.json_body["data"] | {"repeated": True}
    (signal,) = swarm.desk.state.of(SignalRaised)
    assert (signal.strategy, signal.requested_by, signal.symbol, str(signal.amount)) == (
        "manual",
        "trader",
        "BTC/USDT",
        "0.01",
    )


def test_one_key_for_two_trades_is_a_conflict(client: Client, swarm: FakeSwarm) -> None:
    ask(client, "POST", "/trade", TRADE)
    response = ask(client, "POST", "/trade", TRADE | {"amount": "0.02"})
    assert (response.status_code, error_of(response)["code"]) == (409, "conflict")
    assert len(swarm.desk.state.of(SignalRaised)) == 1


def test_two_people_may_use_the_same_key(client: Client, swarm: FakeSwarm) -> None:
    ask(client, "POST", "/trade", TRADE, role=Role.TRADER)
    assert ask(client, "POST", "/trade", TRADE, role=Role.ADMIN).json_body["data"]["repeated"] is False
    assert len(swarm.desk.state.of(SignalRaised)) == 2


@pytest.mark.parametrize(
    "path",
    [
        "/orders?symbol=ETH%2FUSDT",
        "/orders?symbol=DOGE%2FUSDT&state=filled",
        "/candles?symbol=ETH%2FUSDT&timeframe=1m",
        "/candles?symbol=DOGE%2FUSDT&timeframe=1m&before=2020-01-01T00%3A00%3A00Z",
    ],
)
def test_an_empty_list_of_what_is_traded_or_narrowed_is_no_error(client: Client, path: str) -> None:
    data = ask(client, "GET", path).json_body["data"]
    assert data.get("items", data.get("candles")) == []


def test_money_is_text_and_labelled_simulated(client: Client) -> None:
    order = ask(client, "GET", "/orders").json_body["data"]["items"][0]
    assert (order["amount"], order["average_price"], order["simulated"]) == ("0.015", "60060", True)
    portfolio = ask(client, "GET", "/portfolio").json_body["data"]
    assert (portfolio["simulated"], portfolio["mode"]) == (True, "simulated")
    assert portfolio["equity"] is None
    assert portfolio["missing"] == ["equity: the account has not been valued yet"]
    assert ask(client, "GET", "/status").json_body["data"]["simulated"] is True


AWAY = Unavailable("database", "connection to 10.1.2.3 port 5432 failed: password authentication failed for volex")


@pytest.mark.parametrize(
    "path", ["/portfolio", "/positions", "/trades", "/orders", "/orders/0a1b", "/signals", "/orders/0a1b/explain"]
)
def test_a_database_that_is_away_is_503_without_a_word_of_the_inside(
    client: Client, swarm: FakeSwarm, path: str
) -> None:
    swarm.failing["database"] = AWAY
    response = ask(client, "GET", path)
    assert response.status_code == 503
    assert error_of(response)["details"] == {"part": "database"}
    assert response.headers["Retry-After"] == "5"
    assert b"10.1.2.3" not in response.body
    assert b"password" not in response.body


def test_a_database_that_is_lost_at_the_commit_is_not_said_to_have_done_nothing(
    client: Client, swarm: FakeSwarm
) -> None:
    swarm.failing["database"] = AWAY
    response = ask(client, "POST", "/orders/0a1b/cancel", {"reason": "too far"})
    assert response.status_code == 503
    assert error_of(response)["message"] == "database does not answer: try again soon"


UNSEEN = ["\x00", "\x1b[2K", "\r", "\x7f", "\x9b2J", "\u202e", "\u2066", "\u200b", "\u2028", "\ufeff"]
POLICY = {"reason": "a test", "expected_version": 1}


@pytest.mark.parametrize("unseen", UNSEEN, ids=ascii)
def test_no_reason_steers_the_terminal_of_whoever_reads_it(client: Client, unseen: str) -> None:
    response = ask(client, "POST", "/halt", {"reason": f"the market {unseen}is broken"})
    assert response.status_code == 400
    code = f"U+{ord(unseen[0]):04X}"
    assert error_of(response)["message"] == (
        f"reason: expected visible characters, without control or format characters as {code}"
    )


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/halt", {"reason": "first\nTRADING GOES ON"}),
        ("/task", {"words": "buy 0.5 ETH\x1b[2K"}),
        ("/task", {"type": "analyze", "parameters": {"symbols": ["BTC/USDT\x00"]}}),
        ("/task", {"type": "analyze", "parameters": {"symbols\x1b": ["BTC/USDT"]}}),
        ("/policies/risk", POLICY | {"changes": {"sectors": {"BTC": ["a\x00"]}}}),
        ("/policies/risk/what-if", {"policy": {"sectors": {"BTC": "\u202ea"}}}),
        ("/mode", {"mode": "live", "reason": "a test", "cap": "5", "confirm": "c0de\x00"}),
        ("/login", {"username": "ann\x1b[2K", "password": PASSWORD}),
    ],
)
def test_no_free_text_holds_what_is_not_seen(client: Client, path: str, body: dict[str, Any]) -> None:
    response = ask(client, "POST", path, body)
    assert response.status_code == 400
    assert "expected visible characters" in error_of(response)["message"]


def test_words_of_a_task_may_have_several_lines(client: Client) -> None:
    assert ask(client, "POST", "/task", {"words": "buy\n\t0.5 ETH"}).status_code == 202


def test_news_is_cleaned_of_what_is_not_seen(client: Client) -> None:
    headline = {
        "source": "The\x00 Wire",
        "headline": "Bitcoin\x1b[2K\u202e surges",
        "published_at": "2026-01-04T09:00:00Z",
    }
    kept = ask(client, "POST", "/news", headline).json_body["data"]["item"]
    assert (kept["source"], kept["headline"]) == ("The Wire", "Bitcoin[2K surges")


def test_a_filter_of_logs_is_of_visible_characters(client: Client) -> None:
    assert ask(client, "GET", "/logs?function=risk&filter=a%1Bb").status_code == 400


@pytest.mark.parametrize("inside", [RuntimeError("token s.hvs123 leaked"), Stop("books differ"), KeyError("dsn")])
def test_an_unexpected_failure_tells_nothing_but_its_request_id(
    client: Client, swarm: FakeSwarm, inside: Exception
) -> None:
    swarm.failing["database"] = inside
    response = ask(client, "GET", "/orders")
    assert response.status_code == 500
    error = error_of(response)
    assert error["code"] == "internal_error"
    assert error["details"]["request_id"]
    assert str(inside).encode() not in response.body


def test_an_ambiguous_order_is_a_conflict(client: Client, swarm: FakeSwarm) -> None:
    swarm.failing["database"] = Conflict("several orders begin with 0a1b")
    assert ask(client, "GET", "/orders/0a1b").status_code == 409


def test_status_reports_a_database_that_is_away(client: Client, swarm: FakeSwarm) -> None:
    swarm.failing["database"] = AWAY
    data = ask(client, "GET", "/status").json_body["data"]
    assert data["overall"] == "unhealthy"
    assert [(part["part"], part["health"]) for part in data["parts"]] == [("database", "unhealthy")]
    assert "10.1.2.3" not in json.dumps(data)


@pytest.mark.parametrize(
    ("seen", "overall"),
    [
        (["healthy", "healthy"], "healthy"),
        (["healthy", "unknown"], "unknown"),
        (["unknown", "unhealthy"], "unhealthy"),
        ([], "unknown"),
    ],
)
def test_the_swarm_is_healthy_only_if_every_part_was_seen_so(
    client: Client, swarm: FakeSwarm, seen: list[str], overall: str
) -> None:
    swarm.health = [
        views.PART.model_copy(update={"part": f"part {i}", "health": Health(h)}) for i, h in enumerate(seen)
    ]
    assert ask(client, "GET", "/status").json_body["data"]["overall"] == overall


def test_agents_are_all_thirteen_and_deployed(client: Client) -> None:
    agents = {agent["name"]: agent for agent in ask(client, "GET", "/agents").json_body["data"]["agents"]}
    assert len(agents) == 13
    assert all(agent["deployed"] for agent in agents.values())
    assert agents["risk"]["events"] == 7
    assert agents["risk"]["functions"][0]["depth"]["dead"] == 3
    assert agents["signal"]["last_event"] is None


def test_agents_are_shown_also_when_queues_and_database_are_away(client: Client, swarm: FakeSwarm) -> None:
    swarm.failing |= {"database": AWAY, "queues": Unavailable("queue ticks", "refused"), "cache": AWAY}
    data = ask(client, "GET", "/agents").json_body["data"]
    assert len(data["agents"]) == 13
    assert len(data["missing"]) == 3
    assert data["agents"][1]["functions"][0]["depth"] is None


def test_each_agent_shows_what_its_voice_weighs_for_each_kind_of_task(client):
    agents = {agent["name"]: agent for agent in ask(client, "GET", "/agents").json_body["data"]["agents"]}
    assert [one["kind"] for one in agents["research"]["routing"]] == ["trade", "rebalance", "analyze", "research"]
    assert {one["voice"] for one in agents["execution"]["routing"]} == {"portfolio"}
    assert agents["monitor"]["routing"] == []
    assert all(0 <= one["weight"] <= 1 for agent in agents.values() for one in agent["routing"])
    assert ask(client, "GET", "/agents/risk").json_body["data"]["routing"] == agents["risk"]["routing"]


def test_an_agents_page_tells_its_calls_by_their_nearest_rank(client: Client) -> None:
    page = ask(client, "GET", "/agents/risk").json_body["data"]
    function = next(one for one in page["functions"] if one["name"] == "risk")
    assert (function["queue"], function["timeout"]) == ("signals", 20)
    assert {"proposals", "events"} <= set(function["sends"])
    runs = function["runs"]
    assert (runs["p50_ms"], runs["p95_ms"], runs["sample"]) == (10.0, 30.0, 4)
    assert (runs["failures"], runs["last_failure"], runs["version"]) == (2, "KeyError: 'bid'", "c0de4711aa")


def test_a_function_that_was_never_called_has_no_figures(client: Client) -> None:
    page = ask(client, "GET", "/agents/signal").json_body["data"]
    assert all(function["runs"] is None for function in page["functions"])


def test_an_unknown_agent_is_answered_with_those_there_are(client: Client) -> None:
    for path in ("/agents/sniper", "/agents/sniper/health"):
        response = ask(client, "GET", path)
        assert response.status_code == 404
        assert "news-sentiment" in error_of(response)["message"]


def test_health_asks_every_function_of_the_agent_and_its_container(client: Client, swarm: FakeSwarm) -> None:
    told = ask(client, "GET", "/agents/execution/health").json_body["data"]
    assert {one["function"] for one in told["functions"]} >= {"execution-orders", "execution-fills", "execution-keeper"}
    assert told["health"] == "healthy"
    assert ask(client, "GET", "/agents/realtime-data/health").json_body["data"]["container"]["healthy"] is True
    swarm.failing["feed"] = Unavailable("quote board", "gone")
    ill = ask(client, "GET", "/agents/realtime-data/health").json_body["data"]
    assert (ill["health"], ill["container"]["healthy"]) == ("unhealthy", False)
    assert "quote board" in ill["detail"]


def test_logs_are_asked_for_as_the_query_says(client: Client, swarm: FakeSwarm) -> None:
    ask(client, "GET", "/logs?function=risk&since=90m&filter=boom&limit=7")
    assert swarm.asked[-1] == ("logs", "risk", timedelta(minutes=90), "boom", 7)


def test_the_account_that_trades_is_compared(client: Client, swarm: FakeSwarm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "scope", lambda: Scope("binance", "main-paper", "paper", "USDT"))
    assert ask(client, "POST", "/reconciliation", {}).status_code == 202
    assert swarm.asked[-1][:3] == ("database", "binance", "main-paper")


def test_a_replay_without_a_body_takes_the_usual_number(client: Client, swarm: FakeSwarm) -> None:
    assert ask(client, "POST", "/dlq/signals/replay").status_code == 200
    assert swarm.asked[-1] == ("queues", "signals", 100)


def test_a_password_never_comes_back(client: Client) -> None:
    for body in ({"username": "a", "password": {"secret": "hunter2"}}, {"username": 1, "password": "hunter2"}):
        assert b"hunter2" not in ask(client, "POST", "/login", body).body


def test_the_sixth_failed_login_has_to_wait_and_is_told_so(client: Client, swarm: FakeSwarm) -> None:
    wrong = {"username": "trader", "password": "wrong"}
    assert [ask(client, "POST", "/login", wrong).status_code for _ in range(5)] == [401] * 5
    swarm.asked.clear()
    right = ask(client, "POST", "/login", wrong | {"password": PASSWORD})
    assert right.status_code == 429
    assert right.headers["Retry-After"] == "1800"
    assert "30 minutes" in error_of(right)["message"]
    assert swarm.asked == []  # Vault is not asked, so not even a right guess can be told from a wrong one


def test_a_vault_that_is_away_is_no_failed_login(client: Client, swarm: FakeSwarm) -> None:
    swarm.failing["login"] = Unavailable("vault", "sealed")
    for _ in range(7):
        assert ask(client, "POST", "/login", GOOD["POST", "/login"][1]).status_code == 503
    del swarm.failing["login"]
    session = ask(client, "POST", "/login", GOOD["POST", "/login"][1]).json_body["data"]
    assert (session["role"], session["token_type"]) == ("trader", "Bearer")


def test_a_trade_carries_its_terms_and_its_ways_out(client: Client, swarm: FakeSwarm) -> None:
    terms = {"type": "stop_loss_limit", "price": "61500", "trigger_price": "61000"}
    wanted = {"stop_price": "59000", "take_profit_price": "70000", "trailing_share": "0.02", "max_holding": 3600}
    answer = ask(client, "POST", "/trade", TRADE | terms | {"protection": wanted}).json_body["data"]
    assert (answer["trigger_price"], answer["limit_price"], answer["protection"]) == ("61000", "61500", wanted)
    (signal,) = swarm.desk.state.of(SignalRaised)
    assert (signal.order_type, signal.trigger_price) == (OrderType.STOP_LOSS_LIMIT, Decimal("61000"))
    assert signal.protection is not None
    assert signal.protection.model_dump(mode="json") == wanted


def test_a_cancellation_is_a_command_about_the_order(client: Client, swarm: FakeSwarm) -> None:
    response = ask(client, "POST", "/orders/0e9e/cancel", {"reason": "too far away"}, role=Role.TRADER)
    assert response.status_code == 202
    (command,) = swarm.desk.state.of(CancelOrder)
    assert (command.order_id, command.symbol, command.account) == (views.OPEN_ORDER.id, "BTC/USDT", "main")
    assert (command.requested_by, command.reason) == ("trader", "too far away")


def test_a_large_order_is_canceled_by_its_signal(client: Client, swarm: FakeSwarm) -> None:
    path = f"/orders/{views.SIGNAL_ID}/cancel"
    response = ask(client, "POST", path, {"reason": "too far away"}, role=Role.TRADER)
    taken = response.json_body["data"]
    assert (response.status_code, taken["order_id"], taken["state"]) == (202, None, None)
    (command,) = swarm.desk.state.of(CancelOrder)
    assert (command.order_id, command.proposal_id) == (None, views.LARGE_ORDER.proposal_id)
