"""The swarm's own state: its parts, its agents, its queues, its dead letters and its logs."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime

from volexswarm.messages import TaskKind
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


class FunctionRuns(View):
    """What a function's calls came to, as far as it is remembered; durations in milliseconds, of the last `sample` calls.

    `returned` are messages that it could not answer and that came again; `version` the code of its last call.
    """

    calls: int
    failures: int
    messages: int
    returned: int
    cold_starts: int
    last_run: AwareDatetime
    last_failed_at: AwareDatetime | None
    last_failure: str | None
    p50_ms: float
    p95_ms: float
    sample: int
    version: str


class AgentFunction(View):
    """A function of an agent and what wakes it: a queue, a schedule, or a service that calls it (`invoked_by`).

    `runs` is null while it was never called, or while nobody can say.
    """

    name: str
    purpose: str
    queue: str | None
    schedule: str | None
    invoked_by: str | None
    depth: QueueDepth | None
    runs: FunctionRuns | None


class FunctionPage(AgentFunction):
    """A function with all that the registry says of it: memory in MB, time-out in seconds, layers, queues that it sends to."""

    memory: int
    timeout: int
    concurrency: int | None
    layers: list[str]
    sends: list[str]


class TriedPart(View):
    """A part that a function depends on, as the function itself has just found it."""

    part: str
    healthy: bool
    detail: str
    milliseconds: float


class FunctionHealth(View):
    """A function's own word. `detail` says why there is none, when it did not answer; `process_seconds` is its process's age."""

    function: str
    health: Health
    detail: str
    milliseconds: float
    version: str | None
    process_seconds: float | None
    parts: list[TriedPart]


class AgentHealth(View):
    """How an agent is at this moment: the worst of its functions and its container. Unknown where there is nothing to ask."""

    agent: str
    health: Health
    detail: str
    functions: list[FunctionHealth]
    container: TriedPart | None


class RoutingWeight(View):
    """What an agent's voice weighs when it is decided who is asked about a kind of task: the mean of its capability, its load
    (less the busier it is) and its past performance, weighted by the policy `tasks`; all between 0 and 1. `asked`: it would be.
    """

    kind: TaskKind
    voice: str
    capability: float
    load: float
    performance: float
    weight: float
    asked: bool


class AgentView(View):
    """One of the thirteen. `last_event` is null while nothing has been heard from it; `routing` its weights by kind of task."""

    name: str
    title: str
    role: str
    purpose: str
    deployed: bool
    container: str | None
    emits: list[str]
    functions: list[AgentFunction]
    routing: list[RoutingWeight]
    events: int
    last_event: AwareDatetime | None
    activity: list[Activity]


class AgentPage(View):
    """All that is known of one agent; `missing` says which numbers could not be had, and why."""

    name: str
    title: str
    role: str
    purpose: str
    deployed: bool
    container: str | None
    emits: list[str]
    functions: list[FunctionPage]
    routing: list[RoutingWeight]
    events: int
    last_event: AwareDatetime | None
    activity: list[Activity]
    missing: list[str]


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
