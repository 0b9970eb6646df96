"""`protections`: positions that are left by themselves, and how a protection is put in words."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from volexswarm.cli.books import listing, more
from volexswarm.cli.commands import Desk, command
from volexswarm.cli.output import coloured, number, short, table, when_short

STATES = click.Choice(["armed", "exiting", "closed"])


def add_to(group: click.Group) -> None:
    """Register the command."""
    command(group, "protections")(_protections)


@click.option("--state", type=STATES, help="Only those in this state.")
@listing
def _protections(desk: Desk, *, state: str | None, symbol: str | None, limit: int, cursor: str | None) -> None:
    """Positions that are left by themselves: by stop, take-profit, trailing stop or time. Newest first."""
    page = desk.client.get("/protections", symbol=symbol, state=state, limit=limit, cursor=cursor)
    desk.output.show(page, _render)


def _render(data: Any) -> Iterable[RenderableType]:
    yield table(
        ["order", "symbol", "left", "state", "holder", "ways"],
        [
            [
                short(guarded["order_id"]),
                guarded["symbol"],
                number(guarded["amount"]),
                coloured(guarded["state"]),
                guarded["holder"],
                ways_out(guarded),
            ]
            for guarded in data["items"]
        ],
        numbers="left",
        prose="ways",
    )
    for guarded in data["items"]:
        yield Text(f"{short(guarded['order_id'])}: {guarded['reason']}", style="dim")
    yield from more(data)


def ways_out(guarded: Any) -> str:
    """How a position is to be left, in words."""
    asked = []
    if guarded["stop_price"]:
        asked.append(f"stop {number(guarded['stop_price'])}")
    if guarded["trailing_share"]:
        asked.append(f"trailing {number(str(Decimal(guarded['trailing_share']) * 100))} %")
    if guarded["take_profit_price"]:
        asked.append(f"profit {number(guarded['take_profit_price'])}")
    if guarded["due_at"]:
        asked.append(f"at {when_short(guarded['due_at'])}")
    return ", ".join(asked)


def lines(guarded: Any, orders: Iterable[Any]) -> Iterable[Text]:
    """What became of a protection, and of each order that was made for it."""
    holder = f"held by the {guarded['holder']}, " if guarded["holder"] else ""
    yield Text(f"{holder}{guarded['reason']}")
    for order in orders:
        line = Text(f"{order['purpose']} {short(order['id'])}, {order['order_type']}: ").append_text(
            coloured(order["state"])
        )
        sold = f", {number(order['filled'])} at {number(order['average_price'])}" if order["average_price"] else ""
        yield line.append(f" {number(order['amount'])}{sold}")
