"""What the swarm asks of itself: a market scan each hour, a report each day, a review each week.

By a table of what is due, looked at each minute: a tick that comes early, late or twice does no harm, for the same due time gives
the same task. What was missed while nothing ran is not made up for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from volexswarm.clock import Clock
from volexswarm.messages import Priority
from volexswarm.ports import Store
from volexswarm.tasks.desk import Assignment, TaskDesk
from volexswarm.tasks.ports import TaskTransaction
from volexswarm.tasks.requests import Analyze, Report, Request

_MONDAY: Final = datetime(1970, 1, 5, tzinfo=UTC)


@dataclass(frozen=True)
class ScheduledFlow:
    """A task that is submitted at each whole multiple of `every` since a Monday's beginning in UTC, plus `offset`."""

    name: str
    every: timedelta
    offset: timedelta
    request: Callable[[tuple[str, ...]], Request]

    def next_due(self, after: datetime) -> datetime:
        """The first due time later than this moment."""
        passed = (after - _MONDAY - self.offset) // self.every
        return _MONDAY + self.offset + (passed + 1) * self.every


FLOWS: Final = (
    ScheduledFlow(
        "market-scan", timedelta(hours=1), timedelta(minutes=2), lambda symbols: Analyze(symbols=symbols[:10])
    ),
    ScheduledFlow("daily-report", timedelta(days=1), timedelta(minutes=5), lambda _: Report(period="day")),
    ScheduledFlow("weekly-review", timedelta(days=7), timedelta(minutes=10), lambda _: Report(period="week")),
)


class Schedules:
    """Submits what is due.

    Parameters
    ----------
    store : Store[TaskTransaction]
    desk : TaskDesk
    clock : Clock
        Wall time.
    symbols : tuple of str
        Markets that are scanned.
    """

    def __init__(
        self, *, store: Store[TaskTransaction], desk: TaskDesk, clock: Clock, symbols: tuple[str, ...]
    ) -> None:
        self._store = store
        self._desk = desk
        self._clock = clock
        self._symbols = symbols

    def tick(self) -> None:
        """Submit each flow whose time has come, then note when it is due next. Raises Unavailable."""
        now = self._clock.now()
        first: Mapping[str, datetime] = {flow.name: flow.next_due(now) for flow in FLOWS}
        with self._store.transaction() as tx:
            due = tx.due_flows(first, now)
        for flow in FLOWS:
            if flow.name in due:
                self._submit(flow, due[flow.name], now)

    def _submit(self, flow: ScheduledFlow, due: datetime, now: datetime) -> None:
        self._desk.submit(
            Assignment(request=flow.request(self._symbols), priority=Priority.LOW),
            requested_by=f"schedule:{flow.name}",
            idempotency_key=due.isoformat(),
        )
        with self._store.transaction() as tx:
            tx.set_due(flow.name, flow.next_due(max(now, due)))
