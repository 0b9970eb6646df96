"""Who calls, carried from the authorizer to the routes in the gateway's authorizer context, whose values are text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from volexswarm.errors import Unauthorized
from volexswarm.security.roles import Permission, Role
from volexswarm.security.tokens import Principal


def to_context(principal: Principal) -> dict[str, str]:
    """The caller as the authorizer passes it on."""
    return {
        "username": principal.username,
        "role": principal.role.value,
        "permissions": " ".join(sorted(principal.permissions)),
        "token_id": principal.token_id,
        "expires_at": str(int(principal.expires_at.timestamp())),
    }


def from_context(context: Mapping[str, Any] | None, now: datetime) -> Principal:
    """The caller as a route receives it. The gateway may remember an authorizer's answer for longer than the token lives.

    Raises
    ------
    Unauthorized
        If no authorizer has spoken (some emulators leave it out), or the token has ended since.
    """
    if not context:
        raise Unauthorized("log in first: this needs a bearer token")
    try:
        principal = Principal(
            username=str(context["username"]),
            role=Role(context["role"]),
            permissions=frozenset(Permission(permission) for permission in str(context["permissions"]).split()),
            token_id=str(context["token_id"]),
            expires_at=datetime.fromtimestamp(int(context["expires_at"]), UTC),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise Unauthorized("log in first: this needs a bearer token") from error
    if now >= principal.expires_at:
        raise Unauthorized("the token has ended: log in again")
    return principal
