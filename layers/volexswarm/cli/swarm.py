"""`status`, `agents`, `logs`, `dlq`: the swarm itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from volexswarm.cli.client import path_of
from volexswarm.cli.commands import Desk, command
from volexswarm.cli.control import halt_lines
from volexswarm.cli.output import ago, coloured, money_label, notes, short, table, when, when_short, words

_INVOKERS = {"states": "task flows", "websocket": "the WebSocket API", "api": "the HTTP API"}
_HEALTH = {True: "healthy", False: "unhealthy"}


def add_to(group: click.Group) -> None:
    """Register the commands."""
    command(group, "status")(_status)
    command(group, "agents")(_agents)
    command(group, "agent")(_agent)
    command(group, "logs")(_logs)
    dlq = click.Group("dlq", help="Messages that could not be handled: count them, look at them, send them again.")
    command(dlq, "list")(_dead_list)
    command(dlq, "show")(_dead_show)
    command(dlq, "replay")(_dead_replay)
    group.add_command(dlq)


def _status(desk: Desk) -> None:
    """The swarm at a glance: health of each part, progress of each symbol."""
    desk.output.show(desk.client.get("/status"), _render_status)


def _render_status(data: Any) -> Iterable[RenderableType]:
    if data["halt"] is not None:
        yield from halt_lines(data["halt"])
    money = money_label(data)
    head = Text.assemble("The swarm is ", coloured(data["overall"]))
    yield head.append(
        f" · {data['venue']}, account {words(data['account'])}, {money} ({words(data['mode'])}) · on {data['target']}"
    )
    if data["account"] is not None and data["account_opened_at"] is None:
        yield Text("the account's books are not open yet: nothing is traded before", style="yellow")
    yield table(
        ["part", "health", "seen", "detail"],
        [[p["part"], coloured(p["health"]), ago(p["age_seconds"]), p["detail"]] for p in data["parts"]],
        prose="detail",
    )
    yield table(
        ["symbol", "complete to (market)", "last trade id", "heard"],
        [[f["symbol"], when(f["complete_to"]), f["last_trade_id"], ago(f["age_seconds"])] for f in data["feeds"]],
    )


def _agents(desk: Desk) -> None:
    """The thirteen agents: what wakes them and what they have done."""
    desk.output.show(desk.client.get("/agents"), _render_agents)


def _render_agents(data: Any) -> Iterable[RenderableType]:
    yield table(
        ["agent", "woken-by", "waiting", "dead", "calls", "failed", "last event"],
        [
            [
                agent["name"],
                _woken_by(agent),
                _sum(agent, "waiting"),
                _sum(agent, "dead"),
                _calls(agent, "calls"),
                _calls(agent, "failures"),
                when_short(agent["last_event"]),
            ]
            for agent in data["agents"]
        ],
        numbers="waiting dead calls failed",
        prose="woken-by",
    )
    yield from notes(data["missing"])


def _woken_by(agent: Any) -> Text:
    if not agent["deployed"]:
        return Text("not deployed", style="dim")
    wakers = [_waker(function) for function in agent["functions"]]
    return Text(", ".join(filter(None, [agent["container"] and "its streams", *dict.fromkeys(wakers)])))


def _waker(function: Any) -> str:
    invoker = function["invoked_by"]
    return str(function["queue"] or function["schedule"] or _INVOKERS.get(invoker, invoker))


def _calls(agent: Any, count: str) -> int | None:
    runs = [function["runs"] for function in agent["functions"] if function["runs"]]
    return sum(run[count] for run in runs) if runs else None


@click.argument("name")
@click.option(
    "--health", is_flag=True, help="Call each of its functions and let it try what it depends on (takes seconds)."
)
def _agent(desk: Desk, *, name: str, health: bool) -> None:
    """One agent: what wakes it, its last runs, its errors, its queues; or how it is at this moment."""
    if health:
        desk.output.show(desk.client.get(path_of("agents", name, "health")), _render_agent_health)
    else:
        desk.output.show(desk.client.get(path_of("agents", name)), _render_agent)


def _render_agent(data: Any) -> Iterable[RenderableType]:
    yield Text.assemble((data["title"], "bold"), f" ({data['role']})  {data['purpose']}")
    if not data["deployed"]:
        yield Text("nothing of it is deployed", style="yellow")
    if data["emits"]:
        yield Text(f"says: {', '.join(data['emits'])}")
    yield table(
        ["function", "woken-by", "waiting", "dead", "calls", "failed", "p50-ms", "p95-ms", "last run", "code"],
        [_function_row(function) for function in data["functions"]],
        numbers="waiting dead calls failed p50-ms p95-ms",
    )
    for function in data["functions"]:
        if function["runs"] and function["runs"]["last_failure"]:
            failed_at = when(function["runs"]["last_failed_at"])
            yield Text(
                f"{function['name']} failed last at {failed_at}: {function['runs']['last_failure']}", style="yellow"
            )
    yield table(
        ["published", "events", "last"],
        [[a["event_type"].rsplit(".", 1)[-1], a["events"], when(a["last_event"])] for a in data["activity"]],
        numbers="events",
    )
    yield from notes(data["missing"])


def _function_row(function: Any) -> list[Any]:
    depth, runs = function["depth"] or {}, function["runs"] or {}
    return [
        function["name"],
        _waker(function),
        depth.get("waiting"),
        depth.get("dead"),
        runs.get("calls"),
        runs.get("failures"),
        runs.get("p50_ms"),
        runs.get("p95_ms"),
        when_short(runs.get("last_run")),
        short(runs["version"]) if runs else None,
    ]


def _render_agent_health(data: Any) -> Iterable[RenderableType]:
    yield Text.assemble(f"{data['agent']} is ", coloured(data["health"]), f": {data['detail']}")
    tried = [(function["function"], part) for function in data["functions"] for part in function["parts"]]
    if data["container"]:
        tried.append(("container", data["container"]))
    rows = [
        [name, part["part"], coloured(_HEALTH[part["healthy"]]), part["milliseconds"], part["detail"]]
        for name, part in tried
    ]
    yield table(["function", "part", "health", "ms", "detail"], rows, numbers="ms", prose="detail")


def _sum(agent: Any, count: str) -> int | None:
    depths = [function["depth"] for function in agent["functions"] if function["depth"]]
    return sum(depth[count] for depth in depths) if depths else None


@click.argument("function")
@click.option("--since", default="15m", show_default=True, help="How far back: 90s, 15m, 2h, 1d.")
@click.option("--filter", "text", help="Only lines that hold this text.")
@click.option("--limit", type=click.IntRange(1, 1000), default=200, show_default=True, help="At most so many lines.")
def _logs(desk: Desk, *, function: str, since: str, text: str | None, limit: int) -> None:
    """The newest log lines of a function, oldest first."""
    desk.output.show(desk.client.get("/logs", function=function, since=since, filter=text, limit=limit), _render_logs)


def _render_logs(data: Any) -> Iterable[RenderableType]:
    for line in data["lines"]:
        yield Text(f"{when(line['at'])}  {line['message']}", no_wrap=True)
    if not data["lines"]:
        yield Text(f"{data['function']} wrote nothing (that fits) since {when(data['since'])} UTC")
    if data["truncated"]:
        yield Text("there were more lines: raise --limit, or narrow --since or --filter", style="yellow")


def _dead_list(desk: Desk) -> None:
    """Every queue, with how many messages wait and how many died."""
    desk.output.show(desk.client.get("/dlq"), lambda data: [_depths(data["queues"])])


def _depths(queues: Any) -> RenderableType:
    return table(
        ["queue", "waiting", "in-flight", "delayed", "dead"],
        [
            [q["queue"], *(str(q[count]) for count in ("waiting", "in_flight", "delayed")), _dead(q["dead"])]
            for q in queues
        ],
        numbers="waiting in-flight delayed dead",
    )


def _dead(count: int) -> Text:
    return Text(str(count), style="red" if count else "")


@click.argument("queue")
@click.option("--limit", type=click.IntRange(1, 50), default=10, show_default=True, help="At most so many letters.")
def _dead_show(desk: Desk, *, queue: str, limit: int) -> None:
    """Look at dead letters; they stay where they are."""
    desk.output.show(desk.client.get(path_of("dlq", queue), limit=limit), _render_letters)


def _render_letters(data: Any) -> Iterable[RenderableType]:
    depth = data["depth"]
    yield Text(f"{depth['queue']}: {len(data['letters'])} of {depth['dead']} dead letters")
    for letter in data["letters"]:
        kind = (letter["event_type"] or "no event of ours").rsplit(".", 1)[-1]
        yield Text(f"\n{short(letter['message_id'])}  {kind}  {words(letter['subject'])}", style="bold")
        yield Text(f"  sent {when(letter['sent_at'])} UTC, received {letter['receive_count']} times")
        yield Text(f"  reason: {letter['reason'] or 'it failed too often; the function’s log says why'}")
        yield Text(f"  event {words(letter['event_id'])}, chain {words(letter['correlation_id'])}")
        yield Text(f"  {letter['body'][:300]}", style="dim")


@click.argument("queue")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="At most so many letters.")
def _dead_replay(desk: Desk, *, queue: str, limit: int) -> None:
    """Send dead letters back to their queue. Safe to repeat: what was handled before is dropped."""
    answer = desk.client.post(path_of("dlq", queue, "replay"), {"limit": limit})
    desk.output.show(
        answer, lambda data: [Text(f"{data['queue']}: {data['replayed']} sent again, {data['remaining']} still dead")]
    )
