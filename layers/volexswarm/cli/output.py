"""How answers are written: tables of at most 100 columns for people, JSON for programs. All times are UTC."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

WIDTH = 100
NONE = "–"

COLOURS = {
    "healthy": "green",
    "unhealthy": "red",
    "unknown": "yellow",
    "buy": "green",
    "sell": "red",
    "filled": "green",
    "rejected": "red",
    "canceled": "yellow",
    "expired": "yellow",
    "succeeded": "green",
    "failed": "red",
    "unconfirmed": "yellow",
    "awaiting_approval": "bold yellow",
    "approved": "green",
    "hold": "yellow",
}


def console(*, stderr: bool = False) -> Console:
    """A terminal at its own width; into a file or a pipe, 100 columns."""
    made = Console(stderr=stderr, highlight=False)
    if not made.is_terminal:
        made.width = WIDTH
    return made


class Output:
    """Writes an answer in the way that was asked for."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def show(self, data: Any, render: Callable[[Any], Iterable[RenderableType]]) -> None:
        """The data itself as JSON, or what `render` makes of it."""
        if self.as_json:
            print(json.dumps(data, indent=2, ensure_ascii=False))
            return
        paper = console()
        for part in render(data):
            # a line of a log stays one line, however long
            paper.print(part, soft_wrap=isinstance(part, Text) and bool(part.no_wrap))


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, numbers: str = "", prose: str = "") -> Table:
    """A plain table, one line a row as long as there is room for it.

    `numbers` names, blank-separated, the columns that are aligned to the right; `prose` those that give way when the terminal
    is too narrow for all, and go on in a second line.
    """
    right, flexible = set(numbers.split()), set(prose.split())
    made = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", no_wrap=column not in flexible)
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(words(cell)) for cell in row))
    return made


def words(value: Any) -> str:
    """Any plain value; a dash for nothing."""
    if value is None or value == "":
        return NONE
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def money_label(data: Any) -> str:
    """Whether an answer speaks of real money."""
    return "simulated money" if data["simulated"] else "REAL MONEY"


def coloured(value: str | None) -> Text:
    """A state in its colour."""
    return Text(words(value), style=COLOURS.get(value or "", ""))


def when(text: str | None) -> str:
    """`2026-01-05 12:00:00` of an RFC 3339 time."""
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if text else NONE


def when_short(text: str | None) -> str:
    """`01-05 12:00:00`, for tables, where the year would cost a column."""
    return when(text)[5:] if text else NONE


def plain_times(text: str) -> str:
    """A sentence with every RFC 3339 time in it as `when` writes it."""
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", lambda found: when(found[0]), text)


def significant(text: str, digits: int = 3) -> str:
    """A decimal for the eye: its first digits, so that 0.0000826 and 19.8 are told alike."""
    value = Decimal(text)
    return number(str(round(value, digits - 1 - value.adjusted())) if value else text)


def number(text: str | None, places: int | None = None) -> str:
    """A decimal without superfluous zeros, rounded for the eye to `places` if given; `--json` has every digit."""
    if text is None:
        return NONE
    value = Decimal(text)
    if places is not None:
        return format(round(value, places), f",.{places}f")
    plain = format(value.normalize(), "f")
    return "0" if plain == "-0" else plain


def ago(seconds: float | None) -> str:
    """`12 s ago`, `3 min ago`, `2 h ago`."""
    if seconds is None:
        return NONE
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def short(identity: str | None) -> str:
    """The beginning of an id: enough to name it."""
    return identity[:8] if identity else NONE


def notes(missing: Iterable[str]) -> Iterable[Text]:
    """What could not be had, in so many words."""
    return [Text(f"missing: {entry}", style="yellow") for entry in missing]
