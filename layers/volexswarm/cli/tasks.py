"""`task`, `tasks` and `approvals`: giving the swarm work, following it, and having a say in it."""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from volexswarm.cli.client import ApiClient, path_of
from volexswarm.cli.commands import Desk, command
from volexswarm.cli.figures import percent
from volexswarm.cli.moments import ahead
from volexswarm.cli.output import coloured, console, money_label, number, short, table, when, when_short

POLL_SECONDS = 1.0
KINDS = click.Choice(["analyze", "trade", "rebalance", "research", "report", "backtest", "optimize", "discover"])
PRIORITIES = click.Choice(["critical", "high", "medium", "low"])
STATUSES = click.Choice(
    ["unconfirmed", "waiting", "running", "awaiting_approval", "succeeded", "rejected", "failed", "canceled", "expired"]
)
ENDED = ("succeeded", "rejected", "failed", "canceled", "expired")
UNCONFIRMED = "unconfirmed"
ASKING = "awaiting_approval"


def add_to(group: click.Group) -> None:
    """Register the commands."""
    command(group, "task")(_task)
    tasks = click.Group("tasks", help="What the swarm was asked to do: list, show, confirm, cancel, try again.")
    command(tasks, "list")(_list)
    command(tasks, "show")(_show)
    command(tasks, "confirm")(_confirm)
    command(tasks, "cancel")(_cancel)
    command(tasks, "retry")(_retry)
    group.add_command(tasks)
    approvals = click.Group("approvals", help="What tasks ask a person before they trade: list, approve, reject.")
    command(approvals, "list")(_approvals)
    command(approvals, "approve")(_approve)
    command(approvals, "reject")(_reject)
    group.add_command(approvals)


@click.argument("words", nargs=-1)
@click.option("--type", "kind", type=KINDS, help="A typed task instead of words; its fields by --set.")
@click.option(
    "--set", "fields", multiple=True, help="A field of a typed task, as symbol=BTC/USDT or share=0.2 (JSON or text)."
)
@click.option("--priority", type=PRIORITIES, default="medium", show_default=True)
@click.option(
    "--deadline", help="Not started, and no money moved, after this time: as 2026-01-05T12:00Z, or 2h from now."
)
@click.option("--after", multiple=True, help="Start only when this task (its whole id) has succeeded.")
@click.option("--yes", is_flag=True, help="What is understood is what I mean: do not ask.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Follow it to its end.")
@click.option(
    "--timeout", type=click.FloatRange(min=1), default=600.0, show_default=True, help="Follow so long, in seconds."
)
@click.option("--key", help="The request's own name, 8 to 100 letters, digits, - or _: repeated, it is not done twice.")
def _task(
    desk: Desk, *, words: tuple[str, ...], yes: bool, wait: bool, timeout: float, key: str | None, **terms: Any
) -> None:
    """Give the swarm a task in WORDS, as "put 20 % into BTC/USDT if the trend holds", or typed by --type and --set."""
    body = _body(" ".join(words), **terms)
    taken = desk.client.post_once("/task", body, key or uuid.uuid4().hex)
    task = taken["task"]
    if not desk.as_json:
        _print(_taken(taken))
    if task["status"] == UNCONFIRMED and not _meant(desk, yes=yes):
        desk.output.show(taken, lambda _: [_to_confirm(task)])
        return
    if task["status"] == UNCONFIRMED:
        desk.client.post(path_of("tasks", task["id"], "confirm"), {})
    story = _follow(desk.client, task["id"], timeout, quiet=desk.as_json) if wait else None
    if story is None:
        desk.output.show(taken, lambda _: [Text(f"follow it: volexswarm tasks show {short(task['id'])}", style="dim")])
        return
    desk.output.show(story, _ending)
    if story["task"]["status"] in ENDED and story["task"]["status"] != "succeeded":
        raise SystemExit(1)


def _body(
    words: str,
    *,
    kind: str | None,
    fields: tuple[str, ...],
    priority: str,
    deadline: str | None,
    after: tuple[str, ...],
) -> dict[str, Any]:
    if bool(words) == bool(kind):
        raise click.UsageError("say what to do in words, or by --type and --set")
    if fields and not kind:
        raise click.UsageError("--set gives the fields of a --type")
    body: dict[str, Any] = {"priority": priority, "depends_on": list(after)}
    body |= {"words": words} if words else {"type": kind, "parameters": dict(map(_field, fields))}
    return body | ({"deadline": ahead(deadline)} if deadline else {})


def _field(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise click.UsageError(f"--set {text}: a field is given as name=value")
    try:
        found = json.loads(value)
    except ValueError:
        found = value
    # a number may be money: not a digit of it is to become a float
    return name, value if isinstance(found, float) else found


def _meant(desk: Desk, *, yes: bool) -> bool:
    if yes:
        return True
    if desk.as_json or not sys.stdin.isatty():
        return False
    return click.confirm("is that what you mean?", err=True)


def _taken(taken: Any) -> Iterable[RenderableType]:
    task = taken["task"]
    again = " (this request had been taken before)" if taken["repeated"] else ""
    yield Text.assemble(("understood: ", "bold"), f"{task['understood']}{again}")
    if task["ignored"]:
        yield Text(f"not understood, and left out: {', '.join(task['ignored'])}", style="yellow")


def _to_confirm(task: Any) -> Text:
    until = f" by {when(task['confirm_by'])} UTC" if task["confirm_by"] else ""
    return Text(
        f"nothing happens until you confirm it{until}: volexswarm tasks confirm {short(task['id'])}", style="yellow"
    )


def _follow(client: ApiClient, task_id: str, timeout: float, *, quiet: bool) -> Any:
    """The task's story once it has ended, or as it stands when the time is over; its steps are printed as they come."""
    end = time.monotonic() + timeout
    shown: set[str] = set()
    while True:
        story = client.get(path_of("tasks", task_id))
        if not quiet:
            _print(_news(story, shown))
        if story["task"]["status"] in ENDED or time.monotonic() >= end:
            return story
        time.sleep(POLL_SECONDS)


def _news(story: Any, shown: set[str]) -> Iterable[Text]:
    """What of the story has not been shown."""
    lines: list[tuple[str, str, Text]] = [
        (t["changed_at"], f"t{t['attempt']}{t['after']}{t['changed_at']}", _transition(t)) for t in story["transitions"]
    ]
    for step in story["steps"]:
        if step["ended_at"] is not None:
            key = f"s{step['attempt']}{step['step']}{step['symbol']}{step['status']}"
            lines.append((step["ended_at"], key, _step(step)))
    if story["approval"] is not None and story["approval"]["verdict"] is None:
        asked = story["approval"]
        lines.append((asked["asked_at"], f"a{asked['id']}", _question(asked)))
    for _, key, line in sorted(lines, key=lambda one: one[0]):
        if key not in shown:
            shown.add(key)
            yield line


def _transition(became: Any) -> Text:
    return Text.assemble(f"{when_short(became['changed_at'])}  ", coloured(became["after"]), f"  {became['reason']}")


def _step(step: Any) -> Text:
    about = f" {step['symbol']}" if step["symbol"] else ""
    style = {"done": "", "missing": "yellow"}.get(step["status"], "red")
    words = f"{when_short(step['ended_at'])}    {step['step']}{about} {step['seconds']:.2f} s  {step['detail']}"
    return Text(words, style=style)


def _question(asked: Any) -> Text:
    reasons = "".join(f"\n    {line}" for line in (*asked["reasons"], *_markets(asked)))
    return Text(
        f"A PERSON IS ASKED: {asked['question']}{reasons}\n    until {when(asked['expires_at'])} UTC:"
        f" volexswarm approvals approve {short(asked['id'])} --reason …  (or reject)",
        style="bold yellow",
    )


def _markets(asked: Any) -> Iterable[str]:
    """Where the market of each trade that is asked about is at this moment, beside the price at which it was decided."""
    for trade in asked["trades"]:
        if asked["verdict"] is not None:
            return
        bound = f"not ordered {'above' if trade['side'] == 'buy' else 'below'} {number(trade['worst_price'])}"
        if trade["market"] is None:
            yield f"{trade['symbol']}: decided at {number(trade['price'])}, {bound}; its present price is not known"
            continue
        moved = Decimal(trade["drift"])
        way = "worse" if moved > 0 else "better"
        away = (
            f"{percent(float(abs(moved)), signed=False)} {way} than {number(trade['price'])}, at which it was decided"
        )
        yield f"{trade['symbol']}: at this moment {number(trade['market'])}, {away}; {bound}"


def _ending(story: Any) -> Iterable[RenderableType]:
    task = story["task"]
    yield Text.assemble(f"task {short(task['id'])} is ", coloured(task["status"]), f": {task['reason']}")
    yield from (Text(line) for line in story["explanation"])
    if task["status"] not in ENDED:
        yield Text(f"it goes on: volexswarm tasks show {short(task['id'])}", style="dim")


@click.option("--status", type=STATUSES, help="Only tasks in this status.")
@click.option("--type", "kind", type=KINDS, help="Only tasks of this type.")
@click.option("--symbol", help="Only tasks about this market.")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="At most so many.")
@click.option("--cursor", help="Go on where the page before ended.")
def _list(desk: Desk, *, kind: str | None, **query: Any) -> None:
    """Tasks, newest first."""
    desk.output.show(desk.client.get("/tasks", type=kind, **query), _render_list)


def _render_list(data: Any) -> Iterable[RenderableType]:
    yield table(
        ["task", "type", "priority", "status", "by", "created", "understood"],
        [
            [
                short(task["id"]),
                task["kind"],
                task["priority"],
                coloured(task["status"]),
                task["requested_by"],
                when_short(task["created_at"]),
                task["understood"],
            ]
            for task in data["items"]
        ],
        prose="understood",
    )
    if data["next"]:
        yield Text(f"more: --cursor {data['next']}", style="dim", no_wrap=True)


@click.argument("task")
def _show(desk: Desk, *, task: str) -> None:
    """All of a TASK: how it was understood, its steps and rulings, its approval, its trades and what it cost."""
    desk.output.show(desk.client.get(path_of("tasks", task)), _render_story)


def _render_story(story: Any) -> Iterable[RenderableType]:
    task = story["task"]
    yield Text.assemble((f"{task['kind']} ", "bold"), coloured(task["status"]), f": {task['reason']}")
    if task["words"]:
        yield Text(f"“{task['words']}” by {task['requested_by']}")
    yield Text(
        f"understood: {task['understood']} · {task['priority']}, attempt {task['attempt']}, {money_label(story)}"
    )
    if task["status"] == UNCONFIRMED:
        yield _to_confirm(task)
    yield from _news(story, set())
    for ruling in story["rulings"]:
        yield from _ruling(ruling)
    if story["trades"]:
        yield _trades(story["trades"])
    yield from (Text(line) for line in story["explanation"])
    cost = story["cost"]
    yield Text(f"cost: {cost['calls']} calls of a model, {cost['tokens']} tokens, {cost['usd']:.4f} USD", style="dim")


def _ruling(ruling: Any) -> Iterable[Text]:
    degraded = " (degraded)" if ruling["degraded"] else ""
    size = f" {percent(ruling['size_frac'], signed=False)} of the equity" if ruling["action"] != "hold" else ""
    yield Text.assemble(
        (f"\nruling on {ruling['symbol']}: ", "bold"),
        coloured(ruling["action"]),
        f"{size}, confidence {ruling['confidence']:.2f}{degraded}",
    )
    yield from (Text(f"  {line}") for line in ruling["explanation"].splitlines())
    yield Text(f"  transcript: volexswarm deliberation {ruling['deliberation_id'][:12]}", style="dim")


def _trades(trades: Any) -> RenderableType:
    return table(
        ["symbol", "side", "amount", "share", "filled", "cost", "what became of it"],
        [
            [
                trade["symbol"],
                coloured(trade["side"]),
                number(trade["amount"]),
                percent(float(trade["share"]), signed=False),
                number(trade["filled"]),
                number(trade["cost"]),
                _fate(trade),
            ]
            for trade in trades
        ],
        numbers="amount share filled cost",
        prose="what became of it",
    )


def _fate(trade: Any) -> str:
    if trade["refusal"] or trade["refused"]:
        return f"refused: {trade['refusal'] or trade['refused']}"
    orders = ", ".join(f"order {short(order['id'])} {order['state']}" for order in trade["orders"])
    return orders or ("on its way" if trade["working"] else "not raised")


@click.argument("task")
def _confirm(desk: Desk, *, task: str) -> None:
    """Say that what was understood of your TASK was meant."""
    desk.output.show(desk.client.post(path_of("tasks", task, "confirm"), {}), _became)


@click.argument("task")
@click.option("--reason", required=True, help="Why; it is kept with the task.")
def _cancel(desk: Desk, *, task: str, reason: str) -> None:
    """Stop a TASK: what is not done yet is not done; its open orders are canceled; what was traded stays traded."""
    desk.output.show(desk.client.post(path_of("tasks", task, "cancel"), {"reason": reason}), _render_canceled)


def _render_canceled(data: Any) -> Iterable[RenderableType]:
    yield from _became(data["task"])
    yield from (Text(f"  it had done: {line}", style="yellow") for line in data["done"])


@click.argument("task")
def _retry(desk: Desk, *, task: str) -> None:
    """Try a TASK again that ended without success and has traded nothing."""
    desk.output.show(desk.client.post(path_of("tasks", task, "retry"), {}), _became)


def _became(task: Any) -> Iterable[Text]:
    yield Text.assemble(f"task {short(task['id'])} is ", coloured(task["status"]), f": {task['reason']}")


@click.option("--all", "every", is_flag=True, help="Also those that were decided or have expired.")
def _approvals(desk: Desk, *, every: bool) -> None:
    """What waits for a person's word."""
    data = desk.client.get("/approvals", state="all" if every else "open")
    desk.output.show(data, _render_approvals)


def _render_approvals(data: Any) -> Iterable[RenderableType]:
    if not data["items"]:
        yield Text("nobody is asked anything")
    for one in data["items"]:
        verdict = coloured(one["verdict"]) if one["verdict"] else Text("open", style="bold yellow")
        yield Text.assemble((f"{short(one['id'])}  ", "bold"), verdict, f"  {one['question']}")
        yield from (Text(f"    {line}") for line in (*one["reasons"], *_markets(one)))
        yield Text(f"    task {short(one['task_id'])} of {one['requested_by']}: {one['understood']}", style="dim")
        if one["verdict"] is None:
            yield Text(f"    until {when(one['expires_at'])} UTC, then it is a no")
        else:
            yield Text(f"    {one['actor']}, {when(one['decided_at'])} UTC: {one['reason']}")


@click.argument("approval")
@click.option("--reason", required=True, help="Why; it is kept with the task.")
def _approve(desk: Desk, *, approval: str, reason: str) -> None:
    """Let the task go on that asks by this APPROVAL."""
    _decide(desk, approval, "approved", reason)


@click.argument("approval")
@click.option("--reason", required=True, help="Why; it is kept with the task.")
def _reject(desk: Desk, *, approval: str, reason: str) -> None:
    """End the task that asks by this APPROVAL."""
    _decide(desk, approval, "rejected", reason)


def _decide(desk: Desk, approval: str, verdict: str, reason: str) -> None:
    decided = desk.client.post(path_of("approvals", approval), {"verdict": verdict, "reason": reason})
    desk.output.show(
        decided,
        lambda data: [Text(f"{data['verdict']} by {data['actor']}: task {short(data['task_id'])} hears it at once")],
    )


def _print(lines: Iterable[RenderableType]) -> None:
    paper = console()
    for line in lines:
        paper.print(line)
