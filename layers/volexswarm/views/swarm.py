"""The swarm's own state: its parts, its agents, its queues, its dead letters and its logs."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime

from volexswarm.views.control import Halt
from volexswarm.views.shape import Mode, View


class Health(StrEnum):
    """`UNKNOWN`: nobody has looked lately, which is not the same as healthy."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


class Part(View):
    """One part as the monitor saw it last; `age_seconds` is how long ago that was."""

    part: str
    health: Health
    detail: str
    checked_at: AwareDatetime | None
    age_seconds: float | None


class Feed(View):
    """How far a symbol's trades have come: complete through `complete_to`, in market time."""

    symbol: str
    complete_to: AwareDatetime
    last_trade_id: int | None
    updated_at: AwareDatetime
    age_seconds: float


class Status(View):
    """The whole swarm at a glance. `account_opened_at` is null until the books are open: no trade is possible before.

    `halt` is why nothing is traded. Mode, account and halt are null also while the database is away: then nobody can say, and
    `simulated` is false wherever the money may be real.
    """

    overall: Health
    mode: Mode | None
    simulated: bool
    target: str
    venue: str
    account: str | None
    halt: Halt | None
    account_opened_at: AwareDatetime | None
    now: AwareDatetime
    parts: list[Part]
    feeds: list[Feed]


class Activity(View):
    """What one source has published of one event type so far."""

    source: str
    event_type: str
    events: int
    last_event: AwareDatetime


class QueueDepth(View):
    """Messages of a queue: waiting, being worked on, delayed; and its dead letters. Counts are the queue service's estimates."""

    queue: str
    waiting: int
    in_flight: int
    delayed: int
    dead: int


class QueueDepths(View):
    """All queues."""

    queues: list[QueueDepth]


class AgentFunction(View):
    """A function of an agent and what wakes it: a queue or a schedule."""

    name: str
    purpose: str
    queue: str | None
    schedule: str | None
    depth: QueueDepth | None


class AgentView(View):
    """One of the thirteen. `last_event` is null while nothing has been heard from it."""

    name: str
    title: str
    role: str
    purpose: str
    deployed: bool
    container: str | None
    emits: list[str]
    functions: list[AgentFunction]
    events: int
    last_event: AwareDatetime | None
    activity: list[Activity]


class AgentList(View):
    """All agents; `missing` says which numbers could not be had, and why."""

    agents: list[AgentView]
    missing: list[str]


class DeadLetter(View):
    """A message that could not be handled; `reason` is null when it failed time and again without one being left behind.

    The event's fields are null if the body is no event at all.
    """

    message_id: str
    reason: str | None
    sent_at: AwareDatetime
    receive_count: int
    group: str | None
    event_id: str | None
    event_type: str | None
    subject: str | None
    correlation_id: str | None
    body: str


class DeadLetters(View):
    """A look into one dead-letter queue: at most what was asked for, out of `depth.dead`."""

    depth: QueueDepth
    letters: list[DeadLetter]


class Replay(View):
    """`replayed` letters went back to their queue; `remaining` is the queue service's estimate of what is left."""

    queue: str
    replayed: int
    remaining: int


class LogLine(View):
    """One line of a function's log. `fields` is set when the line is a JSON object."""

    at: AwareDatetime
    message: str
    fields: dict[str, Any] | None


class LogLines(View):
    """The newest lines of the asked time, oldest first; `truncated` when there were more than could be read."""

    function: str
    since: AwareDatetime
    lines: list[LogLine]
    truncated: bool
