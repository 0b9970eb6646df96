"""Users of the local cloud, in a real Vault: added with a role, listed, removed."""

import hvac
import pytest
from hvac.exceptions import InvalidRequest

from tests.conftest import VaultServer
from volexlocal.failures import CloudError
from volexlocal.people import People
from volexlocal.ports import free_ports
from volexswarm.security.roles import Role

PASSWORD = "long enough to be one"


@pytest.fixture
def people(vault_server: VaultServer) -> People:
    return People(vault_server.url, vault_server.root_token)


def policies(server: VaultServer, name: str, password: str = PASSWORD) -> list[str]:
    return list(hvac.Client(url=server.url).auth.userpass.login(name, password)["auth"]["policies"])


def test_who_is_added_can_log_in_with_their_role_until_they_are_removed(
    people: People, vault_server: VaultServer
) -> None:
    people.add("Eve", Role.TRADER, PASSWORD)
    assert "role-trader" in policies(vault_server, "Eve")
    assert people.roles()["eve"] is Role.TRADER
    assert people.roles()["admin"] is Role.ADMIN
    people.remove("Eve")
    assert "eve" not in people.roles()
    with pytest.raises(InvalidRequest):
        policies(vault_server, "Eve")


def test_a_name_that_is_taken_keeps_its_password_and_role(people: People, vault_server: VaultServer) -> None:
    people.add("ann", Role.VIEWER, PASSWORD)
    with pytest.raises(CloudError, match="there is a user ANN already"):
        people.add("ANN", Role.TRADER, "another long password")
    assert "role-viewer" in policies(vault_server, "ann")
    people.remove("ann")


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [("../roles", PASSWORD, "user: expected"), ("", PASSWORD, "user: expected"), ("eve", "short", "at least 12")],
)
def test_what_can_not_be_a_user_is_refused(people: People, name: str, password: str, words: str) -> None:
    before = dict(people.roles())
    with pytest.raises(CloudError, match=words):
        people.add(name, Role.VIEWER, password)
    assert people.roles() == before


@pytest.mark.parametrize(("name", "words"), [("admin", "admin stays"), ("nobody", "no user nobody; there are admin")])
def test_who_stays_and_who_is_not_there(people: People, name: str, words: str) -> None:
    with pytest.raises(CloudError, match=words):
        people.remove(name)


def test_without_a_vault_it_says_what_to_look_at() -> None:
    with pytest.raises(CloudError, match="make status"):
        People(f"http://127.0.0.1:{free_ports(1)[0]}", "token").roles()
