"""The Vault adapter against a real OpenBao, seeded as the stack seeds it."""

from __future__ import annotations

import dataclasses
import http.server
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import boto3
import hvac
import pytest

from tests.conftest import VaultServer
from tests.fakes.transaction import FixedClock
from volexswarm.adapters.vault import REFRESHED, REMEMBERED, AppRoleLogin, IamLogin, Vault, open_vault
from volexswarm.clock import SystemClock
from volexswarm.errors import NotFound, Unauthorized, Unavailable
from volexswarm.security.roles import Role, role_of
from volexswarm.security.tokens import TokenIssuer, TokenVerifier
from volexswarm.settings import Settings


class CountedLogin:
    """Logs in with an AppRole's ids, and counts."""

    def __init__(self, server: VaultServer, identity: str) -> None:
        self.role = server.app_roles[identity]
        self.times = 0

    def __call__(self, client: hvac.Client) -> Mapping[str, Any]:
        self.times += 1
        auth: Mapping[str, Any] = client.auth.approle.login(self.role.role_id, self.role.secret_id)["auth"]
        return auth


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def open_as(vault_server: VaultServer, clock: FixedClock) -> Callable[[str], Vault]:
    return lambda identity: Vault(vault_server.url, CountedLogin(vault_server, identity), clock)


@pytest.fixture
def root(vault_server: VaultServer) -> hvac.Client:
    return hvac.Client(url=vault_server.url, token=vault_server.root_token)


def settings(url: str, **others: Any) -> Settings:
    needed = {"target": "embedded", "symbols": "BTC/USDT", "timeframes": "1m", "redis_url": "redis://x"}
    return Settings(vault_url=url, **needed, **others)


def test_a_secret_is_read(open_as, vault_server):
    assert open_as("risk").read("databases/main") == {"dsn": vault_server.credentials.dsn}


def test_a_secret_is_remembered_for_a_while_and_then_asked_for_again(open_as, root, clock):
    vault = open_as("execution-orders")
    root.secrets.kv.v2.create_or_update_secret("api_keys/kraken", {"api_key": "old"}, mount_point="volexswarm")
    vault.read("api_keys/kraken")
    root.secrets.kv.v2.create_or_update_secret("api_keys/kraken", {"api_key": "new"}, mount_point="volexswarm")
    clock.advance(REMEMBERED - timedelta(seconds=1))
    assert vault.read("api_keys/kraken")["api_key"] == "old"
    clock.advance(timedelta(seconds=1))
    assert vault.read("api_keys/kraken")["api_key"] == "new"


def test_a_secret_that_is_not_there_is_named(open_as):
    with pytest.raises(NotFound, match="api_keys/nowhere"):
        open_as("execution-orders").read("api_keys/nowhere")


def test_a_function_reads_only_what_it_needs(open_as):
    with pytest.raises(Unavailable, match="not allowed"):
        open_as("risk").read("api_keys/binance")


def test_the_environments_own_token_is_not_used(open_as, vault_server, monkeypatch):
    monkeypatch.setenv("VAULT_TOKEN", vault_server.root_token)
    with pytest.raises(Unavailable, match="not allowed"):
        open_as("risk").read("api_keys/binance")


def test_it_logs_in_again_when_most_of_the_lease_is_over(vault_server, clock):
    login = CountedLogin(vault_server, "risk")
    vault = Vault(vault_server.url, login, clock)
    vault.client()
    clock.advance(timedelta(minutes=47))
    vault.client()
    assert login.times == 1
    clock.advance(timedelta(minutes=1))  # the lease is one hour; 80 % of it are 48 minutes
    vault.client()
    assert login.times == 2


def test_it_logs_in_again_when_its_token_was_revoked(vault_server, root, clock):
    login = CountedLogin(vault_server, "risk")
    vault = Vault(vault_server.url, login, clock)
    root.auth.token.revoke(vault.client().token)
    assert vault.read("databases/main")["dsn"] == vault_server.credentials.dsn
    assert login.times == 2


def test_a_sealed_vault_is_unavailable_even_to_who_remembers_its_secrets(open_as, vault_server):
    vault = open_as("execution-orders")
    vault.read("databases/main")
    vault.assert_unsealed()
    vault_server.seal()
    with pytest.raises(Unavailable, match="vault is unavailable: it is sealed"):
        vault.assert_unsealed()
    with pytest.raises(Unavailable, match=r"vault .*sealed"):
        vault.read("api_keys/binance")
    with pytest.raises(Unavailable, match=r"vault .*sealed"):
        vault.login("admin", vault_server.admin_password)
    vault_server.unseal()
    vault.assert_unsealed()
    assert vault.read("api_keys/binance")["api_key"] == "test-key"


@pytest.mark.parametrize(
    "ask",
    [
        lambda vault: vault.assert_unsealed(),
        lambda vault: vault.read("databases/main"),
        lambda vault: vault.client(),
        lambda vault: vault.public_keys(),
        lambda vault: vault.sign_jwt(lambda key_id: b"x"),
        lambda vault: vault.login("admin", "x"),
    ],
)
def test_a_silent_vault_is_unavailable(vault_server, clock, ask):
    nobody = Vault("http://127.0.0.1:1", CountedLogin(vault_server, "risk"), clock)
    with pytest.raises(Unavailable, match="vault is unavailable"):
        ask(nobody)


def test_a_refused_login_is_said(vault_server, clock):
    login = CountedLogin(vault_server, "risk")
    login.role = dataclasses.replace(login.role, secret_id="wrong")
    with pytest.raises(Unavailable, match="refused the login"):
        Vault(vault_server.url, login, clock).client()


def test_the_right_password_gives_the_policies(open_as, vault_server):
    assert role_of(open_as("api-handler").login("admin", vault_server.admin_password)) is Role.ADMIN


def test_a_users_login_leaves_the_processs_own_token(open_as, vault_server):
    vault = open_as("api-handler")
    own = vault.client().token
    vault.login("admin", vault_server.admin_password)
    assert vault.client().token == own


@pytest.mark.parametrize("username", ["admin", "nobody", "", "../approle/role", "admin/../admin", "a" * 65, "ad min"])
def test_a_wrong_name_or_password_is_refused_alike(open_as, username):
    with pytest.raises(Unauthorized, match=r"^username or password is wrong$"):
        open_as("api-handler").login(username, "wrong")


def test_too_many_failures_lock_the_user_out(open_as, root):
    root.auth.userpass.create_or_update_user("eve", "the right one", policies=["role-viewer"])
    vault = open_as("api-handler")
    for _ in range(5):
        with pytest.raises(Unauthorized, match="wrong"):
            vault.login("eve", "wrong")
    with pytest.raises(Unauthorized, match="locked"):
        vault.login("eve", "the right one")


def test_a_token_signed_by_vault_is_verified_by_another_identity(open_as):
    token = TokenIssuer(open_as("api-handler"), SystemClock()).issue("ada", Role.TRADER)
    principal = TokenVerifier(open_as("authorizer"), SystemClock()).verify(token.text)
    assert (principal.username, principal.role) == ("ada", Role.TRADER)


def test_the_key_can_be_rotated_and_withdrawn_while_processes_run(open_as, root, clock):
    issuer = TokenIssuer(open_as("api-handler"), clock)
    verifier = TokenVerifier(open_as("authorizer"), clock)
    old = issuer.issue("ada", Role.TRADER)
    verifier.verify(old.text)

    root.secrets.transit.rotate_key("jwt")
    clock.advance(REFRESHED)
    new = issuer.issue("bob", Role.TRADER)
    assert verifier.verify(new.text).username == "bob"
    assert verifier.verify(old.text).username == "ada"

    newest = root.secrets.transit.read_key("jwt")["data"]["latest_version"]
    root.secrets.transit.update_key_configuration("jwt", min_decryption_version=newest)
    clock.advance(REMEMBERED)
    with pytest.raises(Unauthorized, match="unknown key"):
        verifier.verify(old.text)
    assert verifier.verify(new.text).username == "bob"


def test_only_the_api_signs(open_as):
    with pytest.raises(Unavailable, match="not allowed"):
        open_as("risk").sign_jwt(lambda key_id: b"x")


def test_the_login_ids_come_from_secrets_manager(vault_server, aws):
    role = vault_server.app_roles["risk"]
    stack = f"volexswarm-{role.role_id}"  # one emulator serves all tests: a name of this test's own
    boto3.client("secretsmanager").create_secret(Name=f"{stack}/risk/approle", SecretString=role.to_json())
    vault = open_vault(settings(vault_server.url, stack=stack), "risk")
    assert vault.read("databases/main")["dsn"] == vault_server.credentials.dsn


def test_without_login_ids_vault_is_unavailable(vault_server, aws):
    with pytest.raises(Unavailable, match="nowhere/risk/approle can't be read"):
        open_vault(settings(vault_server.url, stack="nowhere"), "risk").client()


def test_senseless_login_ids_are_said(vault_server, aws):
    boto3.client("secretsmanager").create_secret(Name="senseless/approle", SecretString="[]")
    with pytest.raises(Unavailable, match="holds no role_id and secret_id"):
        Vault(vault_server.url, AppRoleLogin("senseless/approle"), SystemClock()).client()


@pytest.fixture
def aws_auth_vault() -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """A server that lets everybody in at Vault's AWS login, and keeps what it was sent (OpenBao has no AWS login)."""
    seen: list[tuple[str, dict[str, str]]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append((self.path, body))
            answer = json.dumps({"auth": {"client_token": "token-of-aws", "lease_duration": 60}}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    thread.join()
    server.server_close()


def test_on_aws_the_function_logs_in_by_its_own_identity(aws_auth_vault, monkeypatch):
    url, seen = aws_auth_vault
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    vault = open_vault(settings(url, vault_auth="aws"), "risk")
    assert vault.client().token == "token-of-aws"
    path, body = seen[0]
    assert (path, body["role"]) == ("/v1/auth/aws/login", "risk")
    assert "example" not in json.dumps(body)


def test_without_an_aws_identity_vault_is_unavailable(aws_auth_vault, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(Unavailable, match="no AWS credentials"):
        Vault(aws_auth_vault[0], IamLogin("risk"), SystemClock()).client()
