"""`reconcile` and `differences`: the exchange against our records, and a person's word on what nothing explains."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from volexswarm.cli.client import path_of
from volexswarm.cli.commands import Desk, command
from volexswarm.cli.output import short, table, when


def add_to(group: click.Group) -> None:
    """Register the commands."""
    command(group, "reconcile")(_reconcile)
    differences = click.Group("differences", help="What the exchange and our records say differently.")
    command(differences, "list")(_list)
    command(differences, "accept")(_accept)
    group.add_command(differences)


@click.option("--now", "at_once", is_flag=True, help="Compare at once; otherwise only show the last comparison.")
def _reconcile(desk: Desk, *, at_once: bool) -> None:
    """The last comparison with the exchange, which is made each minute."""
    if at_once:
        desk.client.post("/reconciliation", {})
        if not desk.as_json:
            click.echo("a comparison is on its way; this is the last one that is done")
    desk.output.show(desk.client.get("/reconciliation"), _render)


def _render(data: Any) -> Iterable[RenderableType]:
    last = data["last"]
    if last is None:
        yield Text("nothing has been compared yet", style="yellow")
        return
    yield Text(
        f"{data['venue']}, account {data['account']}: compared through {when(last['as_of'])} (market), {last['occasion']}"
    )
    yield Text(
        f"{last['orders']} open orders, {last['fills']} fills; {last['transfers']} transfers booked,"
        f" {last['repaired']} differences repaired, {last['open']} open",
        style="red" if data["open"] else "green",
    )
    if data["open"]:
        yield _table(data["open"])


@click.option("--state", type=click.Choice(["open", "repaired", "accepted"]), help="Only of this state.")
@click.option("--limit", type=click.IntRange(1, 500), default=25, show_default=True, help="At most so many.")
@click.option("--cursor", help="Go on where a page ended (its `next`).")
def _list(desk: Desk, *, state: str | None, limit: int, cursor: str | None) -> None:
    """Differences, newest first."""
    data = desk.client.get("/differences", state=state, limit=limit, cursor=cursor)
    desk.output.show(data, _render_page)


def _render_page(data: Any) -> Iterable[RenderableType]:
    yield _table(data["items"])
    if data["next"]:
        yield Text(f"more: --cursor {data['next']}", style="dim", no_wrap=True)


def _table(items: Any) -> RenderableType:
    return table(
        ["id", "kind", "what", "ours", "theirs", "why", "state", "found"],
        [
            [
                short(one["id"]),
                one["kind"],
                one["subject"],
                one["ours"],
                one["theirs"],
                one["reason"] or one["cause"],
                one["state"],
                when(one["found_at"]),
            ]
            for one in items
        ],
        prose="why what theirs",
    )


@click.argument("difference")
@click.option("--reason", required=True, help="Why the exchange's word shall hold.")
def _accept(desk: Desk, *, difference: str, reason: str) -> None:
    """Let the exchange's word hold on a DIFFERENCE (its id, or the beginning of it), if it still says the same."""
    data = desk.client.post(path_of("differences", difference, "accept"), {"reason": reason})
    desk.output.show(data, _render_accepted)


def _render_accepted(accepted: Any) -> Iterable[RenderableType]:
    yield Text(f"accepted: {accepted['id']}")
    yield Text(
        "it is settled once the exchange was asked again and says the same: volexswarm differences list", style="dim"
    )
