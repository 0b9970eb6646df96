"""Seeding a Vault on real OpenBao: complete, repeatable, and no function may read what it does not need."""

import hvac
import pytest
from hvac.exceptions import Forbidden, InvalidPath

from infra import vault
from tests.conftest import VaultServer


def _login(server: VaultServer, role: vault.AppRole) -> hvac.Client:
    client = hvac.Client(url=server.url, token="")
    client.auth.approle.login(role.role_id, role.secret_id)
    return client


def _reads(client: hvac.Client, path: str) -> bool:
    try:
        client.secrets.kv.v2.read_secret_version(path, mount_point=vault.MOUNT, raise_on_deleted_version=True)
    except Forbidden:
        return False
    except InvalidPath:
        return True  # it may look, and nobody has put anything there
    return True


@pytest.mark.parametrize("identity", vault.identities())
def test_each_identity_reads_only_the_secrets_it_needs(vault_server: VaultServer, identity: str) -> None:
    client = _login(vault_server, vault_server.app_roles[identity])

    assert _reads(client, "databases/main") == (identity != "authorizer")
    assert _reads(client, "api_keys/binance") == (identity in {"execution-orders", "execution-keeper", "realtime-data"})
    assert _reads(client, "models/openai") == (identity in {"meta-deliberate", "meta-read"})


@pytest.mark.parametrize("identity", vault.identities())
def test_only_the_api_signs_tokens(vault_server: VaultServer, identity: str) -> None:
    client = _login(vault_server, vault_server.app_roles[identity])

    if identity == "api-handler":
        assert client.secrets.transit.sign_data("jwt", hash_input="dGVzdA==")["data"]["signature"]
    else:
        with pytest.raises(Forbidden):
            client.secrets.transit.sign_data("jwt", hash_input="dGVzdA==")


def test_seeding_again_changes_nothing(vault_server: VaultServer) -> None:
    client = hvac.Client(url=vault_server.url, token=vault_server.root_token)
    before = client.secrets.kv.v2.read_secret_metadata("databases/main", mount_point=vault.MOUNT)["data"]

    again = vault.seed(client, vault_server.credentials, "another password", vault_server.app_roles)

    after = client.secrets.kv.v2.read_secret_metadata("databases/main", mount_point=vault.MOUNT)["data"]
    assert again == vault_server.app_roles
    assert after["current_version"] == before["current_version"]
    visitor = hvac.Client(url=vault_server.url, token="")
    answer = visitor.auth.userpass.login("admin", vault_server.admin_password)
    assert "role-admin" in answer["auth"]["policies"]


def test_ids_that_are_no_longer_good_are_replaced(vault_server: VaultServer) -> None:
    client = hvac.Client(url=vault_server.url, token=vault_server.root_token)
    stale = {"risk": vault.AppRole(vault_server.app_roles["risk"].role_id, "gone")}

    roles = vault.seed(client, vault_server.credentials, vault_server.admin_password, stale)

    assert roles["risk"].secret_id != "gone"
    assert _reads(_login(vault_server, roles["risk"]), "databases/main")
