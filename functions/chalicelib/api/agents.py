"""The thirteen agents: what wakes them, what they have done, how they are. A part that is away does not hide the others."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any, TypeVar

from chalicelib.api.endpoint import Call, Resource
from chalicelib.runtime import wiring
from volexswarm.agents import AGENTS, Agent, Function
from volexswarm.errors import InvalidInput, NotFound, Unavailable
from volexswarm.messages import Queue
from volexswarm.monitor.runs import Runs
from volexswarm.security.roles import Permission
from volexswarm.views.swarm import (
    Activity,
    AgentFunction,
    AgentHealth,
    AgentList,
    AgentPage,
    AgentView,
    FunctionHealth,
    FunctionPage,
    FunctionRuns,
    Health,
    QueueDepth,
    RoutingWeight,
    TriedPart,
)

resource = Resource(__name__)
blueprint = resource.blueprint

BOOKKEEPER = "execution"

AT_ONCE = 4
"""Functions that are asked for their health at the same time."""

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True)
class Known:
    """What could be found out about the agents; `missing` says in words what could not."""

    depths: Mapping[str, QueueDepth]
    activity: Mapping[str, Sequence[Activity]]
    runs: Mapping[str, Runs]
    routing: Mapping[str, Sequence[RoutingWeight]]
    missing: list[str]


@resource.route("GET", "/agents", AgentList, permission=Permission.AGENT_READ)
def agents(_: Call[Any, Any, Any]) -> AgentList:
    """The thirteen agents: what wakes them, what they have published, how their calls went, how deep their queues are."""
    known = _look(AGENTS)
    return AgentList(agents=[_view(agent, known) for agent in AGENTS], missing=known.missing)


@resource.route("GET", "/agents/{name}", AgentPage, permission=Permission.AGENT_READ, failures=(404,))
def agent(_: Call[Any, Any, Any], name: str) -> AgentPage:
    """One agent with all that the registry says of it, its last runs, its errors and its queues."""
    found = _named(name)
    known = _look([found])
    view = _view(found, known).model_dump(exclude={"functions"})
    pages = [_page(function, known) for function in found.functions]
    return AgentPage(**view, functions=pages, missing=known.missing)


@resource.route("GET", "/agents/{name}/health", AgentHealth, permission=Permission.AGENT_READ, failures=(404,))
def agent_health(_: Call[Any, Any, Any], name: str) -> AgentHealth:
    """How an agent is at this moment: each of its functions is called, and tries every part that it depends on.

    A function that sleeps is woken by this, which takes seconds.
    """
    found = _named(name)
    line = wiring.health_line()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = list(pool.map(lambda function: line.ask(function.name), found.functions))
    container = None if found.container is None else _container(found.container)
    return AgentHealth(
        agent=found.name,
        health=_worst(told, container),
        detail=_words(told, container),
        functions=told,
        container=container,
    )


def _named(name: str) -> Agent:
    for agent in AGENTS:
        if agent.name == name:
            return agent
    raise NotFound("agent", f"{name}: there are {', '.join(agent.name for agent in AGENTS)}")


def _look(agents: Sequence[Agent]) -> Known:
    missing: list[str] = []
    functions = [function for agent in agents for function in agent.functions]
    queues = [queue for queue in Queue if any(function.queue is queue for function in functions)]
    depths = _unless_away("queue depths", missing, lambda: wiring.queue_desk().depths(queues))
    activity = _unless_away("activity", missing, lambda: wiring.swarm_reader().activity())
    runs = _unless_away("runs", missing, lambda: wiring.run_log().of([one.name for one in functions]))
    routing = _unless_away("routing weights", missing, _routing)
    by_source: defaultdict[str, list[Activity]] = defaultdict(list)
    for entry in activity or ():
        by_source[entry.source].append(entry)
    return Known({depth.queue: depth for depth in depths or ()}, by_source, runs or {}, routing or {}, missing)


def _routing() -> Mapping[str, Sequence[RoutingWeight]]:
    """Weights by agent; the portfolio speaks by the agent that keeps the books."""
    found: defaultdict[str, list[RoutingWeight]] = defaultdict(list)
    for kind, weights in wiring.task_router().weights().items():
        for voice, one in weights.items():
            agent = BOOKKEEPER if voice == "portfolio" else voice
            found[agent].append(RoutingWeight(kind=kind, voice=voice, **asdict(one)))
    return found


def _unless_away(what: str, missing: list[str], ask: Callable[[], AnswerT]) -> AnswerT | None:
    try:
        return ask()
    except Unavailable as error:
        missing.append(f"{what}: {error.part} does not answer")
        return None


def _view(agent: Agent, known: Known) -> AgentView:
    sources = dict.fromkeys([agent.name, *(function.name for function in agent.functions)])
    activity = [entry for source in sources for entry in known.activity.get(source, [])]
    return AgentView(
        name=agent.name,
        title=agent.title,
        role=agent.role,
        purpose=agent.purpose,
        deployed=agent.is_deployed,
        container=agent.container,
        emits=list(agent.emits),
        functions=[_function(function, known) for function in agent.functions],
        routing=list(known.routing.get(agent.name, ())),
        events=sum(entry.events for entry in activity),
        last_event=max((entry.last_event for entry in activity), default=None),
        activity=activity,
    )


def _function(function: Function, known: Known) -> AgentFunction:
    queue = function.queue.value if function.queue else None
    runs = known.runs.get(function.name)
    return AgentFunction(
        name=function.name,
        purpose=function.purpose,
        queue=queue,
        schedule=function.schedule,
        invoked_by=function.invoked_by,
        depth=known.depths.get(queue) if queue else None,
        runs=None if runs is None else _told(runs),
    )


def _page(function: Function, known: Known) -> FunctionPage:
    return FunctionPage(
        **_function(function, known).model_dump(),
        memory=function.memory,
        timeout=function.timeout,
        concurrency=function.concurrency,
        layers=list(function.layers),
        sends=list(function.sends),
    )


def _told(runs: Runs) -> FunctionRuns:
    ordered = sorted(runs.durations)
    return FunctionRuns(
        calls=runs.calls,
        failures=runs.failures,
        messages=runs.messages,
        returned=runs.returned,
        cold_starts=runs.cold_starts,
        last_run=runs.last_run,
        last_failed_at=runs.last_failed_at,
        last_failure=runs.last_failure,
        p50_ms=_nearest_rank(ordered, 0.5),
        p95_ms=_nearest_rank(ordered, 0.95),
        sample=len(ordered),
        version=runs.version,
    )


def _nearest_rank(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else 0.0


def _container(name: str) -> TriedPart:
    """By what it writes: it has no address that a function could ask."""
    began = time.perf_counter()
    try:
        healthy, detail = wiring.feed_probe().measure()
    except (Unavailable, InvalidInput) as error:
        healthy, detail = False, str(error)
    return TriedPart(
        part=name, healthy=healthy, detail=detail, milliseconds=round((time.perf_counter() - began) * 1000, 1)
    )


def _worst(told: Sequence[FunctionHealth], container: TriedPart | None) -> Health:
    if not told and container is None:
        return Health.UNKNOWN
    well = all(one.health is Health.HEALTHY for one in told) and (container is None or container.healthy)
    return Health.HEALTHY if well else Health.UNHEALTHY


def _words(told: Sequence[FunctionHealth], container: TriedPart | None) -> str:
    if not told and container is None:
        return "nothing of it is deployed: there is nothing to ask"
    ill = [f"{one.function}: {one.detail}" for one in told if one.health is not Health.HEALTHY]
    if container is not None and not container.healthy:
        ill.append(f"{container.part}: {container.detail}")
    return "; ".join(ill) or "every part that it works with answers"
