"""The API through the gateway, its functions logging in to the real Vault and reading the real database."""

from __future__ import annotations

import httpx

from infra.deploy import settings_parameters
from tests.conftest import VaultServer
from tests.integration.deploy.conftest import Trial
from volexswarm.messages import Queue
from volexswarm.settings import Settings


def test_the_gateway_lets_in_who_is_logged_in_and_nobody_else(
    trial: Trial, real_parts: Settings, vault_server: VaultServer
) -> None:
    url = trial.deploy(**settings_parameters(real_parts)).api_url
    with httpx.Client(base_url=url, timeout=30) as client:
        assert client.get("/openapi.json").json()["openapi"].startswith("3.1")
        page = client.get("/tasks/page")  # and no task of that name, which would need a token
        assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        for headers in ({}, {"Authorization": "Bearer forged"}, {"Authorization": "Basic YWRtaW46"}):
            assert client.get("/status", headers=headers).status_code == 401
        credentials = {"username": "admin", "password": vault_server.admin_password}
        session = client.post("/login", json=credentials)
        assert session.status_code == 200, session.text
        client.headers["Authorization"] = f"Bearer {session.json()['data']['token']}"
        assert client.get("/whoami").json()["data"]["username"] == "admin"
        status = client.get("/status").json()["data"]
        assert {part["part"]: part["health"] for part in status["parts"]}["database"] == "healthy"
        assert client.get("/orders", params={"symbol": "BTC/USDT"}).json()["data"] == {"items": [], "next": None}
        assert client.get("/orders/abcdef01").status_code == 404
        assert len(client.get("/dlq").json()["data"]["queues"]) == len(Queue)
        assert client.get("/dlq/orders.fifo").json()["data"]["letters"] == []
        assert "refused" in client.get("/logs", params={"function": "authorizer", "filter": "refused"}).text
        trade = {"symbol": "BTC/USDT", "side": "buy", "amount": "0.01", "type": "market"}
        refused = client.post("/trade", json=trade, headers={"Idempotency-Key": "request-1"})
        assert refused.status_code == 503
        assert "no price of BTC/USDT" in refused.json()["error"]["message"]
