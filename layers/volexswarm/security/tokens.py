"""Bearer tokens: ES256 JWTs that only Vault can sign and anybody with the public keys can verify.

The signing key never leaves Vault. A token names the key's version (`kid`), so that the key can be rotated while tokens signed
by the version before are still good, and withdrawn when they must not be.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import jwt

from volexswarm.clock import Clock
from volexswarm.errors import Forbidden, Unauthorized
from volexswarm.security.roles import Permission, Role

LIFETIME = timedelta(hours=1)
ALGORITHM = "ES256"
CLOCK_SKEW = timedelta(seconds=30)  # a token from a machine whose clock is a little ahead is good
REQUIRED = ["sub", "username", "role", "permissions", "jti", "iat", "exp"]


@dataclass(frozen=True)
class Signed:
    """A signature: base64url without padding, as JWS wants it, and the id of the key that made it."""

    key_id: str
    signature: str


class Signer(Protocol):
    """Signs with a private key that it never shows."""

    def sign_jwt(self, signing_input: Callable[[str], bytes]) -> Signed:
        """Sign, by ECDSA P-256 and SHA-256, what `signing_input` gives for the id of the key that signs.

        Raises
        ------
        Unavailable
            If it can't be asked.
        """
        ...


class PublicKeys(Protocol):
    """The public halves of the signing keys that are still good."""

    def public_keys(self, *, refresh: bool = False) -> Mapping[str, str]:
        """PEM by key id; `refresh` asks past any cache. Raises Unavailable if they can't be had."""
        ...


@dataclass(frozen=True)
class Token:
    """A token for its owner, and when it ends."""

    text: str
    expires_at: datetime


@dataclass(frozen=True)
class Principal:
    """Who a valid token speaks for."""

    username: str
    role: Role
    permissions: frozenset[Permission]
    token_id: str
    expires_at: datetime

    def demand(self, permission: Permission) -> None:
        """Raise Forbidden unless the principal has the permission."""
        if permission not in self.permissions:
            raise Forbidden(permission)


class TokenIssuer:
    """Writes tokens. `token_id` makes a new unique id for each."""

    def __init__(
        self, signer: Signer, clock: Clock, *, token_id: Callable[[], str] = lambda: str(uuid.uuid4())
    ) -> None:
        self._signer = signer
        self._clock = clock
        self._token_id = token_id

    def issue(self, username: str, role: Role) -> Token:
        """A token with the role's permissions, good for `LIFETIME`. Raises Unavailable if it can't be signed."""
        issued_at = self._clock.now().replace(microsecond=0)
        claims = {
            "sub": username,
            "username": username,
            "role": role.value,
            "permissions": sorted(role.permissions),
            "jti": self._token_id(),
            "iat": int(issued_at.timestamp()),
            "exp": int((issued_at + LIFETIME).timestamp()),
        }

        def signing_input(key_id: str) -> bytes:
            return f"{_segment({'alg': ALGORITHM, 'typ': 'JWT', 'kid': key_id})}.{_segment(claims)}".encode()

        signed = self._signer.sign_jwt(signing_input)
        text = f"{signing_input(signed.key_id).decode()}.{signed.signature}"
        return Token(text, issued_at + LIFETIME)


class TokenVerifier:
    """Reads tokens, and believes only those that a good key has signed and that have not ended."""

    def __init__(self, keys: PublicKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def verify(self, text: str) -> Principal:
        """Who the token speaks for.

        Raises
        ------
        Unauthorized
            If it is malformed, unsigned, signed by an unknown or withdrawn key, or has ended.
        Unavailable
            If the keys can't be had.
        """
        try:
            claims = jwt.decode(
                text,
                self._key(jwt.get_unverified_header(text).get("kid")),
                algorithms=[ALGORITHM],
                # times are checked below, against the clock that was given
                options={"require": REQUIRED, "verify_exp": False, "verify_iat": False},
            )
            principal = _principal(claims)
            issued_at = datetime.fromtimestamp(claims["iat"], UTC)
        except (jwt.InvalidTokenError, ValueError, TypeError, OverflowError) as error:
            raise Unauthorized("the token is not valid: log in again") from error
        now = self._clock.now()
        if now >= principal.expires_at:
            raise Unauthorized("the token has ended: log in again")
        if issued_at > now + CLOCK_SKEW:
            raise Unauthorized("the token is not valid yet: check the clocks")
        return principal

    def _key(self, key_id: Any) -> str:
        # an unknown id may be that of a key newer than our memory
        for refresh in (False, True):
            key = self._keys.public_keys(refresh=refresh).get(str(key_id))
            if key is not None:
                return key
        raise Unauthorized("the token is signed by an unknown key: log in again")


def _principal(claims: Mapping[str, Any]) -> Principal:
    return Principal(
        username=str(claims["username"]),
        role=Role(claims["role"]),
        permissions=frozenset(Permission(permission) for permission in claims["permissions"]),
        token_id=str(claims["jti"]),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
    )


def _segment(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
