"""Step Functions by our adapter, on the emulator: what was started once, stopped, answered, or is not known."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import boto3
import pytest

from volexlocal.servers.emulator import Emulator
from volexswarm.adapters.step_functions import StepFunctions
from volexswarm.errors import Unavailable

ROLE = "arn:aws:iam::000000000000:role/states"
WAITS = {"Type": "Wait", "Seconds": 60, "End": True}
FAILS = {"Type": "Fail", "Error": "Conflict", "Cause": "decided already"}


def machine(state: dict[str, Any]) -> str:
    """A new machine of one state; its ARN."""
    definition = json.dumps({"StartAt": "Only", "States": {"Only": state}})
    client = boto3.client("stepfunctions")
    name = f"trial{uuid.uuid4().hex[:8]}"
    return str(client.create_state_machine(name=name, definition=definition, roleArn=ROLE)["stateMachineArn"])


def ended(flows: StepFunctions, name: str) -> str:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        state, words = flows.state(name)
        if state == "ended":
            return words
        time.sleep(0.05)
    raise AssertionError(f"{name} goes on")


def test_an_execution_is_started_once_by_its_name_and_stopped(aws: Emulator) -> None:
    arn = machine(WAITS)
    flows = StepFunctions(arn)
    flows.start("task-a-1", {"task_id": "a", "attempt": 1})
    flows.start("task-a-1", {"task_id": "a", "attempt": 1})
    assert flows.state("task-a-1") == ("running", "")
    [execution] = boto3.client("stepfunctions").list_executions(stateMachineArn=arn)["executions"]
    assert execution["name"] == "task-a-1"
    flows.stop("task-a-1", "not needed")
    assert ended(flows, "task-a-1") == "ABORTED, not needed"
    flows.stop("task-a-1", "not needed")


def test_how_an_execution_failed_is_told_in_words(aws: Emulator) -> None:
    flows = StepFunctions(machine(FAILS))
    flows.start("task-a-1", {})
    assert ended(flows, "task-a-1") == "FAILED, Conflict: decided already"


def test_what_was_never_started_is_not_known_and_needs_no_stop(aws: Emulator) -> None:
    flows = StepFunctions(machine(WAITS))
    assert flows.state("task-b-1")[0] == "unknown"
    flows.stop("task-b-1", "not needed")


def test_an_answer_that_nobody_waits_for_any_more_does_no_harm(aws: Emulator) -> None:
    StepFunctions(machine(WAITS)).answer("no such token", {"verdict": "approved"})


def test_a_machine_that_is_not_there_is_unavailable(aws: Emulator) -> None:
    gone = machine(WAITS).rpartition(":")[0] + ":nothing"
    with pytest.raises(Unavailable, match="state machine"):
        StepFunctions(gone).start("task-a-1", {})


def test_a_deployment_without_a_machine_says_so() -> None:
    flows = StepFunctions(None)
    for act in (
        lambda: flows.start("a", {}),
        lambda: flows.stop("a", "why"),
        lambda: flows.state("a"),
        lambda: flows.answer("token", {}),
    ):
        with pytest.raises(Unavailable, match="this deployment has none"):
            act()


def test_a_service_that_is_silent_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("ENDPOINT_URL", "http://127.0.0.1:1"),
        ("REGION", "us-east-1"),
        ("DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    with pytest.raises(Unavailable, match="state machine"):
        StepFunctions("arn:aws:states:us-east-1:000000000000:stateMachine:x").start("a", {})
