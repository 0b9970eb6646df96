"""Meta's handlers: each step of the state machine is there, and the keeper does what a minute brings."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from chalicelib.agents import meta
from chalicelib.runtime import wiring
from infra import machines
from tests.fakes.task_steps import FakeStepTransaction
from tests.fakes.transaction import FakeStore, FixedClock
from tests.unit.functions.test_handlers import TICK
from volexswarm.errors import InvalidInput, Unavailable
from volexswarm.messages import TaskKind, TaskStatus
from volexswarm.tasks.record import StepRecord

MACHINE = next(machine for machine in machines.load() if machine.name == "task")
MINE = "${MetaSteps}"


@pytest.fixture
def record(monkeypatch):
    state = FakeStepTransaction(t1=(TaskStatus.RUNNING, 1))
    monkeypatch.setattr(wiring, "step_record", lambda: StepRecord(FakeStore(state), FixedClock()))
    return state


def steps_of_the_machine() -> set[str]:
    """The steps that it asks of meta-steps."""
    found = set()
    for _, state in MACHINE.states():
        parameters = state.get("Parameters", {})
        if state.get("Resource") == MINE:
            found.add(parameters["step"])
        elif parameters.get("FunctionName") == MINE:
            found.add(parameters["Payload"]["step"])
    return found


def test_the_state_machine_and_the_function_know_the_same_steps(monkeypatch):
    for name in ("trading_desk", "risk_agent", "compliance_agent", "_task_store", "_trader", "_task_account", "_flows"):
        monkeypatch.setattr(wiring, name, lambda: None)
    monkeypatch.setattr(wiring, "settings", lambda: SimpleNamespace(valuation_currency="USDT"))
    assert set(wiring.task_steps.__wrapped__()) == steps_of_the_machine()


def test_every_kind_of_task_has_its_way():
    ways = MACHINE.definition["States"]["Which kind?"]["Choices"]
    assert {way["StringEquals"] for way in ways} == set(TaskKind)


def test_no_state_is_named_twice():
    names = [name for name, _ in MACHINE.states()]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 80


def test_whatever_fails_is_told():
    caught = {name for name, state in MACHINE.definition["States"].items() if state.get("Catch")}
    working = {
        name for name, state in MACHINE.definition["States"].items() if state["Type"] in ("Task", "Map", "Parallel")
    }
    assert working - caught == {"Tell the failure"}


@pytest.mark.parametrize("error", ["Unavailable", "Sandbox.Timedout", "Runtime.ExitError", "Runtime.Unknown"])
def test_a_part_that_is_away_or_a_process_that_dies_is_tried_again(error):
    """`Runtime.Unknown` is a process that dies, or is too slow, before its code runs."""
    once = [
        name
        for name, state in MACHINE.states()
        if state["Type"] == "Task" and not any(error in retry["ErrorEquals"] for retry in state["Retry"])
    ]
    assert once == []


def test_a_voice_that_fails_or_is_not_asked_is_a_testimony_all_the_same():
    passes = [state for _, state in MACHINE.states() if state["Type"] == "Pass" and "agent" in state["Parameters"]]
    assert len(passes) == 2 * (7 + 2)
    for state in passes:
        assert {key.removesuffix(".$") for key in state["Parameters"]} == {
            "agent",
            "symbol",
            "as_of",
            "features",
            "evidence",
            "missing",
        }


def test_the_file_is_written_as_it_is_formatted():
    text = Path(machines.FOLDER / "task.asl.json").read_text()
    assert text == json.dumps(json.loads(text), indent=2) + "\n"


def test_a_step_is_done_by_its_name(monkeypatch, record):
    monkeypatch.setattr(wiring, "task_steps", lambda: {"prepare": lambda event: {"words": event["task_id"]}})
    event = {"step": "prepare", "task_id": "t1", "attempt": 1}
    assert meta.on_step(event, None) == {"words": "t1"}
    with pytest.raises(InvalidInput, match="prepare"):
        meta.on_step(event | {"step": "steal"}, None)


def test_what_one_chore_of_the_keeper_lacks_keeps_it_from_no_other(monkeypatch):
    done = []

    def chore(name):
        def act():
            done.append(name)
            raise Unavailable("database", "away")

        return act

    monkeypatch.setattr(
        wiring,
        "task_upkeep",
        lambda: SimpleNamespace(
            **{
                name: _named(name, chore(name))
                for name in ("expire_unconfirmed", "expire_approvals", "answer_flows", "withdraw_orders")
            }
        ),
    )
    monkeypatch.setattr(wiring, "task_schedules", lambda: SimpleNamespace(tick=_named("tick", chore("tick"))))
    monkeypatch.setattr(wiring, "dispatcher", lambda: SimpleNamespace(look_after=_named("start", chore("start"))))
    monkeypatch.setattr(wiring, "calibration", lambda: SimpleNamespace(settle=_named("judge", chore("judge"))))
    monkeypatch.setattr(wiring, "step_record", lambda: SimpleNamespace(forget=_named("forget", chore("forget"))))
    meta.on_schedule(TICK, SimpleNamespace(get_remaining_time_in_millis=lambda: 50_000))
    assert done == [
        "expire_unconfirmed",
        "expire_approvals",
        "answer_flows",
        "withdraw_orders",
        "tick",
        "start",
        "judge",
        "forget",
    ]


def _named(name, act):
    act.__name__ = name
    return act
