"""Vault (HashiCorp's or OpenBao): secrets, logins and signatures, behind one client that stays logged in.

Fails closed: sealed, silent or refusing, Vault is Unavailable. Secrets are remembered for a few minutes to spare it; whoever
is about to move money asks `assert_unsealed` first, which always asks Vault itself.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

import boto3
import hvac
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest, VaultError
from requests.exceptions import RequestException

from volexswarm.clock import Clock, SystemClock
from volexswarm.errors import NotFound, Unauthorized, Unavailable
from volexswarm.security.tokens import Signed
from volexswarm.settings import Settings

MOUNT = "volexswarm"
SIGNING_KEY = "jwt"
TIMEOUT = 3.0
REMEMBERED = timedelta(seconds=300)
REFRESHED = timedelta(seconds=5)  # forged tokens with made-up key ids must not become a flood of questions to Vault
LEASE_SHARE = (
    0.8  # log in again when this share of the lease is over: background renewal stops while a function is frozen
)

USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What a user may be called. hvac puts the name into the URL as it is: other characters could address another path of Vault."""


AnswerT = TypeVar("AnswerT")


class VaultLogin(Protocol):
    """One way for a process to prove to Vault who it is."""

    def __call__(self, client: hvac.Client) -> Mapping[str, Any]:
        """Log the client in and return the `auth` part of Vault's answer."""
        ...


class AppRoleLogin:
    """Login with an AppRole whose ids lie in Secrets Manager, where only the function's own IAM role may read them."""

    def __init__(self, secret_name: str, secrets_manager: Any = None) -> None:
        self._secret_name = secret_name
        self._secrets_manager = secrets_manager

    def __call__(self, client: hvac.Client) -> Mapping[str, Any]:
        ids = self._ids()
        answer: Mapping[str, Any] = client.auth.approle.login(ids["role_id"], ids["secret_id"])
        auth: Mapping[str, Any] = answer["auth"]
        return auth

    def _ids(self) -> Mapping[str, str]:
        # asked at each login: logins are rare, and ids may have been rotated since the last
        if self._secrets_manager is None:
            self._secrets_manager = boto3.client("secretsmanager", config=_PATIENCE)
        try:
            text = self._secrets_manager.get_secret_value(SecretId=self._secret_name)["SecretString"]
            ids: dict[str, str] = json.loads(text)
            return {"role_id": ids["role_id"], "secret_id": ids["secret_id"]}
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("vault", f"the login ids {self._secret_name} can't be read: {error}") from error
        except (KeyError, ValueError, TypeError) as error:
            raise Unavailable("vault", f"the secret {self._secret_name} holds no role_id and secret_id") from error


class IamLogin:
    """Login with the process's own AWS identity: nothing secret is stored anywhere."""

    def __init__(self, role: str) -> None:
        self._role = role

    def __call__(self, client: hvac.Client) -> Mapping[str, Any]:
        session = boto3.Session()
        try:
            credentials = session.get_credentials()
        except BotoCoreError as error:
            raise Unavailable("vault", f"no AWS credentials to log in with: {error}") from error
        if credentials is None:
            raise Unavailable("vault", "no AWS credentials to log in with: give the function an IAM role")
        frozen = credentials.get_frozen_credentials()
        answer: Mapping[str, Any] = client.auth.aws.iam_login(
            frozen.access_key,
            frozen.secret_key,
            session_token=frozen.token,
            role=self._role,
            region=session.region_name or "us-east-1",
        )
        auth: Mapping[str, Any] = answer["auth"]
        return auth


_PATIENCE = Config(connect_timeout=3, read_timeout=5, retries={"max_attempts": 2})


class Vault:
    """A logged-in Vault. Implements `ports.SecretStore`, `security.tokens.Signer` and `security.tokens.PublicKeys`.

    Parameters
    ----------
    url : str
        Vault's address.
    login : VaultLogin
        How this process logs in; called on first use, near the lease's end, and once when Vault says 403.
    clock : Clock
        Wall time. A monotonic clock would stand still while a function is frozen, Vault's lease does not.
    """

    def __init__(self, url: str, login: VaultLogin, clock: Clock) -> None:
        self._url = url
        self._login = login
        self._clock = clock
        self._client = _anonymous(url)
        self._login_due: datetime | None = None
        self._lock = threading.RLock()
        self._secrets: dict[str, tuple[datetime, Mapping[str, str]]] = {}
        self._keys: tuple[datetime, Mapping[str, str]] | None = None
        self._key_version = 1

    def client(self) -> hvac.Client:
        """The client, logged in. Raises Unavailable if Vault does not let us."""
        with self._lock:
            if self._login_due is None or self._clock.now() >= self._login_due:
                self._log_in()
            return self._client

    def read(self, path: str) -> Mapping[str, str]:
        """A KV secret's fields, at most `REMEMBERED` old.

        Raises
        ------
        Unavailable
            If Vault is sealed, silent, or refuses this process.
        NotFound
            If there is no such secret.
        """
        remembered = self._secrets.get(path)
        if remembered is not None and self._clock.now() - remembered[0] < REMEMBERED:
            return remembered[1]

        def fetch(client: hvac.Client) -> dict[str, str]:
            answer = client.secrets.kv.v2.read_secret_version(path, mount_point=MOUNT, raise_on_deleted_version=True)
            fields: dict[str, str] = answer["data"]["data"]
            return fields

        try:
            secret = self._ask(f"reading {path}", fetch)
        except InvalidPath as error:
            raise NotFound("secret", path) from error
        self._secrets[path] = (self._clock.now(), secret)
        return secret

    def assert_unsealed(self) -> None:
        """Ask Vault itself, past every cache. Raises Unavailable if it is sealed or silent."""
        try:
            answer = self._client.sys.read_health_status(method="GET")
            # 200 comes as a dictionary, every other status (standby, sealed, not initialised) as a response
            health = answer if isinstance(answer, dict) else answer.json()
        except (RequestException, VaultError, ValueError) as error:
            raise Unavailable("vault", _words(error)) from error
        if not isinstance(health, dict) or health.get("sealed") is not False or health.get("initialized") is not True:
            raise Unavailable("vault", "it is sealed; unseal it to go on")

    def sign_jwt(self, signing_input: Callable[[str], bytes]) -> Signed:
        """Sign with the newest version of the key; see `security.tokens.Signer`.

        The version is part of what is signed, and Vault tells it only with the signature: after a rotation, the first answer
        has a version that we did not expect, and a second asks again.
        """
        for _ in range(2):
            expected = self._key_version
            content = base64.b64encode(signing_input(str(expected))).decode()
            version, signature = self._ask("signing a token", partial(_sign, content=content))
            self._key_version = version
            if version == expected:
                return Signed(key_id=str(version), signature=signature)
        raise Unavailable("vault", "the signing key was rotated while a token was signed", timedelta(seconds=1))

    def public_keys(self, *, refresh: bool = False) -> Mapping[str, str]:
        """Public keys (PEM) by key version, at most `REMEMBERED` old, or `REFRESHED` with `refresh`.

        Versions below the key's `min_decryption_version` are left out: that is how a key is withdrawn.

        Raises
        ------
        Unavailable
            If Vault is sealed, silent, or refuses this process.
        """
        good_for = REFRESHED if refresh else REMEMBERED
        if self._keys is not None and self._clock.now() - self._keys[0] < good_for:
            return self._keys[1]

        def fetch(client: hvac.Client) -> dict[str, str]:
            data = client.secrets.transit.read_key(SIGNING_KEY)["data"]
            lowest = data["min_decryption_version"]
            return {version: key["public_key"] for version, key in data["keys"].items() if int(version) >= lowest}

        keys = self._ask("reading the public keys", fetch)
        self._keys = (self._clock.now(), keys)
        return keys

    def login(self, username: str, password: str) -> Sequence[str]:
        """Names of the policies of a user who gives the right password.

        A client of its own, as hvac would put the user's token in the place of this process's; the user's token is revoked
        at once, since only its policies are of use.

        Raises
        ------
        Unauthorized
            If name or password are wrong, or Vault has locked the user out after too many failures.
        Unavailable
            If Vault is sealed or silent.
        """
        if not USERNAME.fullmatch(username):
            raise Unauthorized("username or password is wrong")
        visitor = _anonymous(self._url)
        try:
            auth = visitor.auth.userpass.login(username, password)["auth"]
            visitor.auth.token.revoke_self()
        except (InvalidRequest, Forbidden) as error:
            if isinstance(error, Forbidden):
                raise Unauthorized("this user is locked after too many failures: wait and try again") from error
            raise Unauthorized("username or password is wrong") from error
        except (RequestException, VaultError) as error:
            raise Unavailable("vault", _words(error)) from error
        finally:
            visitor.adapter.close()
        policies: list[str] = auth["policies"]
        return policies

    def _ask(self, deed: str, question: Callable[[hvac.Client], AnswerT]) -> AnswerT:
        """Ask, and once more after a new login if Vault says 403: a token may have been revoked, or Vault replaced."""
        try:
            try:
                return question(self.client())
            except Forbidden:
                with self._lock:
                    self._log_in()
                return question(self._client)
        except InvalidPath:
            raise
        except Forbidden as error:
            raise Unavailable("vault", f"{deed} is not allowed to this process: check its policy") from error
        except (RequestException, VaultError) as error:
            raise Unavailable("vault", f"{deed}: {_words(error)}") from error

    def _log_in(self) -> None:
        try:
            auth = self._login(self._client)
        except (InvalidRequest, Forbidden) as error:
            raise Unavailable("vault", f"it refused the login: {_words(error)}") from error
        except (RequestException, VaultError) as error:
            raise Unavailable("vault", _words(error)) from error
        lease = timedelta(seconds=auth["lease_duration"]) or timedelta(days=1)  # 0: a token that never ends
        self._login_due = self._clock.now() + lease * LEASE_SHARE


def open_vault(settings: Settings, identity: str) -> Vault:
    """The Vault of these settings, as this identity (a function's name, or "realtime-data"). Connects on first use."""
    role = settings.vault_role or identity
    login = IamLogin(role) if settings.vault_auth == "aws" else AppRoleLogin(f"{settings.stack}/{role}/approle")
    return Vault(settings.vault_url, login, SystemClock())


def _anonymous(url: str) -> hvac.Client:
    # an empty token, because hvac would take None for leave to look into VAULT_TOKEN and ~/.vault-token
    return hvac.Client(url=url, token="", timeout=TIMEOUT)


def _sign(client: hvac.Client, content: str) -> tuple[int, str]:
    answer = client.secrets.transit.sign_data(
        SIGNING_KEY, hash_input=content, hash_algorithm="sha2-256", marshaling_algorithm="jws"
    )
    _, version, signature = answer["data"]["signature"].split(":", 2)  # vault:v1:…
    return int(version.removeprefix("v")), signature


def _words(error: Exception) -> str:
    if isinstance(error, VaultError):
        return ", ".join(error.errors or []) or str(error.args[0] or type(error).__name__)
    return f"{type(error).__name__}: {error}"
