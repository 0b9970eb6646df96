"""The WebSocket API: there as soon as a function answers it, with rights only for those that push, and nowhere at LocalStack."""

import copy

import pytest

from infra import render
from infra.render import check
from tests.unit.infra.test_render import of_type, rights
from volexswarm.agents import Function, Invoker, functions

ANSWERS = Function("trial-answers", "Answers.", invoked_by=Invoker.WEBSOCKET, pushes=True)
OTHERS = tuple(function for function in functions() if function.invoked_by is not Invoker.WEBSOCKET)


@pytest.fixture
def rendered(app, monkeypatch):
    """Renders a template whose WebSocket API a function of this test answers."""
    monkeypatch.setattr(render, "functions", lambda: (*OTHERS, ANSWERS))
    template = copy.deepcopy(app.template)
    for function in functions():
        if function not in OTHERS:
            del template["Resources"][render.logical_id(function)]
    handler = {"Type": "AWS::Serverless::Function", "Properties": {"Handler": "trial.on"}}
    template["Resources"]["TrialAnswers"] = handler
    return lambda target: render.render(template, target)


def push_urls(template):
    functions_of_stack = of_type(template.body["Resources"], "AWS::Lambda::Function").values()
    return [one["Environment"]["Variables"].get("VOLEX_PUSH_URL") for one in functions_of_stack]


@pytest.mark.parametrize("target", ["embedded", "aws"])
def test_cfn_lint_finds_nothing(rendered, target):
    assert check(rendered(target)) == []


@pytest.mark.parametrize("target", ["embedded", "aws"])
def test_one_function_answers_all_routes_and_the_api_may_call_it(rendered, target):
    resources = rendered(target).body["Resources"]
    routes = of_type(resources, "AWS::ApiGatewayV2::Route").values()
    assert {route["RouteKey"] for route in routes} == {"$connect", "$disconnect", "$default"}
    [integration] = of_type(resources, "AWS::ApiGatewayV2::Integration").values()
    assert "${TrialAnswers.Arn}" in integration["IntegrationUri"]["Fn::Sub"]
    permission = resources["TrialAnswersPermission"]["Properties"]
    assert permission["SourceArn"]["Fn::Sub"].endswith(":${WebSocketApi}/*")


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("embedded", "${AwsEndpointUrl}/_aws/execute-api/${WebSocketApi}/live"),
        ("aws", "https://${WebSocketApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/live"),
    ],
)
def test_every_function_is_told_where_connections_are_written_to(rendered, target, address):
    assert all(url == {"Fn::Sub": address} for url in push_urls(rendered(target)))


def test_only_functions_that_push_may_write_to_connections(rendered):
    resources = rendered("aws").body["Resources"]
    for function in (*OTHERS, ANSWERS):
        granted = rights(resources, f"{render.logical_id(function)}Role", "execute-api:ManageConnections")
        assert bool(granted) == function.pushes
    assert all(arn.startswith("${WebSocketApi}/live/") for arn in granted)


def test_localstack_has_no_websocket_api_and_functions_know(rendered):
    template = rendered("localstack")
    assert not of_type(template.body["Resources"], "AWS::ApiGatewayV2::Api")
    assert set(push_urls(template)) == {None}
    assert check(template) == []
