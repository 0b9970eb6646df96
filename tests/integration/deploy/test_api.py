"""The API through the gateway, its functions logging in to the real Vault and reading the real database."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import hvac
import pytest

from infra.deploy import settings_parameters
from tests.conftest import VaultServer
from tests.integration.deploy.conftest import STACK, Trial
from volexswarm.settings import Settings


@pytest.fixture
def real_parts(trial: Trial, vault_server: VaultServer, database_dsn: str, redis_url: str) -> Iterator[Settings]:
    """Vault knows the database, and each function of the API finds its login there."""
    secrets = hvac.Client(url=vault_server.url, token=vault_server.root_token).secrets.kv.v2
    secrets.create_or_update_secret("databases/main", {"dsn": database_dsn}, mount_point="volexswarm")
    manager = trial.client("secretsmanager")
    names = [f"{STACK}/{function}/approle" for function in ("api-handler", "authorizer")]
    for name in names:
        role = vault_server.app_roles[name.split("/")[1]]
        ids = json.dumps({"role_id": role.role_id, "secret_id": role.secret_id})
        manager.create_secret(Name=name, SecretString=ids)
    yield Settings(
        target="embedded",
        stack=STACK,
        symbols=("BTC/USDT",),
        timeframes=("1m",),
        redis_url=redis_url,
        vault_url=vault_server.url,
    )
    for name in names:
        manager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    dsn = vault_server.credentials.dsn
    secrets.create_or_update_secret("databases/main", {"dsn": dsn}, mount_point="volexswarm")


def test_the_gateway_lets_in_who_is_logged_in_and_nobody_else(
    trial: Trial, real_parts: Settings, vault_server: VaultServer
) -> None:
    url = trial.deploy(**settings_parameters(real_parts)).api_url
    with httpx.Client(base_url=url, timeout=30) as client:
        assert client.get("/openapi.json").json()["openapi"].startswith("3.1")
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
        assert len(client.get("/dlq").json()["data"]["queues"]) == 7
        assert client.get("/dlq/orders.fifo").json()["data"]["letters"] == []
        assert "refused" in client.get("/logs", params={"function": "authorizer", "filter": "refused"}).text
        trade = {"symbol": "BTC/USDT", "side": "buy", "amount": "0.01", "type": "market"}
        refused = client.post("/trade", json=trade, headers={"Idempotency-Key": "request-1"})
        assert refused.status_code == 503
        assert "no price of BTC/USDT" in refused.json()["error"]["message"]
