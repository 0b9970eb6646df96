"""Renders the one CloudFormation template: Chalice's view of the app, the registry, and `resources.yaml`, without any transform.

Chalice writes SAM, which not every emulator understands and whose expansion hides half of the stack; it is written out here in
plain resources, with a least-privilege role and a log group for each function and a dead-letter queue for each queue.
Nothing that the registry says is written twice: memory, timeouts, layers, batch sizes, queues and schedules come from there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from chalice.utils import to_cfn_resource_name
from pydantic_core import PydanticUndefined

from infra import gateway, machines, policies, sockets
from infra.machines import Machine, MachineError
from infra.packaging import PackagingError, packaged
from layers.build import AWS
from volexswarm.agents import API_FUNCTION, Function, Invoker, Layer, functions
from volexswarm.messages import Queue
from volexswarm.settings import PREFIX, Settings

Target = Literal["embedded", "localstack", "aws"]
TARGETS: tuple[Target, ...] = ("embedded", "localstack", "aws")

RESOURCES = Path(__file__).with_name("resources.yaml")
MAX_RECEIVES = 1000
"""Redrive is for messages that kill their function. Failures are counted, and buried with their reason, by the functions
themselves (`chalicelib/runtime/batch.py`): a low number here would bury good messages in a long outage."""
VISIBILITY_FACTOR = 6
"""A queue's messages come back after so many times its function's time limit, where a call was killed and let none of them go: as
AWS advises, so that a call which had to wait for its turn is not overtaken by the next delivery of its own messages."""
HASTY = frozenset({Queue.TICKS, Queue.PUSHES})
HASTE_SECONDS = 2
"""What ticks and live updates get beside the time limit of their function (AWS allows no less than that limit), for the way to
it: a market that stands still for two minutes because one call was killed is traded by nobody, and watched by nobody. A delivery
that overtakes a call does no harm there: a trade and an update count once, by their identity, and candles are under the venue's
lock."""
RETENTION_DAYS = 14
TASK_MACHINE = "task"
OWN_SETTINGS = frozenset(("push_url", "task_machine"))
"""Settings that no one gives: the template knows them."""

Resource = dict[str, Any]


class RenderError(Exception):
    """App, registry and resources do not fit together; the message says where."""


@dataclass(frozen=True)
class Template:
    """A CloudFormation template for one target."""

    target: Target
    body: dict[str, Any]

    def to_json(self) -> str:
        return json.dumps(self.body, indent=1)

    def parameters(self) -> frozenset[str]:
        return frozenset(self.body["Parameters"])


def is_local(target: Target) -> bool:
    """Whether functions run under our own runtime on this machine."""
    return target != "aws"


def render(app: dict[str, Any], target: Target, stack: str = "volexswarm") -> Template:
    """Write the template.

    Parameters
    ----------
    app : dict
        Chalice's SAM template (`packaging.App.template`).
    target : str
        Where it will be deployed.
    stack : str
        Prefix of every name.

    Raises
    ------
    RenderError
        If the app, the registry and the state machines do not fit together, or two sources define the same resource.
    """
    handlers = _handlers(app)
    _assert_complete(handlers)
    found = _machines()
    parts = [yaml.safe_load(RESOURCES.read_text()), _settings(target, stack), _layers(target)]
    parts += [_queue(queue, stack) for queue in Queue]
    socket = _socket_function(target)
    own = _own_settings(found, socket, target, stack)
    parts += [_function(function, handlers[function.name], target, stack, own) for function in functions()]
    parts += [machines.resources(machine, _by_logical_id(), stack) for machine in found]
    parts += [_api(app, stack), _realtime_policy(stack)]
    if socket is not None:
        parts += [sockets.resources(logical_id(socket), stack), _socket_permission(socket)]
    body: dict[str, Any] = {"AWSTemplateFormatVersion": "2010-09-09"}
    for part in parts:
        _join(body, part)
    deployment = next(name for name, one in body["Resources"].items() if one["Type"] == "AWS::ApiGateway::Deployment")
    body["Resources"]["ApiStage"]["Properties"]["DeploymentId"] = {"Ref": deployment}
    return Template(target, body)


def logical_id(function: Function) -> str:
    """CloudFormation's name of a function; the same that Chalice gives it, as its documents refer to it."""
    return "APIHandler" if function is API_FUNCTION else str(to_cfn_resource_name(function.name))


def _handlers(app: dict[str, Any]) -> dict[str, str]:
    """Function name → Python handler, as Chalice found them."""
    names = {logical_id(function): function.name for function in functions()}
    return {
        names.get(key, key): resource["Properties"]["Handler"]
        for key, resource in app["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def _assert_complete(handlers: dict[str, str]) -> None:
    registered = {function.name for function in functions()}
    if missing := registered - set(handlers):
        raise RenderError(
            f"volexswarm.agents names functions that functions/ does not have: {', '.join(sorted(missing))}"
        )
    if unknown := set(handlers) - registered:
        raise RenderError(
            f"functions/ has functions that volexswarm.agents does not name: {', '.join(sorted(unknown))}"
        )


def _by_logical_id() -> dict[str, Function]:
    return {logical_id(function): function for function in functions()}


def _machines() -> list[Machine]:
    """The state machines, checked against the registry, and the registry against them."""
    try:
        found = machines.load()
        for machine in found:
            machines.check(machine, _by_logical_id())
    except MachineError as error:
        raise RenderError(str(error)) from error
    names = {machine.name for machine in found}
    for function in functions():
        if unknown := set(function.runs) - names:
            raise RenderError(
                f"{function.name} runs a state machine that statemachines/ does not have: {unknown.pop()}"
            )
    return found


def _socket_function(target: Target) -> Function | None:
    """What answers the WebSocket API; None where there is no such API."""
    if target == "localstack":
        return None
    return next((function for function in functions() if function.invoked_by is Invoker.WEBSOCKET), None)


def _socket_permission(function: Function) -> dict[str, Any]:
    name = logical_id(function)
    return {"Resources": {f"{name}Permission": _permission(name, "apigateway", sockets.source())}}


def _own_settings(found: list[Machine], socket: Function | None, target: Target, stack: str) -> dict[str, Any]:
    """Settings whose value is the stack's own to tell, by field; those that it has nothing for are left out.

    The machine's ARN is written out: a reference would make a circle, as the machine itself refers to the functions.
    """
    own: dict[str, Any] = {}
    if TASK_MACHINE in {machine.name for machine in found}:
        arn = f"arn:${{AWS::Partition}}:states:${{AWS::Region}}:${{AWS::AccountId}}:stateMachine:{stack}-{TASK_MACHINE}"
        own["task_machine"] = {"Fn::Sub": arn}
    if socket is not None:
        own["push_url"] = sockets.push_url(is_local=is_local(target))
    return own


def _join(body: dict[str, Any], part: dict[str, Any]) -> None:
    """Add a part's sections; nothing is ever overwritten or mixed."""
    for section, content in part.items():
        if not isinstance(content, dict):
            body[section] = content
            continue
        existing = body.setdefault(section, {})
        if twice := set(existing) & set(content):
            raise RenderError(f"{section} defined twice: {', '.join(sorted(twice))}")
        existing.update(content)


def parameter_name(field: str) -> str:
    """A setting's name as a parameter: `redis_url` → `RedisUrl`."""
    return "".join(word.capitalize() for word in field.split("_"))


def _settings(target: Target, stack: str) -> dict[str, Any]:
    """One parameter per setting, with the setting's own default; what the template is rendered for can't be changed."""
    fixed = {"target": target, "stack": stack}
    parameters: dict[str, Any] = {}
    for field, info in Settings.model_fields.items():
        if field in OWN_SETTINGS:
            continue
        parameter: dict[str, Any] = {"Type": "String"}
        parameters[parameter_name(field)] = parameter
        if field in fixed:
            parameter |= {"Default": fixed[field], "AllowedValues": [fixed[field]]}
        elif not info.is_required():
            default = None if info.default is PydanticUndefined else info.default
            parameter["Default"] = "" if default is None else str(default)
    if is_local(target):
        parameters["AwsEndpointUrl"] = {"Type": "String", "Description": "The AWS emulator, as functions reach it."}
        parameters["FunctionRuntime"] = {
            "Type": "String",
            "Description": "Virtual environment that runs the functions.",
        }
        for layer in used_layers():
            parameters[f"{layer.value.capitalize()}LayerPath"] = {"Type": "String"}
    return {"Parameters": parameters}


def used_layers() -> list[Layer]:
    """The layers that some function has."""
    return [layer for layer in Layer if any(layer in function.layers for function in functions())]


def _layers(target: Target) -> dict[str, Any]:
    """Layer resources at AWS; the local clouds use the built folders as they are."""
    if is_local(target):
        return {}
    part: dict[str, Any] = {"Parameters": {}, "Resources": {}}
    for layer in used_layers():
        name = layer.value.capitalize()
        part["Parameters"][f"{name}LayerKey"] = {"Type": "String"}
        part["Resources"][f"{name}Layer"] = {
            "Type": "AWS::Lambda::LayerVersion",
            "Properties": {
                "LayerName": {"Fn::Sub": f"${{AWS::StackName}}-{layer.value}"},
                "CompatibleRuntimes": [f"python{AWS.python}"],
                "CompatibleArchitectures": ["x86_64"],
                "Content": {"S3Bucket": {"Ref": "ArtifactBucket"}, "S3Key": {"Ref": f"{name}LayerKey"}},
            },
        }
    return part


def queue_id(short_name: str) -> str:
    """CloudFormation's name of a queue: `orders-dead.fifo` → `OrdersDeadQueue`."""
    return f"{to_cfn_resource_name(short_name.removesuffix('.fifo'))}Queue"


def _consumer(queue: Queue) -> Function:
    return next(function for function in functions() if function.queue is queue)


def _visibility(queue: Queue) -> int:
    """Seconds until a message that was delivered and not answered is delivered again."""
    limit = _consumer(queue).timeout
    return limit + HASTE_SECONDS if queue in HASTY else VISIBILITY_FACTOR * limit


def _queue(queue: Queue, stack: str) -> dict[str, Any]:
    """A queue and its dead letters."""
    fifo = {"FifoQueue": True} if queue.is_fifo else {}
    dead, alive = queue_id(queue.dead_letters), queue_id(queue.value)
    return {
        "Resources": {
            dead: {
                "Type": "AWS::SQS::Queue",
                "Properties": {
                    "QueueName": f"{stack}-{queue.dead_letters}",
                    "MessageRetentionPeriod": RETENTION_DAYS * 86_400,
                    "SqsManagedSseEnabled": True,
                    **fifo,
                },
            },
            alive: {
                "Type": "AWS::SQS::Queue",
                "Properties": {
                    "QueueName": f"{stack}-{queue.value}",
                    "MessageRetentionPeriod": RETENTION_DAYS * 86_400,
                    "VisibilityTimeout": _visibility(queue),
                    "RedrivePolicy": {"deadLetterTargetArn": _arn_of(dead), "maxReceiveCount": MAX_RECEIVES},
                    "SqsManagedSseEnabled": True,
                    **fifo,
                },
            },
        },
        "Outputs": {alive: {"Value": {"Ref": alive}, "Description": f"URL of the queue {queue.value}."}},
    }


def _arn_of(name: str) -> Resource:
    return {"Fn::GetAtt": [name, "Arn"]}


def _function(function: Function, handler: str, target: Target, stack: str, own: dict[str, Any]) -> dict[str, Any]:
    """A function with its role, its log group and what wakes it."""
    name = logical_id(function)
    statements = policies.statements(function, stack)
    if function.pushes and "push_url" in own:
        statements.append(policies.push())
    resources: dict[str, Resource] = {
        f"{name}Logs": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": f"/aws/lambda/{stack}-api-{function.name}",
                "RetentionInDays": {"Ref": "LogRetentionDays"},
            },
        },
        f"{name}Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": policies.assumed_by("lambda"),
                "Policies": [
                    {
                        "PolicyName": function.name,
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": statements,
                        },
                    }
                ],
            },
        },
        name: {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": f"{stack}-api-{function.name}",
                "Description": function.purpose,
                "Handler": handler,
                "Code": {"S3Bucket": {"Ref": "ArtifactBucket"}, "S3Key": {"Ref": "CodeKey"}},
                "Role": _arn_of(f"{name}Role"),
                "MemorySize": function.memory,
                "Timeout": function.timeout,
                "LoggingConfig": {"LogGroup": {"Ref": f"{name}Logs"}},
                **_runtime(function, target, own),
            },
        },
    }
    return {"Resources": resources | _mapping(function) | _schedule(function)}


def _runtime(function: Function, target: Target, own: dict[str, Any]) -> Resource:
    """Interpreter, layers and environment. Layers are in the registry's order; the function's code comes before them."""
    given = {field: {"Ref": parameter_name(field)} for field in Settings.model_fields if field not in OWN_SETTINGS}
    variables: dict[str, Any] = {PREFIX + field.upper(): value for field, value in (given | own).items()}
    variables["VOLEX_CODE"] = {"Ref": "CodeKey"}  # what the function calls its version
    names = [layer.value.capitalize() for layer in function.layers]
    if not is_local(target):
        return {
            "Runtime": f"python{AWS.python}",
            "Architectures": ["x86_64"],
            "Layers": [{"Ref": f"{name}Layer"} for name in names],
            "Environment": {"Variables": variables},
        }
    variables |= {
        "AWS_ENDPOINT_URL": {"Ref": "AwsEndpointUrl"},
        "VOLEX_RUNTIME": {"Ref": "FunctionRuntime"},
        "VOLEX_LAYERS": {"Fn::Join": [":", [{"Ref": f"{name}LayerPath"} for name in names]]},
    }
    return {"Runtime": "provided.al2023", "Environment": {"Variables": variables}}


def _mapping(function: Function) -> dict[str, Resource]:
    """The event source mapping of a function that a queue wakes."""
    if function.queue is None:
        return {}
    properties: Resource = {
        "FunctionName": {"Ref": logical_id(function)},
        "EventSourceArn": _arn_of(queue_id(function.queue.value)),
        "BatchSize": function.batch_size,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    if function.concurrency is not None:
        properties["ScalingConfig"] = {"MaximumConcurrency": function.concurrency}
    return {f"{logical_id(function)}Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}}


def _schedule(function: Function) -> dict[str, Resource]:
    """The rule of a function that a schedule wakes."""
    if function.schedule is None:
        return {}
    name = logical_id(function)
    rule = {
        "ScheduleExpression": function.schedule,
        "Description": function.purpose,
        "Targets": [{"Id": function.name, "Arn": _arn_of(name)}],
    }
    return {
        f"{name}Schedule": {"Type": "AWS::Events::Rule", "Properties": rule},
        f"{name}SchedulePermission": _permission(name, "events", _arn_of(f"{name}Schedule")),
    }


def _permission(function_id: str, service: str, source: Resource) -> Resource:
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": _arn_of(function_id),
            "Action": "lambda:InvokeFunction",
            "Principal": f"{service}.amazonaws.com",
            "SourceArn": source,
        },
    }


def _api(app: dict[str, Any], stack: str) -> dict[str, Any]:
    """The REST API from Chalice's OpenAPI document, and a deployment that is new whenever the document is."""
    if "RestAPI" not in app["Resources"]:
        raise RenderError("functions/ has no HTTP route: the API is missing")
    document = app["Resources"]["RestAPI"]["Properties"]["DefinitionBody"] | gateway.documented()
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:10]
    source = {"Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${RestApi}/*"}
    deployment = f"ApiDeployment{digest}"
    return {
        "Resources": {
            "RestApi": {
                "Type": "AWS::ApiGateway::RestApi",
                "Properties": {
                    "Name": stack,
                    "Body": document,
                    "EndpointConfiguration": {"Types": ["REGIONAL"]},
                },
            },
            deployment: {"Type": "AWS::ApiGateway::Deployment", "Properties": {"RestApiId": {"Ref": "RestApi"}}},
            "APIHandlerPermission": _permission("APIHandler", "apigateway", source),
            "AuthorizerPermission": _permission("Authorizer", "apigateway", source),
        }
    }


def _realtime_policy(stack: str) -> dict[str, Any]:
    """For the role of whatever runs the container."""
    return {
        "Resources": {
            "RealtimeDataPolicy": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {
                    "Description": "What the realtime-data container may do.",
                    "PolicyDocument": {"Version": "2012-10-17", "Statement": policies.realtime_statements(stack)},
                },
            }
        },
        "Outputs": {"RealtimeDataPolicy": {"Value": {"Ref": "RealtimeDataPolicy"}}},
    }


def check(template: Template) -> list[str]:
    """What cfn-lint finds wrong, one finding per entry; empty if nothing."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(template.to_json())
        file.flush()
        command = [str(Path(sys.executable).with_name("cfn-lint")), "--regions", "us-east-1", "--template", file.name]
        done = subprocess.run([*command, "--format", "parseable"], capture_output=True, text=True, check=False)
    findings = [line.removeprefix(f"{file.name}:") for line in done.stdout.splitlines()]
    return findings or ([done.stderr.strip()] if done.returncode else [])


def main() -> int:
    """`python -m infra.render --target T [--check]`: print the template, or say what cfn-lint finds in it."""
    parser = argparse.ArgumentParser(description="Render the CloudFormation template.")
    parser.add_argument("--target", choices=TARGETS, default="aws")
    parser.add_argument("--check", action="store_true", help="run cfn-lint instead of printing")
    arguments = parser.parse_args()
    try:
        with packaged() as app:
            template = render(app.template, arguments.target)
    except (PackagingError, RenderError) as error:
        print(error, file=sys.stderr)
        return 1
    if not arguments.check:
        print(template.to_json())
        return 0
    findings = check(template)
    print(
        "\n".join(findings)
        or f"the {arguments.target} template has {len(template.body['Resources'])} resources, no findings"
    )
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
