"""Who is asking: API keys, HMAC signatures, and the window in which a signed request is valid.

The window is measured against the real clock, whatever speed the market runs at: clients sign with the time of their own clock.
"""

import hmac
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from simexchange.binance.errors import ApiError, missing

DEFAULT_RECEIVE_WINDOW_MS = 5_000
MAX_RECEIVE_WINDOW_MS = 60_000
AHEAD_MS = 1_000


@dataclass(frozen=True, slots=True)
class Credentials:
    """An API key and its secret."""

    api_key: str
    secret: str


def load_or_create(path: Path, given: Credentials | None = None) -> Credentials:
    """The key of a data directory: the given one, the stored one, or a new one; readable by its owner only."""
    if given is None and path.exists():
        stored = json.loads(path.read_text())
        return Credentials(stored["apiKey"], stored["secret"])
    credentials = given or Credentials(secrets.token_hex(32), secrets.token_hex(32))
    path.unlink(missing_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w") as writer:
        json.dump({"apiKey": credentials.api_key, "secret": credentials.secret}, writer)
    return credentials


class Authenticator:
    """Checks keys and signatures.

    Parameters
    ----------
    credentials : Credentials
        The one key that is known.
    account : str
        The account it belongs to.
    wall_ms : callable
        Time of the exchange's own clock in milliseconds.
    """

    def __init__(self, credentials: Credentials, account: str, wall_ms: Callable[[], int]) -> None:
        self._credentials = credentials
        self._account = account
        self._wall_ms = wall_ms

    def known(self, api_key: str | None) -> str:
        """The account of a key.

        Raises
        ------
        ApiError
            -2014 without a key, -2015 for an unknown one.
        """
        if not api_key:
            raise ApiError(-2014, "API-key format invalid.", 401)
        if not hmac.compare_digest(api_key.encode(), self._credentials.api_key.encode()):
            raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return self._account

    def signed(self, api_key: str | None, payload: str, parameters: dict[str, str]) -> str:
        """The account of a signed request; `payload` is the text that was signed.

        Raises
        ------
        ApiError
            For an unknown key, a wrong signature, or a request outside its window.
        """
        account = self.known(api_key)
        signature = parameters.get("signature")
        if not signature:
            raise missing("signature")
        expected = hmac.new(self._credentials.secret.encode(), payload.encode(), sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise ApiError(-1022, "Signature for this request is not valid.")
        self._check_window(parameters)
        return account

    def _check_window(self, parameters: dict[str, str]) -> None:
        timestamp = _number(parameters, "timestamp", None)
        window = _number(parameters, "recvWindow", DEFAULT_RECEIVE_WINDOW_MS)
        if window > MAX_RECEIVE_WINDOW_MS:
            raise ApiError(-1131, "recvWindow must be less than 60000")
        now = self._wall_ms()
        if timestamp > now + AHEAD_MS:
            raise ApiError(-1021, f"Timestamp for this request was {AHEAD_MS}ms ahead of the server's time.")
        if now - timestamp > window:
            raise ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")


def payload_of(query: str, body: str) -> str:
    """The text that a REST request's signature covers: query and body without the signature itself."""
    return "".join(
        "&".join(p for p in part.split("&") if p and not p.startswith("signature=")) for part in (query, body)
    )


def _number(parameters: dict[str, str], name: str, default: int | None) -> int:
    text = parameters.get(name)
    if text is None and default is not None:
        return default
    try:
        return int(float(text or ""))
    except ValueError:
        raise missing(name) from None
