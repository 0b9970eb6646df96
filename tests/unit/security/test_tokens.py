"""Tokens are believed only when a good key has signed them and their time has not passed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.fakes.transaction import FixedClock
from volexswarm.errors import Forbidden, Unauthorized
from volexswarm.security.roles import Permission, Role
from volexswarm.security.tokens import LIFETIME, Signed, TokenIssuer, TokenVerifier


class KeyRing:
    """Signs as Vault does, with the newest of its keys; what was not refreshed is not seen."""

    def __init__(self) -> None:
        self.keys = {"1": ec.generate_private_key(ec.SECP256R1())}
        self.seen = dict(self.keys)

    def rotate(self) -> None:
        self.keys[str(len(self.keys) + 1)] = ec.generate_private_key(ec.SECP256R1())

    def withdraw(self, key_id: str) -> None:
        del self.keys[key_id]
        self.seen = dict(self.keys)

    def sign_jwt(self, signing_input: Callable[[str], bytes]) -> Signed:
        key_id = max(self.keys, key=int)
        signature = jwt.get_algorithm_by_name("ES256").sign(signing_input(key_id), self.keys[key_id])
        return Signed(key_id, base64.urlsafe_b64encode(signature).rstrip(b"=").decode())

    def public_keys(self, *, refresh: bool = False) -> Mapping[str, str]:
        if refresh:
            self.seen = dict(self.keys)
        return {
            key_id: key.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
            for key_id, key in self.seen.items()
        }


@pytest.fixture
def keys() -> KeyRing:
    return KeyRing()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def issuer(keys, clock) -> TokenIssuer:
    return TokenIssuer(keys, clock)


@pytest.fixture
def verifier(keys, clock) -> TokenVerifier:
    return TokenVerifier(keys, clock)


@pytest.mark.parametrize("role", list(Role))
def test_a_token_speaks_for_its_user_and_role(issuer, verifier, clock, role):
    principal = verifier.verify(issuer.issue("ada", role).text)
    assert (principal.username, principal.role) == ("ada", role)
    assert principal.permissions == role.permissions
    assert principal.expires_at == clock.now() + LIFETIME


def test_every_token_has_an_id_of_its_own(issuer, verifier):
    first, second = (verifier.verify(issuer.issue("ada", Role.VIEWER).text) for _ in range(2))
    assert first.token_id != second.token_id


def test_a_token_carries_the_claims_that_others_read(issuer, keys, clock):
    text = issuer.issue("ada", Role.VIEWER).text
    claims = jwt.decode(text, keys.public_keys()["1"], algorithms=["ES256"], options={"verify_exp": False})
    assert set(claims) == {"sub", "username", "role", "permissions", "jti", "iat", "exp"}
    assert claims["exp"] - claims["iat"] == 3600


def test_a_token_ends_after_an_hour(issuer, verifier, clock):
    token = issuer.issue("ada", Role.TRADER)
    clock.advance(LIFETIME - timedelta(seconds=1))
    verifier.verify(token.text)
    clock.advance(timedelta(seconds=1))
    with pytest.raises(Unauthorized, match="has ended"):
        verifier.verify(token.text)


def test_a_token_from_the_future_is_not_believed(issuer, verifier, clock):
    token = issuer.issue("ada", Role.TRADER)
    clock.advance(timedelta(minutes=-5))
    with pytest.raises(Unauthorized, match="not valid yet"):
        verifier.verify(token.text)


def test_after_a_rotation_old_and_new_tokens_are_good(issuer, verifier, keys):
    old = issuer.issue("ada", Role.TRADER)
    keys.rotate()
    new = issuer.issue("ada", Role.TRADER)
    assert jwt.get_unverified_header(new.text)["kid"] == "2"
    assert verifier.verify(old.text).username == verifier.verify(new.text).username == "ada"


def test_a_withdrawn_key_takes_its_tokens_along(issuer, verifier, keys):
    token = issuer.issue("ada", Role.TRADER)
    keys.rotate()
    keys.withdraw("1")
    with pytest.raises(Unauthorized, match="unknown key"):
        verifier.verify(token.text)


def _with(token: str, part: int, **changes: object) -> str:
    parts = token.split(".")
    content = json.loads(base64.urlsafe_b64decode(parts[part] + "==")) | changes
    parts[part] = base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
    return ".".join(parts)


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda token: _with(token, 1, role="admin"), id="a stronger role"),
        pytest.param(lambda token: _with(token, 1, exp=9_999_999_999), id="a later end"),
        pytest.param(lambda token: _with(token, 0, alg="none"), id="no algorithm"),
        pytest.param(lambda token: _with(token, 0, alg="HS256"), id="the public key as a password"),
        pytest.param(lambda token: _with(token, 0, kid="../../1"), id="an unknown key"),
        pytest.param(lambda token: _with(token, 0, kid=None), id="no key"),
        pytest.param(lambda token: token.rsplit(".", 1)[0] + ".", id="no signature"),
        pytest.param(lambda token: token[:-4], id="cut off"),
        pytest.param(lambda _: "", id="nothing"),
        pytest.param(lambda _: "a.b.c", id="nonsense"),
    ],
)
def test_a_forged_token_is_not_believed(issuer, verifier, forge):
    with pytest.raises(Unauthorized):
        verifier.verify(forge(issuer.issue("ada", Role.VIEWER).text))


@pytest.mark.parametrize(
    "claims",
    [
        {"role": "emperor"},
        {"permissions": ["everything"]},
        {"permissions": 7},
        {"exp": "soon"},
        {"exp": 10**30},
        {"iat": "x"},
    ],
)
def test_a_well_signed_token_with_senseless_claims_is_not_believed(keys, verifier, clock, claims):
    now = int(clock.now().timestamp())
    good = {"sub": "a", "username": "a", "role": "viewer", "permissions": [], "jti": "1", "iat": now, "exp": now + 60}
    text = jwt.encode(good | claims, keys.keys["1"], algorithm="ES256", headers={"kid": "1"})
    with pytest.raises(Unauthorized):
        verifier.verify(text)


@pytest.mark.parametrize("missing", ["sub", "username", "role", "permissions", "jti", "iat", "exp"])
def test_a_token_without_one_of_its_claims_is_not_believed(keys, verifier, clock, missing):
    now = int(clock.now().timestamp())
    claims = {"sub": "a", "username": "a", "role": "viewer", "permissions": [], "jti": "1", "iat": now, "exp": now + 60}
    del claims[missing]
    with pytest.raises(Unauthorized):
        verifier.verify(jwt.encode(claims, keys.keys["1"], algorithm="ES256", headers={"kid": "1"}))


def test_a_viewer_may_read_and_not_trade(issuer, verifier):
    viewer = verifier.verify(issuer.issue("ada", Role.VIEWER).text)
    viewer.demand(Permission.TRADE_READ)
    with pytest.raises(Forbidden, match="trade:write"):
        viewer.demand(Permission.TRADE_WRITE)
