"""State machines: `statemachines/<name>.asl.json` as resources, held to what every target understands.

A file is plain Amazon States Language. Functions stand in it as `${MetaSteps}`, by their names in CloudFormation, and the
machine's role may call exactly those. What an emulator would quietly read otherwise than AWS is refused here, before it is
deployed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import policies
from volexswarm.agents import Function, Invoker

FOLDER = Path(__file__).resolve().parent.parent / "statemachines"
SUFFIX = ".asl.json"
CALLBACK = "arn:aws:states:::lambda:invoke.waitForTaskToken"

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")

State = dict[str, Any]


class MachineError(Exception):
    """A state machine is not what every target runs alike; the message names the file, the state and what to write instead."""


@dataclass(frozen=True)
class Machine:
    """One file. `name` without the stack's prefix."""

    name: str
    definition: State

    @property
    def called(self) -> frozenset[str]:
        """The placeholders in it: functions by their names in CloudFormation."""
        return frozenset(_PLACEHOLDER.findall(json.dumps(self.definition)))

    def states(self) -> Iterator[tuple[str, State]]:
        """Every state with its name, those inside Map and Parallel included."""
        return _states(self.definition)


def load(folder: Path | None = None) -> list[Machine]:
    """The machines of a folder (default: the project's), by name; none if there is no folder.

    Raises
    ------
    MachineError
        If a file is not JSON.
    """
    machines = []
    for file in sorted((folder or FOLDER).glob(f"*{SUFFIX}")):
        try:
            machines.append(Machine(file.name.removesuffix(SUFFIX), json.loads(file.read_text())))
        except ValueError as error:
            raise MachineError(f"{file.name} is not JSON: {error}") from error
    return machines


def check(machine: Machine, functions: Mapping[str, Function]) -> None:
    """Refuse what would not run, or not run alike everywhere.

    Parameters
    ----------
    machine : Machine
        The machine.
    functions : mapping
        The stack's functions by their names in CloudFormation.

    Raises
    ------
    MachineError
        Naming the first fault.
    """
    for name in sorted(machine.called):
        if name not in functions or functions[name].invoked_by is not Invoker.STATES:
            raise MachineError(
                f"{machine.name}: ${{{name}}} is no function that volexswarm.agents has as invoked_by STATES"
            )
    if "JSONata" in json.dumps(machine.definition):
        raise MachineError(f"{machine.name}: JSONata runs at AWS alone: write JSONPath")
    for name, state in machine.states():
        if fault := _fault(state):
            raise MachineError(f"{machine.name}, state {name}: {fault}")


def resources(machine: Machine, functions: Mapping[str, Function], stack: str) -> dict[str, Any]:
    """The machine with its role and its log, and its ARN as output."""
    identity = f"{machine.name.capitalize()}Machine"
    called = [functions[name] for name in sorted(machine.called)]
    return {
        "Resources": {
            f"{identity}Logs": {
                "Type": "AWS::Logs::LogGroup",
                "Properties": {
                    # Step Functions' own prefix: policies of log groups have a limit, which groups under it do not use up
                    "LogGroupName": f"/aws/vendedlogs/states/{stack}-{machine.name}",
                    "RetentionInDays": {"Ref": "LogRetentionDays"},
                },
            },
            f"{identity}Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": policies.assumed_by("states"),
                    "Policies": [
                        {
                            "PolicyName": machine.name,
                            "PolicyDocument": {
                                "Version": "2012-10-17",
                                "Statement": policies.machine_statements(called, stack),
                            },
                        }
                    ],
                },
            },
            identity: {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "StateMachineName": f"{stack}-{machine.name}",
                    "StateMachineType": "STANDARD",
                    "RoleArn": {"Fn::GetAtt": [f"{identity}Role", "Arn"]},
                    "Definition": machine.definition,
                    "DefinitionSubstitutions": {name: {"Fn::GetAtt": [name, "Arn"]} for name in sorted(machine.called)},
                    "LoggingConfiguration": {
                        "Level": "ERROR",
                        "IncludeExecutionData": False,  # requests and verdicts are in the database, not in logs
                        "Destinations": [
                            {"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": [f"{identity}Logs", "Arn"]}}}
                        ],
                    },
                },
            },
        },
        "Outputs": {identity: {"Value": {"Ref": identity}, "Description": f"The state machine {machine.name}."}},
    }


def _states(scope: State) -> Iterator[tuple[str, State]]:
    for name, state in scope.get("States", {}).items():
        yield name, state
        for inner in (*state.get("Branches", ()), state.get("ItemProcessor", {})):
            yield from _states(inner)


def _fault(state: State) -> str | None:
    """What is wrong with a state, and what to do; None if nothing."""
    kind = state.get("Type")
    if kind == "Task" and "TimeoutSeconds" not in state:
        return "a Task needs TimeoutSeconds: without it, it may wait for ever"
    if kind == "Task" and not _calls_a_function(state):
        return f"a Task calls ${{Function}}, or {CALLBACK} with Parameters.FunctionName ${{Function}}"
    if kind == "Choice" and "Default" not in state:
        return "a Choice needs a Default: without it, the unforeseen ends as States.NoChoiceMatched"
    if kind == "Map" and "ItemProcessor" not in state:
        return "a Map needs an ItemProcessor: Iterator is its old name"
    if filtered := [path for path in _paths(state) if "?(" in path]:
        return f"{filtered[0]}: a path with a filter is not read alike everywhere: give the value to a field of its own"
    return None


def _calls_a_function(state: State) -> bool:
    resource = str(state.get("Resource"))
    called = str(state.get("Parameters", {}).get("FunctionName")) if resource == CALLBACK else resource
    return _PLACEHOLDER.fullmatch(called) is not None


def _paths(value: Any) -> Iterator[str]:
    """Every text within a state but the states inside it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in {"Branches", "ItemProcessor"}:
                yield from _paths(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner)
