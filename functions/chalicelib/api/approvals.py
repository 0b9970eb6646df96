"""Approvals: what a task asks a person, and the person's word."""

from __future__ import annotations

from typing import Any, Literal

from chalicelib.api.endpoint import Call, Input, Resource
from chalicelib.api.inputs import Cursor, Limit, Reason, key_of
from chalicelib.runtime import wiring
from volexswarm.security.roles import Permission
from volexswarm.views.shape import Page
from volexswarm.views.tasks import Approval

resource = Resource(__name__)
blueprint = resource.blueprint


class ApprovalsOf(Input):
    """Which approvals: those that wait for somebody, or all."""

    state: Literal["open", "all"] = "open"
    limit: Limit = 50
    cursor: Cursor | None = None


class VerdictRequest(Input):
    """The word, and why."""

    verdict: Literal["approved", "rejected"]
    reason: Reason


@resource.route("GET", "/approvals", Page[Approval], permission=Permission.TRADE_READ, query=ApprovalsOf)
def approvals(call: Call[ApprovalsOf, Any, Any]) -> Page[Approval]:
    """What people are asked, newest first."""
    query = call.query
    return wiring.task_reader().approvals(query.limit, query.cursor, open_only=query.state == "open")


@resource.route(
    "POST",
    "/approvals/{approval}",
    Approval,
    permission=Permission.TRADE_WRITE,
    body=VerdictRequest,
    failures=(404, 409),
)
def decide_approval(call: Call[Any, VerdictRequest, Any], approval: str) -> Approval:
    """Approve or reject. The same verdict again changes nothing; after `expires_at` it is too late, and that is a no.

    Whether the task's author may approve it is said by the policy `tasks` (`author_may_approve`).
    """
    reader = wiring.task_reader()
    found = reader.approval_id(key_of("approval", approval))
    wiring.task_desk().decide(found, call.body.verdict, call.caller.username, call.body.reason)
    return reader.approval(found)
