"""`watch`: what happens, as it happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import click
from rich.console import Console
from rich.text import Text

from volexswarm.cli.commands import Desk, capitals, command
from volexswarm.cli.output import COLOURS, console, to_json

if TYPE_CHECKING:
    from volexswarm.cli.live import Live, Message

CHANNELS: Final = (
    *("quotes", "candles", "signals", "orders", "portfolio", "tasks", "deliberations", "agents", "alerts"),
)
_UNTOLD: Final = frozenset({"venue", "account", "verdict", "indicators", "as_of", "received_at", "protection"})
_LONGEST: Final = 60


def add_to(group: click.Group) -> None:
    """Register the command."""
    channels = click.argument("channels", nargs=-1, required=True, type=click.Choice(CHANNELS), metavar="CHANNEL…")
    symbol = click.option("--symbol", "symbols", multiple=True, type=capitals, help="Only these, as BTC/USDT.")
    limit = click.option("--count", type=click.IntRange(1), help="End after so many updates.")
    command(group, "watch")(channels(symbol(limit(_watch))))


def _watch(desk: Desk, channels: tuple[str, ...], symbols: tuple[str, ...], count: int | None) -> None:
    """What happens, as it happens: a line each, until Ctrl-C.

    A connection that breaks is made anew and goes on where it was.
    """

    from volexswarm.cli.live import Live  # noqa: PLC0415 - no other command waits for its library

    def address() -> str:
        ticket = desk.client.post("/ws/ticket", {})
        return f"{ticket['url']}?{urlencode({'ticket': ticket['ticket']})}"

    live = Live(address, list(dict.fromkeys(channels)), {"symbol": symbols})
    try:
        asyncio.run(_tell(live, count, as_json=desk.as_json))
    except KeyboardInterrupt:
        return


async def _tell(live: Live, count: int | None, *, as_json: bool) -> None:
    paper = console()
    told = 0
    async for message in live.messages():
        _show(paper, message, as_json=as_json)
        told += message["type"] == "update"
        if told == count:
            return


def _show(paper: Console, message: Message, *, as_json: bool) -> None:
    if as_json:
        print(to_json(message), flush=True)
    else:
        paper.print(_line(message), soft_wrap=True)


def _line(message: Message) -> Text:
    if message["type"] != "update":
        words = "watching" if message["type"] == "subscribed" else "begins again, something may have been missed:"
        return Text(f"{words} {message['channel']} from number {message['number']}", style="dim")
    head = f"{message['time'][11:19]} {message['channel']:<13} {message['event']:<20} "
    line = Text(head, style="" if message["simulated"] else "bold")
    line.append(Text("  ").join(_values(message["data"] or {"omitted": message.get("omitted", "")})))
    return line if message["simulated"] else line.append("  real money", style="bold red")


def _values(data: dict[str, Any]) -> Iterator[Text]:
    for name, value in data.items():
        if value is None or value == [] or name in _UNTOLD:
            continue
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
        yield Text.assemble((f"{name} ", "dim"), (short, COLOURS.get(short, "")))
