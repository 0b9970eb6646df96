"""`halt`, `resume`, `mode`, `control`: the kill switch, and with what money is traded."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from volexswarm.cli.client import Refused
from volexswarm.cli.commands import Desk, command
from volexswarm.cli.output import money_label, number, when
from volexswarm.cli.trading import Amount

CONFIRM = "confirmation_required"


def add_to(group: click.Group) -> None:
    """Register the commands."""
    command(group, "control")(_control)
    command(group, "halt")(_halt)
    command(group, "resume")(_resume)
    command(group, "mode")(_mode)


def halt_lines(halt: Any) -> Iterable[Text]:
    """A halt, so that nobody overlooks it."""
    yield Text(f"TRADING IS HALTED by {halt['actor']}: {halt['reason']}", style="bold red")
    if halt["settled_at"] is None:
        yield Text(f"  since {when(halt['halted_at'])} UTC; open orders are being canceled", style="yellow")
    else:
        canceled = "" if halt["canceled"] is None else f", {halt['canceled']} orders ended canceled"
        yield Text(f"  since {when(halt['halted_at'])} UTC, settled {when(halt['settled_at'])} UTC{canceled}")
    if halt["flatten"]:
        yield Text("  what is held is sold as well")
    for words in halt["left"]:
        yield Text(f"  left: {words}", style="yellow")


def _control(desk: Desk) -> None:
    """What governs trading: mode, books, cap, and the halt if there is one."""
    desk.output.show(desk.client.get("/control"), _render_control)


def _render_control(data: Any) -> Iterable[RenderableType]:
    trading = data["trading"]
    yield _money(trading, data["currency"])
    yield Text(f"switched by {trading['switched_by']} at {when(trading['switched_at'])} UTC: {trading['reason']}")
    yield Text(f"could be: {', '.join(data['available'])} · open orders: {data['open_orders']}")
    if data["halt"] is None:
        yield Text("trading is not halted")
    else:
        yield from halt_lines(data["halt"])


def _money(trading: Any, currency: str = "") -> Text:
    money = money_label(trading)
    cap = "" if trading["cap"] is None else f", at most {number(trading['cap'])} {currency}".rstrip()
    return Text(
        f"{trading['venue']}, account {trading['account']} · mode {trading['mode']}, {money}{cap}", style="bold"
    )


@click.option("--reason", required=True, help="Why: it stands at every order that this ends.")
@click.option("--flatten", is_flag=True, help="Also sell what the account holds, at market.")
def _halt(desk: Desk, *, reason: str, flatten: bool) -> None:
    """Stop all trading at once: no order is sent any more, open ones are canceled."""
    answer = desk.client.post("/halt", {"reason": reason, "flatten": flatten})
    desk.output.show(answer, _render_halt)


def _render_halt(data: Any) -> Iterable[RenderableType]:
    if data["repeated"]:
        yield Text("it was halted before:")
    yield from halt_lines(data["halt"])
    yield Text("whether it is settled: volexswarm control · lift it: volexswarm resume --reason …", style="dim")


@click.option("--reason", required=True, help="Why trading may go on.")
def _resume(desk: Desk, *, reason: str) -> None:
    """Lift the halt, once it is settled."""
    answer = desk.client.post("/resume", {"reason": reason})
    desk.output.show(answer, lambda data: [Text(f"trading goes on, by {data['resumed_by']}: {data['reason']}")])


@click.argument("mode", required=False, type=click.Choice(["simulated", "paper", "sandbox", "live"]))
@click.option("--reason", help="Why: it is kept.")
@click.option("--cap", type=Amount(), help="With real money: the most that may be exposed, in the valuation currency.")
@click.option("--confirm", help="With real money: the code of the first answer; asked for on a terminal.")
def _mode(desk: Desk, *, mode: str | None, reason: str | None, cap: str | None, confirm: str | None) -> None:
    """The mode in force; or switch to another MODE."""
    if mode is None:
        if reason or cap or confirm:
            raise click.UsageError("name the mode to switch to")
        desk.output.show(desk.client.get("/control"), lambda data: [_money(data["trading"], data["currency"])])
        return
    if not reason:
        raise click.UsageError("a switch needs a --reason")
    body = {"mode": mode, "reason": reason} | ({"cap": cap} if cap else {})
    try:
        after = desk.client.post("/mode", body | ({"confirm": confirm} if confirm else {}))
    except Refused as refusal:
        if refusal.code != CONFIRM or desk.as_json or not sys.stdin.isatty():
            raise
        click.echo(refusal.message, err=True)
        after = desk.client.post("/mode", body | {"confirm": click.prompt("confirmation", err=True)})
    desk.output.show(after, _render_switch)


def _render_switch(data: Any) -> Iterable[RenderableType]:
    yield _money(data)
    yield Text(
        f"books of account {data['account']} that are not open yet open within a minute, and nothing is traded before:"
        " volexswarm status",
        style="dim",
    )
