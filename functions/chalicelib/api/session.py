"""Logging in, and who one is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from chalicelib.api.endpoint import Call, Input, Resource
from chalicelib.api.inputs import LINE
from chalicelib.runtime import wiring
from volexswarm.security.roles import Permission, Role
from volexswarm.views.shape import View

resource = Resource(__name__)
blueprint = resource.blueprint


class Credentials(Input):
    """Name and password of a user of Vault."""

    username: Annotated[str, Field(min_length=1, max_length=64), LINE]
    password: Annotated[str, Field(min_length=1, max_length=256)]


class Identity(View):
    """Who the caller is and what is allowed."""

    username: str
    role: Role
    permissions: list[Permission]
    expires_at: AwareDatetime


class Session(Identity):
    """A token: send it as `Authorization: Bearer <token>`."""

    token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the scheme's name


@resource.route("POST", "/login", Session, public=True, body=Credentials, failures=(401, 403, 429))
def log_in(call: Call[Any, Credentials, Any]) -> Session:
    """Log in.

    Gives a token for one hour. Five failures lock the name for 30 minutes.
    """
    session = wiring.login().log_in(call.body.username, call.body.password)
    return Session(
        token=session.token.text,
        username=session.username,
        role=session.role,
        permissions=sorted(session.role.permissions),
        expires_at=session.token.expires_at,
    )


@resource.route("GET", "/whoami", Identity)
def who_am_i(call: Call[Any, Any, Any]) -> Identity:
    """Who the token speaks for."""
    principal = call.caller
    return Identity(
        username=principal.username,
        role=principal.role,
        permissions=sorted(principal.permissions),
        expires_at=principal.expires_at,
    )
