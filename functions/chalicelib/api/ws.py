"""Tickets for the WebSocket API."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime

from chalicelib.api.endpoint import Call, Resource
from chalicelib.runtime import wiring
from volexswarm.views.shape import View

resource = Resource(__name__)
blueprint = resource.blueprint


class TicketView(View):
    """Connect with `?ticket=…` before it ends; it is good once."""

    ticket: str
    expires_at: AwareDatetime


@resource.route("POST", "/ws/ticket", TicketView)
def ticket(call: Call[Any, Any, Any]) -> TicketView:
    """A ticket to the WebSocket API, for clients that can't send a header when they connect, such as browsers."""
    given = wiring.ticket_office().issue(call.caller)
    return TicketView(ticket=given.text, expires_at=given.expires_at)
