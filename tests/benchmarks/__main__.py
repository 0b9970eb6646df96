"""`python -m tests.benchmarks [NAME …] [--json]`: measure, print one table. A missed aim is shown, it fails nothing."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.benchmarks import (
    deliberation,
    evaluation,
    imports,
    ingest,
    latency,
    orders,
    push,
    realtime,
    reconcile,
    risk,
    tasks,
)
from tests.benchmarks.figure import Figure
from tests.benchmarks.machine import Load, Machine

BENCHMARKS: dict[str, tuple[str, Callable[[], Iterable[Figure]]]] = {
    "realtime": ("Feed alone: exchange stream → queue", realtime.run),
    "ingest": ("End to end: exchange stream → database", ingest.run),
    "latency": ("A swarm that trades on six symbols, market ×20", latency.run),
    "orders": ("Execution alone, in one process: orders one after the other", orders.run),
    "reconcile": ("Comparison with the exchange, in process on a database", reconcile.run),
    "evaluation": ("Signal agent, in process", evaluation.run),
    "risk": ("Risk agent, in process", risk.run),
    "deliberation": ("Deliberation with policy analysts, in process on a database", deliberation.run),
    "tasks": ("Analyses by the team, on a whole cloud", tasks.run),
    "push": ("People who watch: an event's way to each WebSocket client", push.run),
    "imports": ("Cold functions", imports.run),
}

PAGE_WIDTH = 100


@dataclass(frozen=True)
class Measurement:
    """What one benchmark found, or why it found nothing; `load` is what the machine did before it."""

    name: str
    title: str
    load: Load
    figures: tuple[Figure, ...] = ()
    problem: str = ""


def main() -> int:
    """1 if something could not be measured."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description="Measure the system on this machine."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)} (all)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHMARKS):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    began = datetime.now(UTC)
    machine = Machine.here()
    measured = [_measure(name) for name in arguments.names or BENCHMARKS]
    (_print_json if arguments.json else _print_table)(began, machine, measured)
    return int(any(one.problem for one in measured))


def _measure(name: str) -> Measurement:
    title, run = BENCHMARKS[name]
    Console(stderr=True).print(f"measuring: {title} …")
    load = Load.now()
    try:
        return Measurement(name, title, load, tuple(run()))
    except Exception as error:  # the others can still be measured
        return Measurement(name, title, load, problem=f"{type(error).__name__}: {error}")


def _print_json(began: datetime, machine: Machine, measured: list[Measurement]) -> None:
    answer = {
        "began_at": began.isoformat(),
        "machine": asdict(machine),
        "benchmarks": [asdict(one) for one in measured],
    }
    sys.stdout.write(json.dumps(answer, indent=1, ensure_ascii=False) + "\n")


def _print_table(began: datetime, machine: Machine, measured: list[Measurement]) -> None:
    shape = f"{machine.cores} cores, {machine.memory_gib} GiB, Python {machine.python}, {machine.system}"
    table = Table("figure", title=f"{began:%Y-%m-%d %H:%M} UTC, {shape}", title_justify="left")
    for column in ("value", "unit", "aim"):
        table.add_column(column, justify="left" if column == "unit" else "right", no_wrap=True)
    for one in measured:
        busy = f"before: {one.load.busy_percent:.0f} % busy, load {one.load.load_average}"
        table.add_section()
        table.add_row(f"[bold]{one.title}[/]\n[dim]{busy}[/]")
        if one.problem:
            table.add_row(f"[red]not measured: {escape(one.problem)}[/]")
        for figure in one.figures:
            table.add_row(f"  {figure.name}", f"{figure.value:,}", figure.unit, _aim(figure))
    Console(width=None if sys.stdout.isatty() else PAGE_WIDTH).print(table)


def _aim(figure: Figure) -> str:
    if figure.is_met is None:
        return ""
    return f"[green]{figure.aim} ✓[/]" if figure.is_met else f"[yellow]{figure.aim} missed[/]"


if __name__ == "__main__":
    sys.exit(main())
