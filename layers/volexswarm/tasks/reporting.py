"""The report on a day or a week: what the swarm did, and how the account stands, from its own records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from volexswarm.arithmetic import wide
from volexswarm.clock import Clock
from volexswarm.ports import Store
from volexswarm.tasks.ports import TaskTransaction
from volexswarm.tasks.requests import Report

PERIODS: Final = {"day": timedelta(days=1), "week": timedelta(days=7)}


class Reporting:
    """Writes reports.

    Parameters
    ----------
    store : Store[TaskTransaction]
    clock : Clock
        Wall time, in which a report's period is counted.
    currency : str
        What equity is told in.
    """

    def __init__(self, *, store: Store[TaskTransaction], clock: Clock, currency: str) -> None:
        self._store = store
        self._clock = clock
        self._currency = currency

    def report(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The figures, and each as a line. What is not known is said to be."""
        until = self._clock.now()
        with self._store.transaction() as tx:
            request = tx.task(event["task_id"]).request
            assert isinstance(request, Report)  # the flow asks nothing else of this step
            since = until - PERIODS[request.period]
            figures = tx.figures(since, until)
        lines = [f"From {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC.", *in_lines(figures, self._currency)]
        return {
            "figures": dict(figures),
            "lines": lines,
            "words": f"report on the {request.period} up to {until:%H:%M} UTC",
        }


def in_lines(figures: Mapping[str, Any], currency: str) -> list[str]:
    """Each figure in a sentence."""
    return [
        _equity(figures, currency),
        f"{figures['signals']} signals; risk refused {figures['refused_risk']}, compliance {figures['refused_compliance']}.",
        f"{figures['orders']} orders, {figures['rejected']} of them rejected by the exchange; {figures['fills']} fills.",
        *(f"Bought and sold for {volume} {quote}." for quote, volume in figures["volumes"].items()),
        *(f"Paid {fee} {paid_in} in fees." for paid_in, fee in figures["fees"].items()),
        f"{figures['tasks_done']} tasks succeeded, {figures['tasks_rejected']} were rejected, {figures['tasks_failed']} failed.",
        f"{figures['breakers']} circuit breakers are open, {figures['flags']} compliance flags wait for an answer.",
    ]


def _equity(figures: Mapping[str, Any], currency: str) -> str:
    before, after, moved = (_number(figures, name) for name in ("equity_before", "equity_after", "moved"))
    if before is None or after is None:
        return "The account has not been valued in this time."
    told = f"The equity went from {before:.2f} to {after:.2f} {currency}; {_made(figures, before, after)}."
    if not moved:
        return told
    return f"{told} {abs(moved):.2f} {currency} {'came in from' if moved > 0 else 'went'} outside."


def _made(figures: Mapping[str, Any], before: Decimal, after: Decimal) -> str:
    """What trading made of the money: by the worth of a unit, for what comes in or goes out is neither gain nor loss."""
    units_before, units_after = _number(figures, "units_before"), _number(figures, "units_after")
    if not (units_before and units_after and before):
        return "there was nothing to trade with"
    with wide():
        change = (after / units_after) / (before / units_before) - 1
    return f"trading made {change * 100:+.2f} % of it"


def _number(figures: Mapping[str, Any], name: str) -> Decimal | None:
    told = figures.get(name)
    return None if told is None else Decimal(told)
