"""`flags`, `report`, `audit`: what a compliance officer works with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from volexswarm.cli import moments
from volexswarm.cli.client import path_of
from volexswarm.cli.commands import Desk, command
from volexswarm.cli.output import harmless, money_label, number, plain_times, short, table, when, when_short

REASON = click.option("--reason", required=True, help="Why: it is kept with the flag.")

FLAG_STEPS = {"open": "raised", "escalated": "escalated", "cleared": "cleared"}
DEEDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "TradingHalted": lambda done: "halted trading" + (", selling what is held" if done["flatten"] else ""),
    "TradingResumed": lambda _: "let trading go on",
    "ModeSwitched": lambda done: f"switched from mode {done['before']} to {done['after']}",
    "PolicyActivated": lambda done: f"put version {done['version']} of policy {done['name']} in force",
    "FlagChanged": lambda done: f"{FLAG_STEPS[done['after']]} a flag of {done['rule']}",
    "BreakerChanged": lambda done: f"circuit breaker {done['breaker']}: {done['before']} → {done['after']}",
    "DifferenceSettled": lambda done: f"{done['outcome']} a difference",
    "CancelOrder": lambda _: "asked to cancel an order",
    "StrategyChanged": lambda done: f"moved a strategy from {done['before'] or 'nothing'} to {done['after']}",
    "ApprovalDecided": lambda done: f"{done['verdict']} what a task asked for",
    "SignalRaised": lambda done: f"asked to {done['side']} {number(done.get('amount'))} of {done['symbol']}",
}
"""How each deed of the audit is told, by what its event carries."""


def add_to(group: click.Group) -> None:
    """Register the commands."""
    flags = click.Group("flags", help="What the rules found that somebody should look at.")
    command(flags, "list")(_list)
    command(flags, "escalate")(_escalate)
    command(flags, "clear")(_clear)
    group.add_command(flags)
    command(group, "report")(_report)
    command(group, "audit")(_audit)


@click.option("--state", type=click.Choice(["open", "escalated", "cleared"]), help="Only of this state.")
@click.option("--limit", type=click.IntRange(1, 500), default=25, show_default=True, help="At most so many.")
@click.option("--cursor", help="Go on where a page ended (its `next`).")
def _list(desk: Desk, *, state: str | None, limit: int, cursor: str | None) -> None:
    """Flags, newest first."""
    data = desk.client.get("/compliance/flags", state=state, limit=limit, cursor=cursor)
    desk.output.show(data, _render_flags)


def _render_flags(data: Any) -> Iterable[RenderableType]:
    yield table(
        ["flag", "day (market)", "rule", "subject", "times", "state", "found"],
        [
            [short(f["id"]), f["day"], f["rule"], f["subject"], f["count"], _state(f), plain_times(f["detail"])]
            for f in data["items"]
        ],
        numbers="times",
        prose="found state",
    )
    yield from _more(data)


def _state(flag: Any) -> str:
    if flag["state"] == "cleared":
        return f"cleared by {flag['cleared_by']}: {flag['clearing_reason']}"
    if flag["state"] == "escalated":
        return f"escalated by {flag['escalated_by']}: {flag['escalation_reason']}"
    return "open"


def _more(data: Any) -> Iterable[RenderableType]:
    if data["next"]:
        yield Text(f"more: --cursor {data['next']}", style="dim", no_wrap=True)


@click.argument("flag")
@REASON
def _escalate(desk: Desk, *, flag: str, reason: str) -> None:
    """Put an open FLAG (its id, or the beginning of it) before whoever is above."""
    _answer(desk, flag, "escalate", reason)


@click.argument("flag")
@REASON
def _clear(desk: Desk, *, flag: str, reason: str) -> None:
    """Close the matter of a FLAG (its id, or the beginning of it)."""
    _answer(desk, flag, "clear", reason)


def _answer(desk: Desk, flag: str, step: str, reason: str) -> None:
    data = desk.client.post(path_of("compliance", "flags", flag, step), {"reason": reason})
    desk.output.show(data, lambda done: [Text(f"{done['rule']} about {done['subject']} is {done['state']}")])


@click.argument("period", type=click.Choice(["daily", "monthly"]))
@click.option("--date", required=True, help="A day of market time as 2026-01-05, for a month 2026-01.")
@click.option(
    "--csv", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write it as CSV; - is the output."
)
def _report(desk: Desk, *, period: str, date: str, file: Path | None) -> None:
    """Orders, values, refusals, flags and fees of a day or a month."""
    path = path_of("compliance", "reports", period)
    if file is None:
        desk.output.show(desk.client.get(path, date=date), _render_report)
        return
    text = desk.client.text(path, date=date, format="csv")
    if str(file) == "-":
        sys.stdout.write(harmless(text) if sys.stdout.isatty() else text)
        return
    try:
        file.write_text(text, newline="")
    except OSError as error:
        raise click.ClickException(f"{file} can't be written: {error.strerror}") from error
    click.echo(f"written: {file}", err=True)


def _render_report(data: Any) -> Iterable[RenderableType]:
    money = money_label(data)
    yield Text(
        f"{data['venue']}, account {data['account']}, {money} ({data['mode']}):"
        f" {when(data['since'])} to {when(data['until'])} market time",
        style="bold",
    )
    share = data["canceled_share"]
    yield Text(f"orders canceled without a fill: {'–' if share is None else f'{share:.1%}'}")
    yield _rows(data["orders"], "symbol purpose state orders", numbers="orders")
    yield table(
        ["symbol", "side", "orders", "fills", "amount", "value"],
        [
            [
                t["symbol"],
                t["side"],
                t["orders"],
                t["fills"],
                number(t["amount"]),
                f"{number(t['value'], 2)} {t['quote_currency']}",
            ]
            for t in data["traded"]
        ],
        numbers="orders fills amount value",
    )
    yield Text("fees: " + (", ".join(f"{number(fee['amount'])} {fee['currency']}" for fee in data["fees"]) or "none"))
    yield _rows(data["decisions"], "stage approved refused", numbers="approved refused")
    yield _rows(data["refusals"], "stage check refusals", numbers="refusals")
    yield _rows(data["flags"], "rule state flags count", numbers="flags count")
    yield _rows(
        data["policies"], "name version decisions activated_by reason", numbers="version decisions", prose="reason"
    )


def _rows(rows: Any, columns: str, *, numbers: str, prose: str = "") -> RenderableType:
    names = columns.split()
    return table(names, [[row[name] for name in names] for row in rows], numbers=numbers, prose=prose)


@click.option("--since", default="7d", show_default=True, help="So long back, or since a time (wall time).")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="At most so many.")
@click.option("--cursor", help="Go on where a page ended (its `next`).")
def _audit(desk: Desk, *, since: str, limit: int, cursor: str | None) -> None:
    """Who did what that governs trading, and why, newest first."""
    data = desk.client.get("/audit", since=moments.ago(since), limit=limit, cursor=cursor)
    desk.output.show(data, _render_audit)


def _render_audit(data: Any) -> Iterable[RenderableType]:
    yield table(
        ["at (UTC)", "who", "what", "subject", "why"],
        [
            [when_short(e["at"]), e["actor"], _deed(e), plain_times(e["subject"]), plain_times(e["reason"])]
            for e in data["items"]
        ],
        prose="what subject why",
    )
    yield from _more(data)


def _deed(entry: Any) -> str:
    """What was done, in words; its own name for a deed that has none."""
    tell = DEEDS.get(entry["action"])
    return tell(entry["details"]) if tell else entry["action"]
