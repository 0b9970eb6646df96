"""Logging in and being let through, with the real Vault and the real count of failures behind the real app."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import hvac
import pytest
from chalice.test import Client, HTTPResponse

from app import app
from chalicelib.api.authorizer import Refused
from chalicelib.runtime import wiring
from tests.conftest import VaultServer
from tests.fakes.api import FakeSwarm
from volexswarm.adapters.redis_attempts import RedisAttempts
from volexswarm.adapters.redis_quotes import client as redis_client
from volexswarm.adapters.vault import Vault
from volexswarm.clock import SystemClock
from volexswarm.security.login import Login
from volexswarm.security.tokens import TokenIssuer, TokenVerifier

Ask = Callable[..., HTTPResponse]


def vault_as(server: VaultServer, identity: str) -> Vault:
    role = server.app_roles[identity]

    def log_in(client: hvac.Client) -> Mapping[str, Any]:
        auth: Mapping[str, Any] = client.auth.approle.login(role.role_id, role.secret_id)["auth"]
        return auth

    return Vault(server.url, log_in, SystemClock())


@pytest.fixture
def ask(vault_server: VaultServer, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """The app, each of its functions at Vault as itself."""
    FakeSwarm().install(monkeypatch)
    api, authorizer = vault_as(vault_server, "api-handler"), vault_as(vault_server, "authorizer")
    clock = SystemClock()
    login = Login(api, RedisAttempts(redis_client(redis_url)), TokenIssuer(api, clock))
    monkeypatch.setattr(wiring, "clock", lambda: clock)
    monkeypatch.setattr(wiring, "login", lambda: login)
    monkeypatch.setattr(wiring, "token_verifier", lambda: TokenVerifier(authorizer, clock))
    client = Client(app)

    def send(method: str, path: str, body: Any = None, token: str | None = None) -> HTTPResponse:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        return client.http.request(method, path, headers=headers, body=json.dumps(body).encode() if body else b"")

    return send


def test_the_seeded_admin_logs_in_and_is_let_through(ask: Ask, vault_server: VaultServer) -> None:
    credentials = {"username": "admin", "password": vault_server.admin_password}
    session = ask("POST", "/login", credentials).json_body["data"]
    assert session["role"] == "admin"
    whoami = ask("GET", "/whoami", token=session["token"])
    assert whoami.status_code == 200
    assert whoami.json_body["data"]["username"] == "admin"
    assert whoami.json_body["data"]["expires_at"] == session["expires_at"]


def test_a_token_that_was_changed_is_refused(ask: Ask, vault_server: VaultServer) -> None:
    credentials = {"username": "admin", "password": vault_server.admin_password}
    header, claims, signature = ask("POST", "/login", credentials).json_body["data"]["token"].split(".")
    for forged in (f"{header}.{claims}.{signature[::-1]}", f"{header}.{claims}x.{signature}", f"{header}.{claims}."):
        with pytest.raises(Refused):
            ask("GET", "/whoami", token=forged)


def test_a_wrong_password_is_refused_and_a_name_that_is_a_path_too(ask: Ask) -> None:
    for username in ("admin", "nobody", "../../sys/seal", "admin/../admin"):
        response = ask("POST", "/login", {"username": username, "password": "wrong"})
        assert (response.status_code, response.json_body["error"]["code"]) == (401, "unauthorized")


def test_a_sealed_vault_lets_nobody_in_and_says_so(ask: Ask, vault_server: VaultServer) -> None:
    vault_server.seal()
    credentials = {"username": "admin", "password": vault_server.admin_password}
    response = ask("POST", "/login", credentials)
    assert response.status_code == 503
    assert response.json_body["error"]["details"] == {"part": "vault"}
    vault_server.unseal()
    assert ask("POST", "/login", credentials).status_code == 200
