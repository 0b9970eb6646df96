"""The suite's table: each fault, how often it struck, what went wrong, how long it took to heal."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.faults.suite import Outcome, Result

_WIDTH = 130


def show(result: Result) -> None:
    """Print it to standard output."""
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    console.print(_table(result))
    for findings in result.findings:
        for word in findings.words:
            console.print(f"[red]{escape(word)}[/]")
    for missed in result.missed:
        console.print(f"[red]missed: {escape(missed)}[/]")


def _table(result: Result) -> Table:
    table = Table("fault", title="Faults", title_justify="left")
    for column in ("rounds", "struck", "duplicates", "lost", "unexplained", "s to recover, median", "worst"):
        table.add_column(column, justify="right", no_wrap=True)
    by_kind: dict[str, dict[str, list[Outcome]]] = {}
    for outcome in result.outcomes:
        by_kind.setdefault(outcome.entry.kind, {}).setdefault(outcome.entry.name, []).append(outcome)
    for kind, names in by_kind.items():
        table.add_section()
        table.add_row(f"[bold]{kind}[/]")
        for name in sorted(names):
            table.add_row(f"  {escape(name)}", *_figures(names[name]))
    table.add_section()
    duplicates = sum(findings.duplicates for findings in result.findings)
    lost = sum(findings.lost for findings in result.findings)
    unexplained = sum(findings.unexplained for findings in result.findings)
    _, _, _, _, _, median, worst = _figures(result.outcomes)
    totals = (len(result.outcomes), result.strikes, duplicates, lost, unexplained)
    title = f"[bold]{result.orders} orders in {result.chapters} chapters[/]"
    table.add_row(title, *(str(number) for number in totals), median, worst)
    return table


def _figures(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    found = [outcome.findings for outcome in outcomes]
    healed = [outcome.recovery for outcome in outcomes if outcome.recovery is not None]
    return (
        str(len(outcomes)),
        str(sum(outcome.strikes for outcome in outcomes)),
        str(sum(findings.duplicates for findings in found)),
        str(sum(findings.lost for findings in found)),
        str(sum(findings.unexplained for findings in found)),
        f"{statistics.median(healed):.1f}" if healed else "–",
        f"{max(healed):.1f}" if healed else "–",
    )
