"""State machines: rendered with least rights, sound by cfn-lint, and nothing in them that targets read differently."""

import copy
import json
import shutil
from dataclasses import replace

import pytest

from infra import machines, render
from infra.machines import Machine, MachineError
from infra.render import TARGETS, RenderError, check
from tests.unit.infra.test_render import of_type
from volexswarm.agents import API_FUNCTION, Function, Invoker, functions

GATHERS = Function("trial-gather", "Gathers.", invoked_by=Invoker.STATES)
STARTS = Function("trial-start", "Starts tasks.", schedule="rate(1 minute)", runs=("trial",))
REGISTERED = {"TrialGather": GATHERS, "TrialStart": STARTS, "APIHandler": API_FUNCTION}


def task(**changes):
    return {"Type": "Task", "Resource": "${TrialGather}", "TimeoutSeconds": 10, "End": True} | changes


def machine(states=None, **changes):
    states = states or {"Gather": task() | changes}
    return Machine("task", {"StartAt": next(iter(states)), "States": states})


ASKS = {
    "Type": "Task",
    "Resource": machines.CALLBACK,
    "Parameters": {"FunctionName": "${TrialGather}", "Payload": {"token.$": "$$.Task.Token"}},
    "TimeoutSeconds": 60,
    "End": True,
}


@pytest.fixture(params=TARGETS)
def rendered(request, app, tmp_path, monkeypatch):
    """A template with one machine more and two functions more than the project has."""
    inner = {"StartAt": "Gather", "States": {"Gather": task()}}
    states = {
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.legs",
            "ItemProcessor": {"StartAt": "Both", "States": {"Both": both(inner)}},
            "Next": "Ask",
        },
        "Ask": ASKS,
    }
    for file in machines.FOLDER.glob("*"):
        shutil.copy(file, tmp_path)
    (tmp_path / "trial.asl.json").write_text(json.dumps(machine(states).definition))
    monkeypatch.setattr(machines, "FOLDER", tmp_path)
    monkeypatch.setattr(render, "TASK_MACHINE", "trial")
    monkeypatch.setattr(render, "functions", lambda: (*functions(), GATHERS, STARTS))
    template = copy.deepcopy(app.template)
    for function in (GATHERS, STARTS):
        handler = {"Type": "AWS::Serverless::Function", "Properties": {"Handler": "trial.on"}}
        template["Resources"][render.logical_id(function)] = handler
    return render.render(template, request.param)


def both(branch):
    return {"Type": "Parallel", "Branches": [branch, branch], "End": True}


def test_cfn_lint_finds_nothing(rendered):
    assert check(rendered) == []


def test_cfn_lint_reads_the_definition(rendered):
    broken = copy.deepcopy(rendered)
    del broken.body["Resources"]["TrialMachine"]["Properties"]["Definition"]["StartAt"]
    assert any("StartAt" in finding for finding in check(broken))


def test_the_machine_has_the_stacks_prefix_and_every_placeholder_a_function(rendered):
    made = of_type(rendered.body["Resources"], "AWS::StepFunctions::StateMachine")["TrialMachine"]
    assert made["StateMachineName"] == "volexswarm-trial"
    assert made["DefinitionSubstitutions"] == {"TrialGather": {"Fn::GetAtt": ["TrialGather", "Arn"]}}


def test_the_machine_may_call_its_own_functions_alone(rendered):
    [policy] = rendered.body["Resources"]["TrialMachineRole"]["Properties"]["Policies"]
    called = [s["Resource"] for s in policy["PolicyDocument"]["Statement"] if "lambda:InvokeFunction" in s["Action"]]
    [[arn]] = called
    assert arn["Fn::Sub"].endswith(":function:volexswarm-api-trial-gather")


def test_only_a_function_that_runs_the_machine_may_start_it_and_answer_it(rendered):
    def rights(name):
        [policy] = rendered.body["Resources"][f"{name}Role"]["Properties"]["Policies"]
        return {
            (action, arn["Fn::Sub"].split("AccountId}:")[1])
            for statement in policy["PolicyDocument"]["Statement"]
            for action in statement["Action"]
            for arn in statement["Resource"]
            if action.startswith("states:")
        }

    machine_arn, executions = "stateMachine:volexswarm-trial", "execution:volexswarm-trial:*"
    assert rights("TrialStart") == {
        ("states:StartExecution", machine_arn),
        ("states:SendTaskSuccess", machine_arn),
        ("states:SendTaskFailure", machine_arn),
        ("states:DescribeExecution", executions),
        ("states:StopExecution", executions),
    }
    assert not rights("TrialGather")


def test_every_function_is_told_the_machines_arn(rendered):
    for one in of_type(rendered.body["Resources"], "AWS::Lambda::Function").values():
        arn = one["Environment"]["Variables"]["VOLEX_TASK_MACHINE"]["Fn::Sub"]
        assert arn.endswith(":stateMachine:volexswarm-trial")


def test_a_function_that_runs_an_unknown_machine_is_refused(app, monkeypatch):
    stray = replace(API_FUNCTION, runs=("nowhere",))
    every = [stray if function is API_FUNCTION else function for function in functions()]
    monkeypatch.setattr(render, "functions", lambda: tuple(every))
    monkeypatch.setattr(render, "API_FUNCTION", stray)
    with pytest.raises(
        RenderError, match="api-handler runs a state machine that statemachines/ does not have: nowhere"
    ):
        render.render(app.template, "aws")


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (machine(Resource="${Stranger}"), r"\$\{Stranger\} is no function"),
        (machine(Resource="${TrialStart}"), r"\$\{TrialStart\} is no function"),
        (machine(Resource="arn:aws:states:::sqs:sendMessage"), "state Gather: a Task calls"),
        (machine({"Ask": ASKS | {"Parameters": {"FunctionName": "any"}}}), "state Ask: a Task calls"),
        (machine({"Gather": {"Type": "Task", "Resource": "${TrialGather}", "End": True}}), "needs TimeoutSeconds"),
        (machine({"Which": {"Type": "Choice", "Choices": []}}), "state Which: a Choice needs a Default"),
        (machine(QueryLanguage="JSONata"), "JSONata"),
        (machine(InputPath="$.legs[?(@.side=='buy')]"), "state Gather: .*filter"),
        (machine({"Both": both({"StartAt": "In", "States": {"In": {"Type": "Choice"}}})}), "state In: a Choice"),
        (machine({"Each": {"Type": "Map", "Iterator": {}, "End": True}}), "state Each: a Map needs an ItemProcessor"),
    ],
)
def test_what_targets_read_differently_is_refused(made, fault):
    with pytest.raises(MachineError, match=fault):
        machines.check(made, REGISTERED)


def test_a_sound_machine_passes():
    machines.check(machine({"Gather": task(Next="Ask", End=False), "Ask": ASKS}), REGISTERED)


def test_a_file_that_is_no_json_is_named(tmp_path):
    (tmp_path / "task.asl.json").write_text("{")
    with pytest.raises(MachineError, match=r"task\.asl\.json is not JSON"):
        machines.load(tmp_path)


def test_the_projects_machines_call_every_function_that_only_a_machine_calls():
    called = {name for made in machines.load() for name in made.called}
    waiting = {render.logical_id(function) for function in functions() if function.invoked_by is Invoker.STATES}
    assert waiting <= called or not called
