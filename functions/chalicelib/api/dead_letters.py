"""Messages that could not be handled: how many, which, and once more."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from chalicelib.api.endpoint import Call, Input, Resource
from chalicelib.runtime import wiring
from volexswarm.errors import NotFound
from volexswarm.messages import Queue
from volexswarm.security.roles import Permission
from volexswarm.views.swarm import DeadLetters, QueueDepths, Replay

resource = Resource(__name__)
blueprint = resource.blueprint


class Look(Input):
    """How many letters to show."""

    limit: Annotated[int, Field(ge=1, le=50)] = 10


class ReplayRequest(Input):
    """How many letters to send back at most; what fails again comes back here."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 100


@resource.route("GET", "/dlq", QueueDepths, permission=Permission.SYSTEM_READ)
def queues(_: Call[Any, Any, Any]) -> QueueDepths:
    """Every queue with how many messages wait and how many died."""
    return QueueDepths(queues=wiring.queue_desk().depths(list(Queue)))


@resource.route("GET", "/dlq/{queue}", DeadLetters, permission=Permission.AUDIT_READ, query=Look)
def dead_letters(call: Call[Look, Any, Any], queue: str) -> DeadLetters:
    """A look at dead letters, which stay where they are."""
    return wiring.queue_desk().look(_queue(queue), call.query.limit)


@resource.route("POST", "/dlq/{queue}/replay", Replay, permission=Permission.SYSTEM_CONTROL, body=ReplayRequest)
def replay(call: Call[Any, ReplayRequest, Any], queue: str) -> Replay:
    """Send dead letters back to their queue.

    Safe to repeat: what was handled before is dropped by whoever receives it.
    """
    return wiring.queue_desk().replay(_queue(queue), call.body.limit)


def _queue(name: str) -> Queue:
    try:
        return Queue(name)
    except ValueError as error:
        raise NotFound("queue", f"{name}: there are {', '.join(Queue)}") from error
