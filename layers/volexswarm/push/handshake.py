"""What a client shows at the door: a bearer token in a header, the same as a subprotocol, or a single-use ticket.

A token in the address is refused even when it is good: addresses end in logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from volexswarm.errors import InvalidInput, Unauthorized

PROTOCOL: Final = "volexswarm.v1"
TICKET: Final = "ticket"
_BEARER: Final = "bearer."


@dataclass(frozen=True)
class Credential:
    """A secret and its kind; `subprotocol` is the one that the answer must name, None if none was offered."""

    kind: Literal["token", "ticket"]
    secret: str
    subprotocol: str | None


def read(headers: Mapping[str, str], query: Mapping[str, str]) -> Credential:
    """The one credential of a handshake.

    Raises
    ------
    InvalidInput
        If the address has anything but a ticket in it, or the subprotocol is none that is spoken here.
    Unauthorized
        If there is no credential, or more than one.
    """
    given = {name.lower(): value for name, value in headers.items()}
    offered = [part.strip() for part in given.get("sec-websocket-protocol", "").split(",") if part.strip()]
    for name in query:
        if name != TICKET:
            raise InvalidInput("query", name[:40], "only `ticket`: a token belongs in a header, never in an address")
    tokens = [part.removeprefix(_BEARER) for part in offered if part.startswith(_BEARER)]
    scheme, _, token = given.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        tokens.append(token.strip())
    named = [part for part in offered if not part.startswith(_BEARER)]
    if offered and PROTOCOL not in named:
        raise InvalidInput("Sec-WebSocket-Protocol", ", ".join(named)[:80], PROTOCOL)
    return _only_one(tokens, query.get(TICKET), PROTOCOL if offered else None)


def _only_one(tokens: list[str], ticket: str | None, subprotocol: str | None) -> Credential:
    if len(tokens) + (ticket is not None) != 1:
        raise Unauthorized("show one bearer token, or a ticket")
    if ticket is not None:
        return Credential("ticket", ticket, subprotocol)
    return Credential("token", tokens[0], subprotocol)
