"""What the gateway says for itself, on the emulator: in the house's envelope, with a status and words of its own case."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest

from tests.integration.deploy.conftest import STACK, Trial


@pytest.fixture
def client(trial: Trial) -> httpx.Client:
    return httpx.Client(base_url=trial.deploy().api_url, timeout=30)


def _assert_enveloped(answer: httpx.Response, status: int, code: str, reason: str) -> None:
    body = answer.json()
    assert (answer.status_code, body["status"], body["error"]["code"]) == (status, "error", code)
    assert body["error"]["message"]
    assert body["error"]["details"] == {"request_id": answer.headers["x-amzn-requestid"], "reason": reason}
    told = datetime.strptime(body["timestamp"], "%d/%b/%Y:%H:%M:%S %z")
    assert abs(datetime.now(UTC) - told) < timedelta(minutes=5)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


def test_every_answer_of_the_gateway_itself_has_the_envelope(client: httpx.Client, trial: Trial) -> None:
    unknown = client.get("/nothing/here")
    _assert_enveloped(unknown, 404, "not_found", "MISSING_AUTHENTICATION_TOKEN")
    _assert_enveloped(client.delete("/login"), 404, "not_found", "MISSING_AUTHENTICATION_TOKEN")

    stranger = client.get("/status")
    _assert_enveloped(stranger, 401, "unauthorized", "UNAUTHORIZED")
    assert stranger.headers["www-authenticate"] == "Bearer"

    # there is no Vault in this stack: nobody can tell whether the token is good
    token = jwt.encode({}, "a secret of nobody's, 32 bytes long", headers={"kid": "1"})
    failed = client.get("/status", headers={"Authorization": f"Bearer {token}"})
    _assert_enveloped(failed, 500, "no_answer", "AUTHORIZER_FAILURE")

    _throttle(trial)
    throttled = _first_throttled(client)
    _assert_enveloped(throttled, 429, "too_many_requests", "THROTTLED")
    assert throttled.headers["retry-after"] == "1"


def _throttle(trial: Trial) -> None:
    gateway = trial.client("apigateway")
    api = next(one["id"] for one in gateway.get_rest_apis()["items"] if one["name"] == STACK)
    limits = {"rateLimit": "1", "burstLimit": "1"}
    operations = [
        {"op": "replace", "path": f"/*/*/throttling/{name}", "value": value} for name, value in limits.items()
    ]
    gateway.update_stage(restApiId=api, stageName="api", patchOperations=operations)


def _first_throttled(client: httpx.Client, patience: float = 20.0) -> httpx.Response:
    end = time.monotonic() + patience
    while (answer := client.get("/openapi.json")).status_code != 429:
        assert time.monotonic() < end, answer.text[:300]
    return answer
