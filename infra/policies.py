"""What each function may do at AWS: the statements of its role, no more than its registry entry needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from infra import sockets
from volexswarm.agents import AGENTS, API_FUNCTION, MONITOR, Function, Layer, functions, registered
from volexswarm.messages import Queue

Statement = dict[str, Any]

REALTIME_QUEUES = (Queue.TICKS, Queue.FILLS, Queue.ORDERS, Queue.PUSHES)
"""Where realtime-data sends: ticks, own fills, after a reconnect the command to compare the account, quotes that people watch."""

_CLAUDE = "bedrock:*::foundation-model/anthropic.*"


def assumed_by(service: str) -> dict[str, Any]:
    """A role's trust: the service alone takes it on."""
    principal = {"Service": f"{service}.amazonaws.com"}
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}],
    }


def statements(function: Function, stack: str) -> list[Statement]:
    """The statements of a function's role; resources are ARNs within the stack's own account and region."""
    found = [_logs(function, stack), _secret(function.name, stack)]
    if function.queue is not None:
        found += _consume(function.queue, stack)
    if function.sends:
        found.append(send(function.sends, stack))
    if function.runs:
        found += _run(function.runs, stack)
    if function.calls:
        found.append(_call(map(registered, function.calls), stack))
    if function is API_FUNCTION:
        found += [*_look_into_dead_letters(stack), _read_logs(stack), _ask_health(stack)]
    if Layer.AUTOGEN in function.layers:
        found.append(_ask_models())
    if function in MONITOR.functions and function.schedule is not None:
        found.append(_measure_queues(stack))
    return found


def send(queues: tuple[Queue, ...], stack: str) -> Statement:
    """May send to these queues."""
    return _allow("SendMessages", ["sqs:SendMessage", "sqs:GetQueueUrl"], [_queue(q.value, stack) for q in queues])


def realtime_statements(stack: str) -> list[Statement]:
    """What the `realtime-data` container may do."""
    return [_secret("realtime-data", stack), send(REALTIME_QUEUES, stack)]


def push() -> Statement:
    """May write to connections of the WebSocket API, look at them and close them."""
    connections = [
        f"{_arn('execute-api')}:${{{sockets.API}}}/{sockets.STAGE}/{method}/@connections/*"
        for method in ("POST", "GET", "DELETE")
    ]
    return _allow("PushToConnections", ["execute-api:ManageConnections"], connections)


def machine_statements(called: Iterable[Function], stack: str) -> list[Statement]:
    """What a state machine may do: call its functions, and have its log delivered."""
    actions = ["Create", "Get", "Update", "Delete", "List"]
    delivery = [f"logs:{action}LogDeliver{'ies' if action == 'List' else 'y'}" for action in actions]
    delivery += ["logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"]
    return [
        _call(called, stack),
        # these know no resources
        {"Sid": "DeliverLogs", "Effect": "Allow", "Action": delivery, "Resource": ["*"]},
    ]


def _call(called: Iterable[Function], stack: str) -> Statement:
    return _allow("CallFunctions", ["lambda:InvokeFunction"], [_function(function, stack) for function in called])


def _run(machines: tuple[str, ...], stack: str) -> list[Statement]:
    names = [f"{stack}-{machine}" for machine in machines]
    answers = ["states:StartExecution", "states:SendTaskSuccess", "states:SendTaskFailure"]
    return [
        _allow("RunMachines", answers, [f"{_arn('states')}:stateMachine:{name}" for name in names]),
        _allow(
            "FollowExecutions",
            ["states:DescribeExecution", "states:StopExecution"],
            [f"{_arn('states')}:execution:{name}:*" for name in names],
        ),
    ]


def _consume(queue: Queue, stack: str) -> list[Statement]:
    actions = ["ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes", "GetQueueUrl"]
    return [
        _allow("ConsumeMessages", [f"sqs:{action}" for action in actions], [_queue(queue.value, stack)]),
        _allow("BuryMessages", ["sqs:SendMessage", "sqs:GetQueueUrl"], [_queue(queue.dead_letters, stack)]),
    ]


def _look_into_dead_letters(stack: str) -> list[Statement]:
    actions = ["ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes", "GetQueueUrl"]
    dead = [_queue(queue.dead_letters, stack) for queue in Queue]
    return [_allow("DeadLetters", [f"sqs:{action}" for action in actions], dead), _measure_queues(stack)]


def _measure_queues(stack: str) -> Statement:
    every = [_queue(name, stack) for queue in Queue for name in (queue.value, queue.dead_letters)]
    return _allow("MeasureQueues", ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"], every)


def _logs(function: Function, stack: str) -> Statement:
    return _allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{_log_group(function, stack)}:*"])


def _read_logs(stack: str) -> Statement:
    groups = [f"{_log_group(function, stack)}:*" for function in functions()]
    return _allow("ReadLogs", ["logs:FilterLogEvents"], groups)


def _ask_health(stack: str) -> Statement:
    """May call every agent's function: what it asks them is how they are."""
    asked = [_function(function, stack) for agent in AGENTS for function in agent.functions]
    return _allow("AskHealth", ["lambda:InvokeFunction"], asked)


def _ask_models() -> Statement:
    """May call Claude on Bedrock, whose profiles spread a call over regions; other providers are called with a key from Vault."""
    profile = f"{_arn('bedrock')}:inference-profile/${{ModelName}}"
    return _allow("AskModels", ["bedrock:InvokeModel"], [f"arn:${{AWS::Partition}}:{_CLAUDE}", profile])


def _secret(name: str, stack: str) -> Statement:
    # Secrets Manager adds a hyphen and six characters to every secret's name
    secret = f"{_arn('secretsmanager')}:secret:{stack}/{name}/approle-??????"
    return _allow("OwnVaultLogin", ["secretsmanager:GetSecretValue"], [secret])


def _allow(name: str, actions: list[str], resources: list[str]) -> Statement:
    return {"Sid": name, "Effect": "Allow", "Action": actions, "Resource": [{"Fn::Sub": arn} for arn in resources]}


def _arn(service: str) -> str:
    return f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}"


def _queue(short_name: str, stack: str) -> str:
    return f"{_arn('sqs')}:{stack}-{short_name}"


def _function(function: Function, stack: str) -> str:
    return f"{_arn('lambda')}:function:{stack}-api-{function.name}"


def _log_group(function: Function, stack: str) -> str:
    return f"{_arn('logs')}:log-group:/aws/lambda/{stack}-api-{function.name}"
