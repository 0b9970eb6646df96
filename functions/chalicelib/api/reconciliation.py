"""The comparison with the exchange: what it came to, once more, and a person's word on what nothing explains."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.api.endpoint import Call, Input, Resource
from chalicelib.api.inputs import Cursor, Limit, Reason, key_of
from chalicelib.runtime import wiring
from volexswarm.security.roles import Permission
from volexswarm.views.reconciliation import Difference, DifferenceAccepted, Reconciliation, ReconciliationRequested
from volexswarm.views.shape import Page

resource = Resource(__name__)
blueprint = resource.blueprint


class DifferencesOf(Input):
    """A page of differences, newest first."""

    state: Annotated[Literal["open", "repaired", "accepted"] | None, Field(description="only of this state")] = None
    limit: Limit = 50
    cursor: Cursor | None = None


class Comparing(Input):
    """Nothing to choose: the whole account is compared."""


class Acceptance(Input):
    """Why the exchange's word shall hold."""

    reason: Reason


@resource.route("GET", "/reconciliation", Reconciliation, permission=Permission.TRADE_READ)
def reconciliation(_: Call[Any, Any, Any]) -> Reconciliation:
    """The last comparison with the exchange, and the differences that wait for a person."""
    return wiring.reconciliation_reader().reconciliation()


@resource.route(
    "POST", "/reconciliation", ReconciliationRequested, permission=Permission.TRADE_WRITE, body=Comparing, status=202
)
def reconcile(call: Call[Any, Any, Any]) -> ReconciliationRequested:
    """Compare the account that trades with the exchange at once, not at the next full minute."""
    scope = wiring.scope()
    command = wiring.difference_desk().request(scope.venue, scope.account, actor=call.caller.username)
    return ReconciliationRequested(command_id=command)


@resource.route("GET", "/differences", Page[Difference], permission=Permission.TRADE_READ, query=DifferencesOf)
def differences(call: Call[DifferencesOf, Any, Any]) -> Page[Difference]:
    """Differences between the exchange and our records, newest first."""
    return wiring.reconciliation_reader().differences(call.query.state, call.query.limit, call.query.cursor)


@resource.route(
    "POST",
    "/differences/{difference}/accept",
    DifferenceAccepted,
    permission=Permission.SYSTEM_CONTROL,
    body=Acceptance,
    status=202,
    failures=(409,),
)
def accept(call: Call[Any, Acceptance, Any], difference: str) -> DifferenceAccepted:
    """Let the exchange's word hold, once a further comparison says that the difference is still as it was seen.

    A balance is adjusted in the ledger as capital; an order that the exchange does not know ends as canceled. What has changed
    meanwhile stays open, what was settled stays settled, and its cause or reason says so; `GET /differences` tells.
    """
    accepted = wiring.difference_desk().accept(
        key_of("difference", difference), actor=call.caller.username, reason=call.body.reason
    )
    return DifferenceAccepted(id=accepted)
