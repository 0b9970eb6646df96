"""People who may log in, as users of Vault: their password, and the role that comes with one of its policies."""

from __future__ import annotations

import hvac
from hvac.exceptions import InvalidPath

from volexswarm.errors import Forbidden
from volexswarm.security.roles import Role, role_of

ADMIN = "admin"
"""The user that a stack begins with."""


class VaultUsers:
    """Users of the login by password.

    Parameters
    ----------
    client : hvac.Client
        Logged in with a token that may write them. hvac's exceptions come through.
    """

    def __init__(self, client: hvac.Client) -> None:
        self._users = client.auth.userpass

    def roles(self) -> dict[str, Role | None]:
        """By name; None where no policy is a role, so that nothing is allowed."""
        try:
            names: list[str] = self._users.list_user()["data"]["keys"]
        except InvalidPath:
            return {}
        return {name: self._role(name) for name in names}

    def ensure(self, name: str, password: str, role: Role) -> bool:
        """Make a user, unless the name is taken: then it stays as it is, and the answer is False."""
        try:
            self._users.read_user(name)
        except InvalidPath:
            # Its token is thrown away at once: only the policies that come with it are of use.
            self._users.create_or_update_user(
                name,
                password,
                policies=[role.policy],
                token_ttl="1m",  # noqa: S106
                token_max_ttl="1m",  # noqa: S106
            )
            return True
        return False

    def remove(self, name: str) -> None:
        """A user that is not there is no error."""
        self._users.delete_user(name)

    def _role(self, name: str) -> Role | None:
        data = self._users.read_user(name)["data"]
        try:
            return role_of(data.get("token_policies") or data.get("policies") or [])
        except Forbidden:
            return None
