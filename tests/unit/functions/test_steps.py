"""A step of a state machine: recorded and told, done once, and its errors reach the machine under their own names."""

from datetime import timedelta
from typing import Any

import pytest
from chalice.app import Blueprint

from chalicelib.runtime import steps, wakers, wiring
from tests.fakes.task_steps import FakeStepTransaction
from tests.fakes.transaction import FakeStore, FixedClock
from volexswarm.agents import Function, Invoker
from volexswarm.errors import Conflict, InvalidInput, NotYet, Unavailable
from volexswarm.messages import TaskStatus, TaskStepped
from volexswarm.tasks.record import StepKey, StepRecord

EVENT: dict[str, Any] = {"step": "gather.research", "task_id": "t1", "attempt": 1, "question": {"symbol": "BTC/USDT"}}
KEY = StepKey("t1", 1, "gather.research", "BTC/USDT")


class Stage:
    """A handler under test and everything that is recorded about it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, status: TaskStatus = TaskStatus.RUNNING) -> None:
        self.state = FakeStepTransaction(t1=(status, 1))
        self.calls: list[dict[str, Any]] = []
        self.answer: Any = {"summary": "all quiet"}
        monkeypatch.setattr(wakers, "registered", lambda name: Function(name, "Tries.", invoked_by=Invoker.STATES))
        monkeypatch.setattr(wiring, "step_record", lambda: StepRecord(FakeStore(self.state), FixedClock()))

        @steps.step(Blueprint("chalicelib.agents.trial"), "research")
        def on_task(event: dict[str, Any]) -> dict[str, Any]:
            self.calls.append(event)
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        self.call = lambda event: on_task(event, None)

    def told(self) -> list[tuple[str, str]]:
        return [(step.status, step.detail) for step in self.state.of(TaskStepped)]


@pytest.fixture
def stage(monkeypatch):
    return Stage(monkeypatch)


def test_a_step_is_recorded_and_told_at_its_beginning_and_at_its_end(stage):
    assert stage.call(EVENT) == {"summary": "all quiet"}
    assert stage.told() == [("started", "research began"), ("done", "all quiet")]
    assert stage.state.ended[KEY] == ("done", "all quiet", {"summary": "all quiet"})
    assert stage.state.given[KEY] == EVENT


def test_a_step_that_has_answered_gives_the_same_answer_without_running(stage):
    stage.call(EVENT)
    stage.answer = {"summary": "something else"}
    assert stage.call(EVENT) == {"summary": "all quiet"}
    assert len(stage.calls) == 1
    assert len(stage.told()) == 2


def test_a_step_that_repeats_answers_anew_each_time(stage):
    stage.call(EVENT | {"repeats": True})
    stage.answer = {"summary": "something else"}
    assert stage.call(EVENT | {"repeats": True}) == {"summary": "something else"}
    ids = [event.id for event in stage.state.published]
    assert len(set(ids)) == len(ids) == 4


def test_a_voice_that_cannot_speak_is_told_as_missing(stage):
    stage.answer = {"agent": "research", "missing": "no candles of BTC/USDT"}
    stage.call(EVENT)
    assert stage.told()[-1] == ("missing", "no candles of BTC/USDT")


@pytest.mark.parametrize(
    "error", [Unavailable("database", "away"), InvalidInput("symbol", "X", "another"), KeyError("x")]
)
def test_an_error_reaches_the_machine_under_its_own_name_and_is_recorded(stage, error):
    stage.answer = error
    with pytest.raises(type(error)):
        stage.call(EVENT)
    [*_, (status, detail)] = stage.told()
    assert status == "failed"
    assert detail.startswith(type(error).__name__)


def test_work_that_needs_more_than_one_call_has_not_failed_meanwhile(stage):
    stage.answer = NotYet("3 of 15 runs are done", timedelta(seconds=1))
    for _ in range(2):
        with pytest.raises(NotYet):
            stage.call(EVENT)
    assert stage.told() == [("started", "research began")] * 2
    assert stage.state.ended == {}
    stage.answer = {"summary": "all 15 runs are done"}
    stage.call(EVENT)
    assert stage.told()[-1] == ("done", "all 15 runs are done")


def test_what_failed_runs_again(stage):
    stage.answer = Unavailable("database", "away")
    with pytest.raises(Unavailable):
        stage.call(EVENT)
    stage.answer = {"summary": "back"}
    assert stage.call(EVENT) == {"summary": "back"}
    assert stage.state.ended[KEY][0] == "done"


@pytest.mark.parametrize("status", [TaskStatus.CANCELED, TaskStatus.EXPIRED, TaskStatus.WAITING])
def test_a_task_that_is_withdrawn_is_worked_on_no_more(monkeypatch, status):
    stage = Stage(monkeypatch, status)
    with pytest.raises(Conflict, match=f"attempt 1 is {status}"):
        stage.call(EVENT)
    assert not stage.calls


def test_an_attempt_that_was_superseded_is_worked_on_no_more(stage):
    stage.state.standings["t1"] = (TaskStatus.RUNNING, 2)
    with pytest.raises(Conflict):
        stage.call(EVENT)


@pytest.mark.parametrize("field", ["step", "task_id", "attempt"])
def test_what_is_no_step_is_refused_by_name(stage, field):
    with pytest.raises(InvalidInput, match=field):
        stage.call({name: value for name, value in EVENT.items() if name != field})


def test_a_task_that_nobody_submitted_is_refused(stage):
    with pytest.raises(InvalidInput, match="task_id"):
        stage.call(EVENT | {"task_id": "t2"})


def test_a_task_token_is_stored_nowhere_in_the_record(stage):
    stage.call(EVENT | {"token": "secret"})
    assert stage.calls[0]["token"] == "secret"
    assert "token" not in stage.state.given[KEY]


def test_steps_are_kept_for_ninety_days_after_their_task():
    state, clock = FakeStepTransaction(), FixedClock()
    StepRecord(FakeStore(state), clock).forget()
    assert state.forgotten_before == clock.now() - timedelta(days=90)


def test_a_stack_trace_is_no_part_of_the_record(stage):
    stage.call(EVENT | {"error": {"Error": "Conflict", "Cause": '{"stackTrace": []}'}})
    assert stage.state.given[KEY]["error"] == {"Error": "Conflict"}
