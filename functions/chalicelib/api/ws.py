"""Tickets for the WebSocket API."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime

from chalicelib.api.endpoint import Call, Resource
from chalicelib.runtime import wiring
from volexswarm.errors import NotFound
from volexswarm.views.shape import View

resource = Resource(__name__)
blueprint = resource.blueprint


class TicketView(View):
    """Connect to `url` with `?ticket=…` before it ends; it is good once."""

    url: str
    ticket: str
    expires_at: AwareDatetime


@resource.route("POST", "/ws/ticket", TicketView, failures=(404,))
def ticket(call: Call[Any, Any, Any]) -> TicketView:
    """A ticket to the WebSocket API, for clients that can't send a header when they connect, such as browsers."""
    url = address()
    if url is None:
        raise NotFound("WebSocket API", f"in a deployment on {wiring.settings().target}")
    given = wiring.ticket_office().issue(call.caller)
    return TicketView(url=url, ticket=given.text, expires_at=given.expires_at)


def address() -> str | None:
    """Where clients connect; None without a WebSocket API.

    Without a setting of its own that is where functions write to: https becomes wss, http ws.
    """
    settings = wiring.settings()
    if settings.push_url is None:
        return None
    return settings.socket_url or f"ws{settings.push_url.removeprefix('http')}"
