"""Who may log in to the cloud on this machine: users and their roles, kept by its Vault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import hvac
import requests
from hvac.exceptions import VaultError

from volexlocal.failures import CloudError
from volexswarm.adapters.vault import USERNAME
from volexswarm.adapters.vault_users import ADMIN, VaultUsers
from volexswarm.security.roles import Role

_LEAST_PASSWORD = 12

AnswerT = TypeVar("AnswerT")


class People:
    """The users of one cloud.

    Parameters
    ----------
    url, token : str
        Of its Vault; the token may write users.

    Every method raises `CloudError` with what to do: for what can't be, and when the Vault does not answer.
    """

    def __init__(self, url: str, token: str) -> None:
        self._users = VaultUsers(hvac.Client(url=url, token=token, timeout=10))

    def roles(self) -> Mapping[str, Role | None]:
        """Each user's role, by name; None for one that may do nothing."""
        return self._asked(self._users.roles)

    def add(self, name: str, role: Role, password: str) -> None:
        """Let somebody log in. A name that is taken stays as it is, and is an error."""
        if not USERNAME.fullmatch(name):
            raise CloudError(f"user: expected up to 64 letters, digits, dots, dashes or underscores, got {name!r}")
        if len(password) < _LEAST_PASSWORD:
            raise CloudError(f"password: expected at least {_LEAST_PASSWORD} characters, got {len(password)}")
        if name.lower() in self.roles():
            raise CloudError(f"there is a user {name} already; to change them: volexlocal user remove {name}, then add")
        self._asked(lambda: self._users.ensure(name, password, role))

    def remove(self, name: str) -> None:
        """Let nobody log in by this name any more. Tokens that it was given before are good to their end, an hour at most."""
        if name.lower() == ADMIN:
            raise CloudError(f"{name} stays: `make up` would make that user again")
        if name.lower() not in self.roles():
            raise CloudError(f"there is no user {name}; there are {', '.join(self.roles())}")
        self._asked(lambda: self._users.remove(name))

    def _asked(self, question: Callable[[], AnswerT]) -> AnswerT:
        try:
            return question()
        except (VaultError, requests.RequestException) as error:
            raise CloudError(f"the Vault does not answer; is the cloud up? (make status) {error}") from error
