"""The template: complete, sound by cfn-lint, fail-safe queues, and no right that is not needed."""

import copy
import json
import re

import pytest

from infra.packaging import LEFT_OUT
from infra.render import OWN_SETTINGS, RenderError, check, logical_id, render
from volexswarm.agents import functions
from volexswarm.messages import Queue
from volexswarm.settings import Settings


def of_type(resources, kind):
    return {name: one["Properties"] for name, one in resources.items() if one["Type"] == kind}


def nodes(value):
    """Every dict inside a value, itself included."""
    if isinstance(value, dict):
        yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from nodes(child)


def test_cfn_lint_finds_nothing(template):
    assert check(template) == []


def test_cfn_lint_would_find_a_mistake(app):
    broken = copy.deepcopy(render(app.template, "aws"))
    broken.body["Resources"]["TicksQueue"]["Properties"]["RedrivePolicy"] = {"Fn::GetAtt": ["Nowhere", "Arn"]}
    assert any("Nowhere" in finding for finding in check(broken))


def test_every_registered_function_is_there_and_no_other(resources):
    deployed = of_type(resources, "AWS::Lambda::Function")
    assert {one["FunctionName"] for one in deployed.values()} == {f"volexswarm-api-{f.name}" for f in functions()}
    assert set(deployed) == {logical_id(function) for function in functions()}


def test_no_two_functions_of_cloudformation_stand_in_one_place(template):
    """What a merge of two templates does when one writes Fn::Sub and the other Fn::GetAtt."""
    for node in nodes(template.body):
        intrinsic = [key for key in node if key.startswith("Fn::") or key == "Ref"]
        assert not intrinsic or len(node) == 1, node


def test_a_resource_that_two_sources_define_is_refused(app, tmp_path, monkeypatch):
    from infra import render as module  # noqa: PLC0415 - its constant is replaced

    text = module.RESOURCES.read_text().replace("  ApiStage:", "  TicksQueue: {Type: AWS::SQS::Queue}\n\n  ApiStage:")
    (tmp_path / "resources.yaml").write_text(text)
    monkeypatch.setattr(module, "RESOURCES", tmp_path / "resources.yaml")
    with pytest.raises(RenderError, match="Resources defined twice: TicksQueue"):
        render(app.template, "aws")


def test_a_function_without_a_handler_is_refused(app):
    lacking = copy.deepcopy(app.template)
    del lacking["Resources"]["Risk"]
    with pytest.raises(RenderError, match=r"does not have: risk"):
        render(lacking, "aws")


@pytest.mark.parametrize("queue", list(Queue))
def test_each_queue_has_dead_letters_and_waits_long_enough(resources, queue):
    queues = of_type(resources, "AWS::SQS::Queue")
    by_name = {one["QueueName"]: (name, one) for name, one in queues.items()}
    _, alive = by_name[f"volexswarm-{queue.value}"]
    dead_id, dead = by_name[f"volexswarm-{queue.dead_letters}"]
    consumer = next(function for function in functions() if function.queue is queue)
    assert alive["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": [dead_id, "Arn"]}
    assert alive["VisibilityTimeout"] >= consumer.timeout * (1 if queue in {Queue.TICKS, Queue.PUSHES} else 6)
    assert alive.get("FifoQueue", False) is dead.get("FifoQueue", False) is queue.is_fifo
    assert dead["MessageRetentionPeriod"] == 14 * 86_400


@pytest.mark.parametrize("queue", [Queue.TICKS, Queue.PUSHES])
def test_a_killed_call_holds_the_market_and_its_watchers_up_for_seconds_only(resources, queue):
    queues = of_type(resources, "AWS::SQS::Queue").values()
    (hasty,) = [one for one in queues if one["QueueName"] == f"volexswarm-{queue.value}"]
    (consumer,) = [function for function in functions() if function.queue is queue]
    assert consumer.timeout <= hasty["VisibilityTimeout"] <= consumer.timeout + 5


def test_each_mapping_answers_for_single_messages_and_its_queue_has_dead_letters(resources):
    mappings = of_type(resources, "AWS::Lambda::EventSourceMapping")
    assert len(mappings) == len(Queue)
    queues = of_type(resources, "AWS::SQS::Queue")
    for mapping in mappings.values():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert 1 <= mapping["BatchSize"] <= 10
        assert "RedrivePolicy" in queues[mapping["EventSourceArn"]["Fn::GetAtt"][0]]


def test_every_protected_route_has_the_authorizer(resources):
    document = resources["RestApi"]["Properties"]["Body"]
    routes = {
        (path, method): "security" in route
        for path, methods in document["paths"].items()
        for method, route in methods.items()
        if method != "options"
    }
    open_routes = {path for (path, _), secured in routes.items() if not secured}
    assert open_routes == {"/login", "/openapi.json", "/control/page", "/tasks/page"}


def test_a_change_of_the_api_makes_a_new_deployment(app):
    def deployments(source):
        return set(of_type(render(source, "aws").body["Resources"], "AWS::ApiGateway::Deployment"))

    changed = copy.deepcopy(app.template)
    changed["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]["paths"]["/new"] = {}
    assert deployments(app.template) == deployments(copy.deepcopy(app.template))
    assert not deployments(app.template) & deployments(changed)


def test_every_setting_reaches_every_function(template, resources):
    for one in of_type(resources, "AWS::Lambda::Function").values():
        variables = one["Environment"]["Variables"]
        assert {f"VOLEX_{field.upper()}" for field in set(Settings.model_fields) - OWN_SETTINGS} <= set(variables)
        assert all(set(value) & {"Ref", "Fn::Join", "Fn::Sub"} for value in variables.values())


def test_no_secret_is_in_the_template(template):
    text = template.to_json().lower()
    assert "password" not in re.sub(r'"definitionbody".*', "", text)
    assert not re.search(r"postgres(ql)?://|hvs\.|secret_id|akia", text)


def statements(resources):
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement
    for name, policy in of_type(resources, "AWS::IAM::ManagedPolicy").items():
        for statement in policy["PolicyDocument"]["Statement"]:
            yield name, statement


def test_each_function_has_a_role_of_its_own(resources):
    roles = [one["Role"]["Fn::GetAtt"][0] for one in of_type(resources, "AWS::Lambda::Function").values()]
    assert len(set(roles)) == len(roles) == len(functions())


STARRED = {"DeliverLogs"}
"""A machine's rights to have its log delivered: AWS knows no resources for them."""
OWN_PARTS = r":log-group:/aws/lambda/volexswarm-api-[a-z-]+:\*$|:execution:volexswarm-[a-z]+:\*$|/@connections/\*$"
"""Streams of a function's own log, executions of a machine of ours, connections of our WebSocket API."""
CLAUDE = r":bedrock:\*::foundation-model/anthropic\.\*$"
"""AWS's own models, in whatever region has room."""


def test_no_right_has_a_star_beyond_what_is_the_stacks_own(resources):
    for name, statement in statements(resources):
        assert not [action for action in statement["Action"] if "*" in action], name
        if statement["Sid"] in STARRED:
            continue
        stars = [arn["Fn::Sub"] for arn in statement["Resource"] if "*" in arn["Fn::Sub"]]
        assert all(re.search(f"{OWN_PARTS}|{CLAUDE}", arn) for arn in stars), (name, stars)


def rights(resources, role, action):
    return {
        arn["Fn::Sub"].rsplit(":", 1)[-1]
        for name, statement in statements(resources)
        if name == role and action in statement["Action"]
        for arn in statement["Resource"]
    }


def test_a_function_sends_only_where_its_agent_says_and_consumes_only_its_own_queue(resources):
    for function in functions():
        role = f"{logical_id(function)}Role"
        own = {f"volexswarm-{function.queue.value}"} if function.queue else set()
        dead = {f"volexswarm-{function.queue.dead_letters}"} if function.queue else set()
        sends = {f"volexswarm-{queue.value}" for queue in function.sends}
        assert rights(resources, role, "sqs:SendMessage") == sends | dead
        if function.name != "api-handler":  # which also looks into dead letters
            assert rights(resources, role, "sqs:ReceiveMessage") == own


def test_each_identity_reads_its_own_vault_login_only(resources):
    for name, statement in statements(resources):
        if "secretsmanager:GetSecretValue" in statement["Action"]:
            [arn] = statement["Resource"]
            identity = arn["Fn::Sub"].split(":secret:volexswarm/")[1].removesuffix("/approle-??????")
            owner = {f"{logical_id(f)}Role": f.name for f in functions()} | {"RealtimeDataPolicy": "realtime-data"}
            assert identity == owner[name]


def test_nobody_but_the_team_asks_models(resources):
    asking = {name for name, statement in statements(resources) if "bedrock:InvokeModel" in statement["Action"]}
    assert asking == {"MetaDeliberateRole", "MetaReadRole"}


def test_whoever_takes_tasks_in_words_may_have_them_read(resources):
    """Over HTTP and over the WebSocket: one desk takes both."""
    for role in ("APIHandlerRole", "MetaWebsocketRole"):
        assert "volexswarm-api-meta-read" in rights(resources, role, "lambda:InvokeFunction"), role


def test_a_function_calls_only_those_that_the_registry_names(resources):
    for function in functions():
        called = {f"volexswarm-api-{name}" for name in function.calls}
        may = rights(resources, f"{logical_id(function)}Role", "lambda:InvokeFunction")
        assert called <= may if function.name == "api-handler" else called == may  # which also asks all how they are


def test_the_api_may_not_consume_a_live_queue(resources):
    live = {f"volexswarm-{queue.value}" for queue in Queue}
    assert not rights(resources, "APIHandlerRole", "sqs:ReceiveMessage") & live


def test_aws_functions_have_at_most_five_layers_and_python(app):
    resources = render(app.template, "aws").body["Resources"]
    for function in of_type(resources, "AWS::Lambda::Function").values():
        assert 1 <= len(function["Layers"]) <= 5
        assert function["Runtime"].startswith("python3.")


def test_the_zip_holds_what_functions_run_and_nothing_else(app):
    top = {path.name for path in app.code.iterdir()} - {
        "bootstrap",
        "volex_start.py",
        "volex_nursery.py",
        "__pycache__",
    }
    assert top == {"app.py", "chalice", "chalicelib", "volexswarm"}
    assert not [part for part in LEFT_OUT if (app.code / "volexswarm" / part).exists()]
    assert json.dumps(app.template).count('"CodeUri": "./deployment.zip"') == len(functions())


def test_the_gateways_own_answers_are_the_houses_envelope(resources):
    """AWS fills the variables in; as text or as a quoted string of its own each must leave JSON behind."""
    responses = resources["RestApi"]["Properties"]["Body"]["x-amazon-apigateway-gateway-responses"]
    assert {"UNAUTHORIZED", "ACCESS_DENIED", "THROTTLED", "DEFAULT_4XX", "DEFAULT_5XX"} < set(responses)
    assert responses["MISSING_AUTHENTICATION_TOKEN"]["statusCode"] == "404"
    for response in responses.values():
        filled = response["responseTemplates"]["application/json"].replace(
            "$context.error.messageString", '"in its own words"'
        )
        body = json.loads(filled)
        assert set(body) == {"status", "error", "timestamp"}
        assert body["status"] == "error"
        assert set(body["error"]) == {"code", "message", "details"}
        assert body["error"]["message"]
