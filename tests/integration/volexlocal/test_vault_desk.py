"""What an operator changes in a real Vault: users with a role, and the keys of language models."""

from collections.abc import Iterator

import hvac
import pytest
from hvac.exceptions import InvalidRequest

from infra import vault
from tests.conftest import VaultServer
from volexlocal.failures import CloudError
from volexlocal.ports import free_ports
from volexlocal.vault_desk import KEYED, VaultDesk
from volexswarm.deliberation.models.providers import PROVIDERS
from volexswarm.security.roles import Role

PASSWORD = "long enough to be one"


@pytest.fixture
def desk(vault_server: VaultServer) -> Iterator[VaultDesk]:
    """At a Vault that other tests use, too: users and keys go with the test."""
    desk = VaultDesk(vault_server.url, vault_server.root_token)
    before = set(desk.roles())
    yield desk
    for name in set(desk.roles()) - before:
        desk.remove_user(name)
    store = hvac.Client(url=vault_server.url, token=vault_server.root_token).secrets.kv.v2
    store.delete_metadata_and_all_versions("models/openai", mount_point=vault.MOUNT)


def policies(server: VaultServer, name: str, password: str = PASSWORD) -> list[str]:
    return list(hvac.Client(url=server.url).auth.userpass.login(name, password)["auth"]["policies"])


def test_who_is_added_can_log_in_with_their_role_until_they_are_removed(
    desk: VaultDesk, vault_server: VaultServer
) -> None:
    assert desk.add_user("Olga", Role.TRADER, PASSWORD) == "olga"
    assert "role-trader" in policies(vault_server, "Olga")
    assert desk.roles()["olga"] is Role.TRADER
    assert desk.roles()["admin"] is Role.ADMIN
    desk.remove_user("Olga")
    assert "olga" not in desk.roles()
    with pytest.raises(InvalidRequest):
        policies(vault_server, "Olga")


def test_a_name_that_is_taken_keeps_its_password_and_role(desk: VaultDesk, vault_server: VaultServer) -> None:
    desk.add_user("ann", Role.VIEWER, PASSWORD)
    with pytest.raises(CloudError, match="there is a user ann already"):
        desk.add_user("ANN", Role.TRADER, "another long password")
    assert "role-viewer" in policies(vault_server, "ann")


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [
        ("../roles", PASSWORD, "user: expected"),
        ("", PASSWORD, "user: expected"),
        ("olga", "short", "expected 12 to 72 bytes, got 5"),
        ("olga", "ä" * 37, "expected 12 to 72 bytes, got 74"),
        ("olga.", PASSWORD, "the Vault refuses"),
    ],
)
def test_what_can_not_be_a_user_is_refused(desk: VaultDesk, name: str, password: str, words: str) -> None:
    before = dict(desk.roles())
    with pytest.raises(CloudError, match=words):
        desk.add_user(name, Role.VIEWER, password)
    assert desk.roles() == before


@pytest.mark.parametrize(("name", "words"), [("admin", "admin stays"), ("nobody", "no user nobody; there are .*admin")])
def test_who_stays_and_who_is_not_there(desk: VaultDesk, name: str, words: str) -> None:
    with pytest.raises(CloudError, match=words):
        desk.remove_user(name)


def test_a_token_that_may_not_is_no_vault_that_is_silent(vault_server: VaultServer) -> None:
    with pytest.raises(CloudError, match="the Vault refuses"):
        VaultDesk(vault_server.url, "not a token").roles()


def test_a_sealed_vault_says_how_to_open_it(vault_server: VaultServer, desk: VaultDesk) -> None:
    vault_server.seal()
    try:
        with pytest.raises(CloudError, match="volexlocal restart openbao"):
            VaultDesk(vault_server.url, vault_server.root_token).roles()
    finally:
        vault_server.unseal()


def test_without_a_vault_it_says_what_to_look_at() -> None:
    with pytest.raises(CloudError, match="make status"):
        VaultDesk(f"http://127.0.0.1:{free_ports(1)[0]}", "token").roles()


def test_a_models_key_is_kept_where_the_deliberation_reads_it_and_replaced(
    desk: VaultDesk, vault_server: VaultServer
) -> None:
    store = hvac.Client(url=vault_server.url, token=vault_server.root_token).secrets.kv.v2
    for key in ("first", "second\n"):
        desk.keep_model_key("openai", key)
    kept = store.read_secret_version("models/openai", mount_point=vault.MOUNT, raise_on_deleted_version=True)
    assert kept["data"]["data"] == {"api_key": "second"}
    with pytest.raises(CloudError, match="got nothing"):
        desk.keep_model_key("openai", " \n")


def test_every_provider_that_takes_a_key_can_be_given_one() -> None:
    assert set(KEYED) == {name for name, provider in PROVIDERS.items() if provider.keyed != "never"}
