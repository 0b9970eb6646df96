"""Makes a Vault ready for the stack: mounts, a least-privilege policy and AppRole per function, signing key, credentials, users.

Everything here may be run again at any time: what exists stays, a changed credential or policy is written anew. Works on
HashiCorp Vault and OpenBao alike, wherever they run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import hvac
from hvac.exceptions import InvalidPath, InvalidRequest, VaultError

from volexswarm.adapters.vault_users import ADMIN, VaultUsers
from volexswarm.agents import REALTIME_DATA, functions
from volexswarm.security.roles import Role

MOUNT = "volexswarm"
SIGNING_KEY = "jwt"

MODEL_USERS = frozenset({"meta-deliberate", "meta-read"})
EXCHANGE_USERS = frozenset({REALTIME_DATA.name, *(function.name for function in functions() if function.trades)})
TOKEN_SIGNERS = frozenset({"api-handler"})
TOKEN_CHECKERS = frozenset({"authorizer", "meta-websocket"})
TOKENS_ONLY = frozenset({"authorizer"})

_TOKEN_TTL = "1h"  # noqa: S105 -- a duration
_LOCKOUT = {"lockout_threshold": "5", "lockout_duration": "30m", "lockout_counter_reset": "15m"}


@dataclass(frozen=True)
class AppRole:
    """The ids that a function logs in with."""

    role_id: str
    secret_id: str

    def to_json(self) -> str:
        """As stored in Secrets Manager."""
        return json.dumps({"role_id": self.role_id, "secret_id": self.secret_id})


@dataclass(frozen=True)
class Credentials:
    """What Vault shall keep: the database's connection string and the venue's API key."""

    dsn: str
    venue: str
    api_key: str
    secret: str


def identities() -> tuple[str, ...]:
    """Everyone who logs in with an AppRole: each function, and realtime-data."""
    return (*(function.name for function in functions()), REALTIME_DATA.name)


def seed(
    client: hvac.Client, credentials: Credentials, admin_password: str, known: Mapping[str, AppRole] | None = None
) -> dict[str, AppRole]:
    """Bring Vault to the state that the stack needs.

    Parameters
    ----------
    client : hvac.Client
        Logged in with a token that may do everything (root, or an operator's).
    credentials : Credentials
        Stored; written again only if they differ from what is there.
    admin_password : str
        Password of the user `admin`, set when that user does not exist; a password changed later stays.
    known : mapping, optional
        AppRole ids given out before, by identity: those that are still good are kept.

    Returns
    -------
    dict
        AppRole ids by identity, for Secrets Manager.
    """
    _enable(client)
    for identity in identities():
        client.sys.create_or_update_policy(f"function-{identity}", _rules(_needs(identity)))
    for role in Role:
        client.sys.create_or_update_policy(role.policy, _rules(_role_needs(role)))
    _ensure_signing_key(client)
    _ensure_secret(client, "databases/main", {"dsn": credentials.dsn})
    _ensure_secret(
        client, f"api_keys/{credentials.venue}", {"api_key": credentials.api_key, "secret": credentials.secret}
    )
    VaultUsers(client).ensure(ADMIN, admin_password, Role.ADMIN)
    return {identity: _app_role(client, identity, (known or {}).get(identity)) for identity in identities()}


def _enable(client: hvac.Client) -> None:
    mounts = client.sys.list_mounted_secrets_engines()["data"]
    if f"{MOUNT}/" not in mounts:
        client.sys.enable_secrets_engine("kv", path=MOUNT, options={"version": "2"})
    if "transit/" not in mounts:
        client.sys.enable_secrets_engine("transit")
    methods = client.sys.list_auth_methods()["data"]
    for method in ("approle", "userpass"):
        if f"{method}/" not in methods:
            client.sys.enable_auth_method(method)
    client.write("sys/auth/userpass/tune", user_lockout_config=_LOCKOUT)


def _needs(identity: str) -> dict[str, list[str]]:
    """Paths that a function may use, with what it may do there."""
    needs: dict[str, list[str]] = {"sys/health": ["read", "sudo"]}
    if identity in TOKEN_CHECKERS:
        needs[f"transit/keys/{SIGNING_KEY}"] = ["read"]
    if identity in TOKENS_ONLY:
        return needs
    needs[f"{MOUNT}/data/databases/main"] = ["read"]
    if identity in EXCHANGE_USERS:
        needs[f"{MOUNT}/data/api_keys/*"] = ["read"]
    if identity in MODEL_USERS:
        needs[f"{MOUNT}/data/models/*"] = ["read"]
    if identity in TOKEN_SIGNERS:
        needs[f"transit/sign/{SIGNING_KEY}"] = ["update"]
    return needs


def _role_needs(role: Role) -> dict[str, list[str]]:
    """Paths that a person may use with a token of their own; what they may do in the swarm is decided by the swarm."""
    own = {"auth/token/lookup-self": ["read"]}
    return (
        own | {"auth/userpass/users/*": ["create", "read", "update", "delete", "list"]} if role is Role.ADMIN else own
    )


def _rules(needs: Mapping[str, Iterable[str]]) -> str:
    return json.dumps({"path": {path: {"capabilities": list(deeds)} for path, deeds in needs.items()}})


def _ensure_signing_key(client: hvac.Client) -> None:
    try:
        client.secrets.transit.read_key(SIGNING_KEY)
    except InvalidPath:
        client.secrets.transit.create_key(SIGNING_KEY, key_type="ecdsa-p256")


def _ensure_secret(client: hvac.Client, path: str, fields: dict[str, str]) -> None:
    store = client.secrets.kv.v2
    try:
        stored: Any = store.read_secret_version(path, mount_point=MOUNT, raise_on_deleted_version=True)["data"]["data"]
    except InvalidPath:
        stored = None
    if stored != fields:
        store.create_or_update_secret(path, fields, mount_point=MOUNT)


def _app_role(client: hvac.Client, identity: str, known: AppRole | None) -> AppRole:
    approle = client.auth.approle
    approle.create_or_update_approle(
        identity,
        token_policies=[f"function-{identity}"],
        token_ttl=_TOKEN_TTL,
        token_max_ttl="24h",  # noqa: S106
    )
    role_id = str(approle.read_role_id(identity)["data"]["role_id"])
    if known is not None and known.role_id == role_id and _is_good(client, identity, known.secret_id):
        return known
    return AppRole(role_id, str(approle.generate_secret_id(identity)["data"]["secret_id"]))


def _is_good(client: hvac.Client, identity: str, secret_id: str) -> bool:
    try:
        answer = client.auth.approle.read_secret_id(identity, secret_id)
    except (InvalidPath, InvalidRequest):
        return False
    except VaultError as error:
        if "invalid secret id" in str(error).lower():
            return False
        raise
    return bool(getattr(answer, "status_code", 200) == 200)  # an unknown id is answered 204, without a body
