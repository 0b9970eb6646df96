"""What an operator changes in the Vault of the cloud on this machine: who may log in, and the keys of language models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import hvac
import requests
from hvac.exceptions import VaultDown, VaultError

from volexlocal.failures import CloudError
from volexswarm.adapters.vault import MOUNT, USERNAME
from volexswarm.adapters.vault_users import ADMIN, VaultUsers
from volexswarm.security.roles import Role

KEYED = ("anthropic", "azure", "openai")
"""Providers of language models that take an API key."""

_LEAST_PASSWORD = 12
_MOST_PASSWORD = 72
"""Bytes that Vault's hash of a password takes."""

AnswerT = TypeVar("AnswerT")


class VaultDesk:
    """Users and model keys of one cloud.

    Parameters
    ----------
    url, token : str
        Of its Vault; the token may write them.

    Every method raises `CloudError` with what to do: for what can't be, and when the Vault does not answer.
    """

    def __init__(self, url: str, token: str) -> None:
        self._client = hvac.Client(url=url, token=token, timeout=10)
        self._users = VaultUsers(self._client)

    def roles(self) -> Mapping[str, Role | None]:
        """Each user's role, by name; None for one that may do nothing."""
        return _asked(self._users.roles)

    def add_user(self, name: str, role: Role, password: str) -> str:
        """Let somebody log in; the name that they have then. One that is taken stays as it is, and is an error."""
        if not USERNAME.fullmatch(name):
            rule = "letters, digits, dots, dashes and underscores, a letter or digit first, up to 64"
            raise CloudError(f"user: expected {rule}, got {name!r}")
        if not _LEAST_PASSWORD <= len(password.encode()) <= _MOST_PASSWORD:
            rule = f"{_LEAST_PASSWORD} to {_MOST_PASSWORD} bytes"
            raise CloudError(f"password: expected {rule}, got {len(password.encode())}")
        name = name.lower()  # as Vault takes it
        if not _asked(lambda: self._users.ensure(name, password, role)):
            raise CloudError(f"there is a user {name} already; to change them: volexlocal user remove {name}, then add")
        return name

    def remove_user(self, name: str) -> None:
        """Let nobody log in by this name any more. Tokens that it was given before are good to their end, an hour at most."""
        name = name.lower()
        if name == ADMIN:
            raise CloudError(f"{name} stays: `make up` would make that user again")
        known = self.roles()
        if name not in known:
            raise CloudError(f"there is no user {name}; there are {', '.join(known)}")
        _asked(lambda: self._users.remove(name))

    def keep_model_key(self, provider: str, key: str) -> None:
        """The API key that a model of the provider is asked with; one that was kept before is replaced.

        A function's process that has asked with the one before goes on with it until it ends.
        """
        if not key.strip():
            raise CloudError("key: expected the provider's API key, got nothing")
        store = self._client.secrets.kv.v2
        _asked(lambda: store.create_or_update_secret(f"models/{provider}", {"api_key": key.strip()}, mount_point=MOUNT))


def _asked(question: Callable[[], AnswerT]) -> AnswerT:
    try:
        return question()
    except requests.RequestException as error:
        raise CloudError(f"the Vault does not answer; is the cloud up? (make status) {error}") from error
    except VaultDown as error:
        raise CloudError("the Vault is sealed: volexlocal restart openbao") from error
    except VaultError as error:
        raise CloudError(f"the Vault refuses: {error}") from error
