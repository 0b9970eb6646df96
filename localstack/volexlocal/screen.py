"""What a person sees: the steps of a bring-up as they happen, and the state of all parts as a table."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from volexlocal.cloud import Watcher
from volexlocal.state import PartState, State, Step

_MARKS = {"done": "[green]✓[/]", "failed": "[red]✗[/]", "waiting": "[dim]·[/]"}
_COLOURS = {"healthy": "green", "unhealthy": "red", "restarting": "yellow", "starting": "yellow", "stopped": "dim"}


@contextmanager
def progress(console: Console) -> Iterator[Watcher]:
    """Show the steps: moving on a terminal, a line per finished step elsewhere."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    with Live(console=console, refresh_per_second=10) as live:
        spinners: dict[str, Spinner] = {}
        yield lambda state: live.update(Group(*(_moving(step, spinners) for step in state.steps)))


class _Lines:
    """Tells each finished step once."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: set[str] = set()

    def __call__(self, state: State) -> None:
        for step in state.steps:
            if step.progress in ("done", "failed") and step.name not in self._told:
                self._told.add(step.name)
                self._console.print(_line(step))


def _moving(step: Step, spinners: dict[str, Spinner]) -> Spinner | Text:
    if step.progress != "running":
        return _line(step)
    spinner = spinners.setdefault(step.name, Spinner("dots"))
    spinner.update(text=Text(f"{step.title}  {step.detail}"[:110]))
    return spinner


def _line(step: Step) -> Text:
    words = Text.from_markup(f"{_MARKS.get(step.progress, ' ')} ")
    words.append(step.title, style="dim" if step.progress == "waiting" else "")
    if step.progress == "done":
        words.append(f"  {step.detail}".rstrip(), style="dim")
        words.append(f"  {step.seconds:.1f} s", style="dim")
    return words


def table(state: State) -> Table:
    """Each part's health, port, uptime, memory, and what is wrong with it."""
    result = Table("part", "health", "port", "pid", "uptime", "memory", "restarts", box=None, pad_edge=False)
    for part in state.parts:
        health = Text(part.health, style=_COLOURS.get(part.health, ""))
        result.add_row(
            part.name,
            health,
            str(part.port),
            str(part.pid or "-"),
            _uptime(part),
            _size(part.memory),
            str(part.restarts),
        )
    result.add_row("total", "", "", "", "", _size(state.total_memory), "", style="bold")
    return result


def _uptime(part: PartState) -> str:
    if part.started is None:
        return "-"
    seconds = max(0, int(time.time() - part.started))
    minutes, hours = seconds // 60, seconds // 3600
    return f"{seconds} s" if seconds < 120 else f"{minutes} min" if minutes < 120 else f"{hours} h {minutes % 60} min"


def _size(count: int) -> str:
    return f"{count / 2**20:.0f} MiB" if count else "-"
