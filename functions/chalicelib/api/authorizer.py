"""The gateway's authorizer: lets a request through when its bearer token is good, and tells the routes who calls.

What the caller may do is judged by each route: the gateway remembers this answer for all of them.
"""

from __future__ import annotations

import logging

from chalice.app import AuthRequest, AuthResponse, Blueprint

from chalicelib.api import caller
from chalicelib.runtime import observability, wiring
from volexswarm.errors import Unauthorized

blueprint = Blueprint(__name__)
logger = logging.getLogger(__name__)

REMEMBERED_SECONDS = 60
SCHEME = "bearer"


class Refused(Exception):
    """API Gateway answers 401 to an authorizer that fails with exactly this message, and 500 to any other failure."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


@blueprint.authorizer(name="authorizer", ttl_seconds=REMEMBERED_SECONDS)
def authorizer(request: AuthRequest) -> AuthResponse:
    """Judge the token."""
    observability.configure("authorizer")
    try:
        principal = wiring.token_verifier().verify(_token(request.token))
    except Unauthorized as error:
        logger.info("refused", extra={"reason": str(error)})
        raise Refused from error
    return AuthResponse(routes=["*"], principal_id=principal.username, context=caller.to_context(principal))


def _token(header: str) -> str:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != SCHEME:
        raise Unauthorized("no bearer token")
    return token.strip()
