"""Meta agent's way to people who watch: what happened goes out, and what they say comes in."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.batch import BatchResponse, each_message, seconds_left
from chalicelib.runtime.observability import observed
from chalicelib.runtime.wakers import woken
from volexswarm.errors import VolexError
from volexswarm.messages import Payload
from volexswarm.push import handshake

blueprint = Blueprint(__name__)

RESERVE = 3.0
"""Seconds of the call that telling and looking leave for the answer."""
LOOKING = 5.0
"""Seconds at most that a handshake waits for the look at all connections."""


@woken(blueprint, "meta-broadcast")
@observed("meta-broadcast")
def on_pushes(event: Any) -> BatchResponse:
    """Number each event; then tell all of them at once to those who watch."""
    round_ = wiring.broadcaster().round()
    answer = each_message(event, Payload, round_.take)
    left = partial(_beyond, RESERVE, partial(seconds_left, event))
    round_.tell(left)
    wiring.connection_keeper().look_after_if_due(left)
    return answer


@woken(blueprint, "meta-websocket")
@observed("meta-websocket")
def on_websocket(event: dict[str, Any]) -> dict[str, Any]:
    """Let a client in or go, or answer what it says. Answers go over the connection, never as the route's own."""
    context = event["requestContext"]
    connection = context["connectionId"]
    # not by the route's key: a client that says `"action": "$connect"` chooses that by itself
    if context["eventType"] == "CONNECT":
        return _connect(connection, event)
    if context["eventType"] == "DISCONNECT":
        wiring.gate().disconnect(connection)
    else:
        # a binary frame comes encoded, where the gateway takes it at all: it is no action
        text = "" if event.get("isBase64Encoded") else event.get("body") or ""
        wiring.subscription_desk().take(connection, text)
    return {"statusCode": 200}


def _look_around() -> None:
    left = wiring.call_time()
    wiring.connection_keeper().look_after_if_due(partial(_beyond, max(RESERVE, left() - LOOKING), left))


def _beyond(reserve: float, seconds_left: Callable[[], float]) -> float:
    return max(0.0, seconds_left() - reserve)


def _connect(connection: str, event: dict[str, Any]) -> dict[str, Any]:
    from chalicelib.api import envelope  # noqa: PLC0415 - the handshake alone tells errors by HTTP's numbers

    try:
        credential = handshake.read(event.get("headers") or {}, event.get("queryStringParameters") or {})
        principal = wiring.gate().judge(credential)
        _look_around()  # whoever has left without a word makes room
        wiring.gate().let_in(connection, principal)
    except VolexError as error:
        status, code, message, _ = envelope.describe(error, connection)
        return {"statusCode": status, "body": json.dumps({"code": code, "message": message})}
    if credential.subprotocol is None:
        return {"statusCode": 200}
    return {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": credential.subprotocol}}
