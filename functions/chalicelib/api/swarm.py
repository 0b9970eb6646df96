"""The state of the swarm: status and agents. A part that is away is reported, it does not hide the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.api.endpoint import Call, Resource
from chalicelib.runtime import wiring
from volexswarm.agents import AGENTS, Agent, Function
from volexswarm.errors import Unavailable
from volexswarm.messages import Queue
from volexswarm.security.roles import Permission
from volexswarm.views.swarm import Activity, AgentFunction, AgentList, AgentView, Health, Part, QueueDepth, Status

resource = Resource(__name__)
blueprint = resource.blueprint

DATABASE = "database"
MONITOR = "monitor"


@resource.route("GET", "/status", Status, permission=Permission.SYSTEM_READ)
def status(_: Call[Any, Any, Any]) -> Status:
    """The swarm at a glance.

    Overall is healthy only if every part was seen healthy lately; nobody having looked is unknown.
    """
    settings = wiring.settings()
    opened, feeds, governing = None, [], None
    try:
        governing, reader = wiring.control_reader().control(), wiring.swarm_reader()
        seen, feeds, opened = reader.parts(), reader.feeds(), reader.account_opened_at()
        # the monitor's word on the database is older than ours
        parts = [_just_seen(DATABASE, Health.HEALTHY, "answers"), *(part for part in seen if part.part != DATABASE)]
        if not seen:
            parts.append(_just_seen(MONITOR, Health.UNKNOWN, "has not reported yet"))
    except Unavailable as error:
        parts = [_just_seen(DATABASE, Health.UNHEALTHY, f"{error.part} does not answer")]
    return Status(
        overall=_overall(parts),
        mode=governing and governing.trading.mode,
        simulated=settings.mode != "live" if governing is None else governing.trading.simulated,
        target=settings.target,
        venue=settings.venue,
        account=governing and governing.trading.account,
        halt=governing and governing.halt,
        account_opened_at=opened,
        now=wiring.clock().now(),
        parts=sorted(parts, key=lambda part: part.part),
        feeds=feeds,
    )


def _just_seen(name: str, health: Health, detail: str) -> Part:
    return Part(part=name, health=health, detail=detail, checked_at=wiring.clock().now(), age_seconds=0.0)


def _overall(parts: Sequence[Part]) -> Health:
    seen = {part.health for part in parts}
    for worst in (Health.UNHEALTHY, Health.UNKNOWN):
        if worst in seen:
            return worst
    return Health.HEALTHY


@resource.route("GET", "/agents", AgentList, permission=Permission.AGENT_READ)
def agents(_: Call[Any, Any, Any]) -> AgentList:
    """The thirteen agents: what wakes them, what they have published, how deep their queues are."""
    missing = []
    depths: dict[str, QueueDepth] = {}
    activity: list[Activity] = []
    try:
        depths = {depth.queue: depth for depth in wiring.queue_desk().depths(list(Queue))}
    except Unavailable as error:
        missing.append(f"queue depths: {error.part} does not answer")
    try:
        activity = wiring.swarm_reader().activity()
    except Unavailable as error:
        missing.append(f"activity: {error.part} does not answer")
    by_source: defaultdict[str, list[Activity]] = defaultdict(list)
    for entry in activity:
        by_source[entry.source].append(entry)
    return AgentList(agents=[_agent(agent, by_source, depths) for agent in AGENTS], missing=missing)


def _agent(agent: Agent, by_source: Mapping[str, list[Activity]], depths: Mapping[str, QueueDepth]) -> AgentView:
    sources = dict.fromkeys([agent.name, *(function.name for function in agent.functions)])
    activity = [entry for source in sources for entry in by_source.get(source, [])]
    return AgentView(
        name=agent.name,
        title=agent.title,
        role=agent.role,
        purpose=agent.purpose,
        deployed=agent.is_deployed,
        container=agent.container,
        emits=list(agent.emits),
        functions=[_function(function, depths) for function in agent.functions],
        events=sum(entry.events for entry in activity),
        last_event=max((entry.last_event for entry in activity), default=None),
        activity=activity,
    )


def _function(function: Function, depths: Mapping[str, QueueDepth]) -> AgentFunction:
    queue = function.queue.value if function.queue else None
    return AgentFunction(
        name=function.name,
        purpose=function.purpose,
        queue=queue,
        schedule=function.schedule,
        depth=depths.get(queue) if queue else None,
    )
