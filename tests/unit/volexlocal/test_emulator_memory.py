"""Which functions' processes end when nobody calls them, and that the original ends none."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from ministack.core import lambda_runtime
from ministack.services import stepfunctions

from volexlocal.emulator_memory import put_to_sleep

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:task"


@dataclass
class Process:
    """What the emulator knows of a function's process."""

    function: str
    last_used: float
    in_use: bool = False

    @property
    def config(self) -> dict[str, Any]:
        return {"FunctionArn": ARN + self.function}


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    """The processes that were ended, with a machine that calls the function `voice`."""
    gone: list[Process] = []
    states = {"Ask": {"Type": "Task", "Resource": f"{ARN}voice", "End": True}}
    monkeypatch.setitem(stepfunctions._state_machines, MACHINE, {"definition": json.dumps({"States": states})})
    monkeypatch.setattr(lambda_runtime, "kill_workers", gone.extend)
    return gone


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def run(*processes: Process) -> None:
        pools: dict[str, list[Process]] = {}
        for process in processes:
            pools.setdefault(process.function, []).append(process)
        monkeypatch.setattr(lambda_runtime, "_workers", pools)

    return run


def test_the_original_keeps_one_process_of_each_function_for_ever(
    ended: list[Process], running: Callable[..., None]
) -> None:
    running(Process("voice", last_used=0.0))

    lambda_runtime.reap_idle_workers(0.0)

    assert ended == []


def test_a_function_that_a_machine_calls_sleeps_when_nobody_called_it_for_long(
    ended: list[Process], running: Callable[..., None]
) -> None:
    voice = Process("voice", last_used=10.0)
    running(voice)

    assert put_to_sleep(idle_since=11.0) == 1
    assert ended == [voice]
    assert lambda_runtime._workers == {}


@pytest.mark.parametrize(
    "process",
    [
        Process("voice", last_used=12.0),
        Process("voice", last_used=0.0, in_use=True),
        Process("execution-orders", last_used=0.0),  # a queue's: it must answer at once
        Process("voice-of-another", last_used=0.0),
    ],
)
def test_any_other_stays_awake(ended: list[Process], running: Callable[..., None], process: Process) -> None:
    running(process)

    assert put_to_sleep(idle_since=11.0) == 0
    assert ended == []
    assert process in lambda_runtime._workers[process.function]
