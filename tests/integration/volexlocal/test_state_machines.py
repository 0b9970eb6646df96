"""A state machine of the template on the emulator: what it promises as AWS does, and which promises need our corrections."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra import machines, policies
from infra.machines import Machine
from tests.integration.volexlocal.emulators import ROLE, Uncorrected, client, code_of, interpreter
from volexlocal.ports import free_ports
from volexlocal.servers.emulator import Emulator
from volexlocal.servers.server import Place
from volexswarm.agents import Function, Invoker

CACHE = Path(__file__).resolve().parents[3] / ".volex/cache"
STEP = Function("step", "Does as it is told.", invoked_by=Invoker.STATES)
SOURCE = '''
import json, time

class Unavailable(Exception): ...
class Conflict(Exception): ...

def on_step(event, context):
    """Notes the event, then does what it asks for."""
    with open(event["notes"], "a") as notes:
        notes.write(json.dumps(event) + "\\n")
    said = [json.loads(line) for line in open(event["notes"])]
    if event.get("fails") == "at first" and len(said) < 3:
        raise Unavailable("come again")
    if event.get("fails") == "always":
        raise Conflict("has been decided")
    time.sleep(event.get("seconds", 0))
    return {"said": event.get("say"), "call": len(said)}
'''
END = 30.0

State = dict[str, Any]


@dataclass
class Trial:
    """One emulator with one function, on which a test runs machines of its own."""

    server: Emulator
    notes: Path

    def __post_init__(self) -> None:
        self.states = client(self.server, "stepfunctions")
        self.execution = ""

    def start(self, states: dict[str, State], **given: Any) -> None:
        name = f"trial{uuid.uuid4().hex[:8]}"
        definition = {"StartAt": next(iter(states)), "States": states}
        machine = Machine(name, definition)
        machines.check(machine, {"Step": STEP})
        arn = _deploy(self.server, machine)
        given |= {"notes": str(self.notes)}
        self.execution = self.states.start_execution(stateMachineArn=arn, input=json.dumps(given))["executionArn"]

    def ended(self) -> dict[str, Any]:
        """The execution when it is over."""
        until(lambda: self.described()["status"] != "RUNNING")
        return self.described()

    def described(self) -> dict[str, Any]:
        return dict(self.states.describe_execution(executionArn=self.execution))

    def run(self, states: dict[str, State], **given: Any) -> Any:
        """The output of a machine that succeeds."""
        self.start(states, **given)
        ended = self.ended()
        assert ended["status"] == "SUCCEEDED", ended.get("cause")
        return json.loads(ended["output"])

    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.notes.read_text().splitlines()] if self.notes.exists() else []

    @property
    def is_original(self) -> bool:
        return isinstance(self.server, Uncorrected)


def _deploy(server: Emulator, machine: Machine) -> str:
    """The machine as the template has it, with its role; its ARN."""
    part = machines.resources(machine, {"Step": STEP}, "any")
    function = {"Type": "AWS::Lambda::Function", "Properties": _function(server)}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": policies.assumed_by("lambda")}}
    part["Resources"] |= {"Step": function, "StepRole": role}
    part["Parameters"] = {"LogRetentionDays": {"Type": "Number", "Default": 1}}
    cloudformation = client(server, "cloudformation")
    cloudformation.create_stack(StackName=machine.name, TemplateBody=json.dumps(part), Capabilities=["CAPABILITY_IAM"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName=machine.name, WaiterConfig={"Delay": 1})
    [output] = cloudformation.describe_stacks(StackName=machine.name)["Stacks"][0]["Outputs"]
    return str(output["OutputValue"])


def _function(server: Emulator) -> dict[str, Any]:
    storage = client(server, "s3")
    storage.create_bucket(Bucket="code")
    storage.put_object(Bucket="code", Key="code.zip", Body=code_of(SOURCE))
    return {
        "FunctionName": f"step-{uuid.uuid4().hex[:8]}",
        "Runtime": "provided.al2023",
        "Handler": "trial.on_step",
        "Role": ROLE,
        "Code": {"S3Bucket": "code", "S3Key": "code.zip"},
        "Timeout": 20,
        "Environment": {"Variables": {"VOLEX_RUNTIME": interpreter(CACHE)}},
    }


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + END
    while not holds():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.05)


@pytest.fixture(scope="module", params=[Emulator, Uncorrected], ids=["corrected", "original"])
def either(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    folder = tmp_path_factory.mktemp("states")
    server: Emulator = request.param(Place(free_ports(1)[0], folder / "emulator", folder / "emulator.log"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def trial(emulator: Emulator, tmp_path: Path) -> Trial:
    return Trial(emulator, tmp_path / "notes")


@pytest.fixture
def any_trial(either: Emulator, tmp_path: Path) -> Trial:
    return Trial(either, tmp_path / "notes")


def step(
    *, ends: bool = True, paths: dict[str, str] | None = None, given: State | None = None, **changes: Any
) -> State:
    """A task that calls the function; `given` constants and `paths` of its event."""
    chosen = {f"{name}.$": path for name, path in ({"notes": "$.notes"} | (paths or {})).items()}
    state: State = {"Type": "Task", "Resource": "${Step}", "Parameters": chosen | (given or {}), "TimeoutSeconds": 20}
    return state | ({"End": True} if ends else {}) | changes


def asks(**changes: Any) -> State:
    event = {"notes.$": "$.notes", "token.$": "$$.Task.Token", "fails.$": "$.fails"}
    parameters = {"FunctionName": "${Step}", "Payload": event}
    state: State = {"Type": "Task", "Resource": machines.CALLBACK, "Parameters": parameters, "TimeoutSeconds": 20}
    return state | {"End": True} | changes


DONE: State = {"Type": "Pass", "End": True}
CAUGHT = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Caught"}]


def test_an_error_is_retried_by_its_name_until_it_goes(trial: Trial) -> None:
    again = [{"ErrorEquals": ["Unavailable"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 1}]

    output = trial.run({"Try": step(given={"fails": "at first", "say": "done"}, Retry=again)})

    assert output == {"said": "done", "call": 3}


def test_an_error_is_caught_by_its_name_with_what_it_says(trial: Trial) -> None:
    catch = [{"ErrorEquals": ["Conflict"], "ResultPath": "$.error", "Next": "Caught"}]

    output = trial.run({"Try": step(given={"fails": "always"}, Catch=catch), "Caught": DONE})

    assert output["error"]["Error"] == "Conflict"
    assert json.loads(output["error"]["Cause"])["errorMessage"] == "has been decided"


def test_legs_and_voices_run_beside_each_other_and_a_missing_one_leaves_its_place(trial: Trial) -> None:
    silent = step(given={"fails": "always"}, Catch=CAUGHT)
    missing = {"Type": "Pass", "Parameters": {"missing.$": "$.error.Error"}, "End": True}
    branches = [
        {"StartAt": "Speak", "States": {"Speak": step(paths={"say": "$.leg"})}},
        {"StartAt": "Fail", "States": {"Fail": silent, "Caught": missing}},
    ]
    gather = {"Type": "Parallel", "Branches": branches, "ResultPath": "$.voices", "End": True}
    each = {
        "Type": "Map",
        "ItemsPath": "$.legs",
        "ItemSelector": {"notes.$": "$.notes", "leg.$": "$$.Map.Item.Value"},
        "ItemProcessor": {"StartAt": "Gather", "States": {"Gather": gather}},
        "ResultPath": "$.legs",
        "End": True,
    }

    output = trial.run({"Each": each}, legs=["BTC", "ETH"])

    assert [leg["voices"][0]["said"] for leg in output["legs"]] == ["BTC", "ETH"]
    assert [leg["voices"][1] for leg in output["legs"]] == [{"missing": "Conflict"}] * 2


def test_a_task_ends_when_its_time_is_over(trial: Trial) -> None:
    slow = step(given={"seconds": 5}, TimeoutSeconds=1, Catch=CAUGHT)

    assert trial.run({"Wait": slow, "Caught": DONE})["error"]["Error"] == "States.Timeout"


@pytest.mark.parametrize("approves", [True, False])
def test_a_waiting_task_takes_one_answer(trial: Trial, approves: bool) -> None:
    trial.start({"Ask": asks(Catch=CAUGHT), "Caught": DONE}, fails=None)
    until(lambda: len(trial.calls()) == 1)
    token = trial.calls()[0]["token"]
    if approves:
        trial.states.send_task_success(taskToken=token, output='{"by": "ann"}')
    else:
        trial.states.send_task_failure(taskToken=token, error="Refused", cause="ann does not want it")

    output = json.loads(trial.ended()["output"])

    assert (
        output == {"by": "ann"}
        if approves
        else output["error"] == {"Error": "Refused", "Cause": "ann does not want it"}
    )
    with pytest.raises(trial.states.exceptions.TaskDoesNotExist):
        trial.states.send_task_success(taskToken=token, output="{}")


def test_a_path_that_leads_nowhere_fails_for_good_unlike_in_the_original(any_trial: Trial) -> None:
    any_trial.start({"Try": step(paths={"say": "$.nowhere"}, Catch=CAUGHT), "Caught": DONE})

    ended = any_trial.ended()

    if any_trial.is_original:
        assert json.loads(ended["output"])["said"] is None
    else:
        assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
        assert "$.nowhere" in ended["cause"]


def test_a_field_that_is_null_is_there_and_one_that_is_absent_can_be_asked_for(any_trial: Trial) -> None:
    choices = [
        {"Variable": "$.absent", "IsPresent": True, "Next": "Wrong"},
        {"Variable": "$.null", "IsPresent": True, "Next": "Right"},
    ]
    said = {name: {"Type": "Pass", "Result": name, "End": True} for name in ("Right", "Wrong")}

    output = any_trial.run({"Ask": {"Type": "Choice", "Choices": choices, "Default": "Wrong"}, **said}, null=None)

    assert output == ("Wrong" if any_trial.is_original else "Right")


def test_a_question_that_could_not_be_asked_fails_at_once_unlike_in_the_original(any_trial: Trial) -> None:
    any_trial.start({"Ask": asks(TimeoutSeconds=3, Catch=CAUGHT), "Caught": DONE}, fails="always")

    error = json.loads(any_trial.ended()["output"])["error"]["Error"]

    assert error == ("States.Timeout" if any_trial.is_original else "Conflict")


def test_nothing_is_called_after_a_stop_unlike_in_the_original(any_trial: Trial) -> None:
    inner = {"First": step(ends=False, given={"seconds": 1}, ResultPath=None, Next="Second"), "Second": step()}
    any_trial.start({"Both": {"Type": "Parallel", "Branches": [{"StartAt": "First", "States": inner}], "End": True}})
    until(lambda: len(any_trial.calls()) == 1)

    any_trial.states.stop_execution(executionArn=any_trial.execution, error="Cancelled", cause="ann")
    time.sleep(3)

    assert len(any_trial.calls()) == (2 if any_trial.is_original else 1)
    assert (any_trial.described()["status"], any_trial.described()["error"]) == ("ABORTED", "Cancelled")


def test_a_stopped_execution_stays_stopped_unlike_in_the_original(any_trial: Trial) -> None:
    any_trial.start({"Try": step(given={"seconds": 2}, TimeoutSeconds=1)})
    until(lambda: len(any_trial.calls()) == 1)

    any_trial.states.stop_execution(executionArn=any_trial.execution)
    time.sleep(3)

    assert any_trial.described()["status"] == ("FAILED" if any_trial.is_original else "ABORTED")


def test_nobody_can_answer_for_a_stopped_execution_unlike_in_the_original(any_trial: Trial) -> None:
    any_trial.start({"Ask": asks()}, fails=None)
    until(lambda: len(any_trial.calls()) == 1)
    any_trial.states.stop_execution(executionArn=any_trial.execution)

    answer = {"taskToken": any_trial.calls()[0]["token"], "output": "{}"}
    if any_trial.is_original:
        any_trial.states.send_task_success(**answer)
    else:
        with pytest.raises(any_trial.states.exceptions.TaskDoesNotExist):
            any_trial.states.send_task_success(**answer)
