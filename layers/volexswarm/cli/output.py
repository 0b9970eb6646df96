"""How answers are written: tables of at most 100 columns for people, JSON for programs. All times are UTC.

What an answer says comes from models, news, exchanges and other people: nothing of it reaches a terminal that steers it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderHook, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

# C0 but for tab and line feed, DEL, C1, and what turns the direction of reading
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
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


def harmless(text: str) -> str:
    """The text without what steers a terminal or a reader's eye."""
    return STEERING.sub("", text)


@dataclass(frozen=True)
class _Harmless:
    """What is printed as it would be, its texts made harmless; colours are rich's own and stay."""

    part: ConsoleRenderable

    def __rich_console__(self, paper: Console, options: ConsoleOptions) -> RenderResult:
        for segment in paper.render(self.part, options):
            yield segment if segment.control else Segment(harmless(segment.text), segment.style)


class _Cleaning(RenderHook):
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Harmless(part) for part in renderables]


def console(*, stderr: bool = False) -> Console:
    """A terminal at its own width; into a file or a pipe, 100 columns. Whatever is printed on it is made harmless."""
    made = Console(stderr=stderr, highlight=False)
    made.push_render_hook(_Cleaning())
    if not made.is_terminal:
        made.width = WIDTH
    return made


def to_json(data: Any, *, indent: int | None = None) -> str:
    """The data whole, as JSON that steers no terminal either: what would is written by its number."""
    text = json.dumps(data, indent=indent, ensure_ascii=False)
    return STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class Output:
    """Writes an answer in the way that was asked for."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def show(self, data: Any, render: Callable[[Any], Iterable[RenderableType]]) -> None:
        """The data itself as JSON, or what `render` makes of it."""
        if self.as_json:
            print(to_json(data, indent=2))
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
