"""What the swarm asks of itself: at its due times, once each, however often or late it is looked at."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.tasks import TaskWorld
from volexswarm.errors import Unavailable
from volexswarm.messages import Priority, TaskKind
from volexswarm.tasks.schedules import FLOWS, Schedules

SUNDAY = datetime(2026, 1, 4, 23, 59, 30, tzinfo=UTC)


class Week(TaskWorld):
    """A world on a Sunday evening, and its schedules."""

    def __init__(self) -> None:
        super().__init__()
        self.clock.time = SUNDAY
        self.schedules = Schedules(store=self.store, desk=self.desk, clock=self.clock, symbols=("BTC/USDT", "ETH/USDT"))

    def names(self) -> list[str]:
        return [task.requested_by.removeprefix("schedule:") for task in self.state.tasks.values()]


def test_nothing_is_due_when_the_swarm_first_starts():
    week = Week()
    week.schedules.tick()
    assert not week.state.tasks


def test_each_flow_comes_at_its_time():
    week = Week()
    for _ in range(20):
        week.schedules.tick()
        week.clock.advance(timedelta(minutes=1))
    assert week.names() == ["market-scan", "daily-report", "weekly-review"]
    scan, daily, weekly = week.state.tasks.values()
    assert (scan.kind, scan.request.markets, scan.priority) == (
        TaskKind.ANALYZE,
        ("BTC/USDT", "ETH/USDT"),
        Priority.LOW,
    )
    assert (daily.request.period, weekly.request.period) == ("day", "week")


def test_ticks_that_come_twice_submit_once():
    week = Week()
    week.schedules.tick()
    week.clock.advance(timedelta(minutes=3))
    due = dict(week.state.dues)
    week.schedules.tick()
    week.state.dues = due  # a crash before the next due time was noted, or a second keeper
    week.schedules.tick()
    assert week.names() == ["market-scan"]


def test_what_was_missed_is_not_made_up_for():
    week = Week()
    week.schedules.tick()
    week.clock.advance(timedelta(hours=10))
    week.schedules.tick()
    week.schedules.tick()
    assert week.names().count("market-scan") == 1
    assert all(due > week.clock.now() for due in week.state.dues.values())


def test_what_could_not_be_submitted_is_due_still(monkeypatch):
    week = Week()
    week.schedules.tick()
    week.clock.advance(timedelta(minutes=3))

    def away(*_: object, **__: object) -> None:
        raise Unavailable("database", "away")

    with monkeypatch.context() as patched:
        patched.setattr(week.desk, "submit", away)
        with pytest.raises(Unavailable):
            week.schedules.tick()
    week.schedules.tick()
    assert week.names() == ["market-scan"]


@given(st.integers(0, 20 * 365 * 86_400_000), st.sampled_from(FLOWS))
def test_the_next_due_time_is_later_and_at_most_one_period_away(milliseconds, flow):
    moment = SUNDAY + timedelta(milliseconds=milliseconds)
    due = flow.next_due(moment)
    assert timedelta(0) < due - moment <= flow.every
    assert flow.next_due(due - timedelta(microseconds=1)) == due
