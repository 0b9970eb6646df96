"""Our corrections of ministack: needed, and doing what they say. When one of these fails, a correction can go."""

import json
import socket
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from ministack.core.lambda_runtime import ProvidedWorker, Worker

from tests.integration.volexlocal.emulators import ROLE, Uncorrected, client, zipped
from volexlocal.ports import free_ports
from volexlocal.processes import family
from volexlocal.servers.emulator import Emulator
from volexlocal.servers.server import Place

BOOTSTRAP = f"""#!{sys.executable} -I
import os
import time
import urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as event:
        event_body = event.read().decode()
        answer = api + event.headers["Lambda-Runtime-Aws-Request-Id"] + "/response"
    print("called", flush=True)
    if os.environ.get("NOTES"):
        time.sleep(1)
        with open(os.environ["NOTES"], "a") as notes:
            notes.write(event_body + "\\n")
    urllib.request.urlopen(answer, data=os.environ["ANSWER"].encode()).close()
"""


@pytest.fixture(params=[Emulator, Uncorrected], ids=["corrected", "original"])
def any_emulator(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Emulator]:
    server: Emulator = request.param(Place(free_ports(1)[0], tmp_path / "emulator", tmp_path / "emulator.log"))
    server.start()
    yield server
    server.stop()


def _queue_with_function(server: Emulator, answer: Any, notes: Path | None = None) -> str:
    """A queue with one message; it wakes a function that notes its events and always gives this answer. The queue's address."""
    queues, functions = client(server, "sqs"), client(server, "lambda")
    name = f"answers-{uuid.uuid4().hex}"  # the emulator may be one that other tests use too
    url = str(queues.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "1"})["QueueUrl"])
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    functions.create_function(
        FunctionName=name,
        Runtime="provided.al2023",
        Role=ROLE,
        Handler="any",
        Code={"ZipFile": zipped({"bootstrap": BOOTSTRAP})},
        Environment={"Variables": {"ANSWER": json.dumps(answer), "NOTES": str(notes or "")}},
        Timeout=10,
    )
    functions.create_event_source_mapping(
        FunctionName=name, EventSourceArn=arn, BatchSize=10, FunctionResponseTypes=["ReportBatchItemFailures"]
    )
    queues.send_message(QueueUrl=url, MessageBody="{}")
    return url


def _ends_empty(server: Emulator, url: str, patience: float) -> bool:
    """Whether the queue has no message left, waiting or in flight, within the time."""
    queues, end = client(server, "sqs"), time.monotonic() + patience
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    while time.monotonic() < end:
        counts = queues.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        if not any(int(counts[name]) for name in names):
            return True
        time.sleep(0.1)
    return False


def test_a_malformed_answer_loses_no_message_unlike_in_the_original(any_emulator: Emulator) -> None:
    url = _queue_with_function(any_emulator, {"batchItemFailures": [{"itemIdentifier": ""}]})

    is_lost = _ends_empty(any_emulator, url, patience=20 if isinstance(any_emulator, Uncorrected) else 5)

    assert is_lost == isinstance(any_emulator, Uncorrected)


def test_a_well_formed_answer_ends_the_message(emulator: Emulator) -> None:
    url = _queue_with_function(emulator, {"batchItemFailures": []})

    assert _ends_empty(emulator, url, patience=30)


def test_stopping_lets_the_functions_finish_what_waits(tmp_path: Path) -> None:
    server = Emulator(Place(free_ports(1)[0], tmp_path / "emulator", tmp_path / "emulator.log"))
    server.start()
    url = _queue_with_function(server, {"batchItemFailures": []}, notes=tmp_path / "notes")
    for number in range(50):
        client(server, "sqs").send_message(QueueUrl=url, MessageBody=f"message {number}")

    server.stop()

    handled = (tmp_path / "notes").read_text()
    assert [number for number in range(50) if f'"message {number}"' not in handled] == []


@pytest.mark.parametrize("worker", [Worker, ProvidedWorker])
def test_the_original_waits_longer_for_logs_than_we_want(worker: type) -> None:
    assert worker._drain_stderr_bounded.__defaults__ == (0.050, 0.005, 0.250)  # type: ignore[attr-defined]


def test_nothing_of_the_users_environment_reaches_a_function(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")
    monkeypatch.setenv("SOME_TOKEN", "mine")
    server = Emulator(Place(free_ports(1)[0], tmp_path / "emulator", tmp_path / "emulator.log"))

    environment = server.command().environment

    assert "mine" not in environment.values()


def _own_answer_of_gateway(server: Emulator, template: str, *, in_document: bool) -> httpx.Response:
    """What an API with this template for unknown paths says, told in its OpenAPI document or by a call of its own."""
    answer = {"MISSING_AUTHENTICATION_TOKEN": {"responseTemplates": {"application/json": template}}}
    document = {
        "swagger": "2.0",
        "info": {"title": "answers", "version": "1"},
        "paths": {"/": {"get": {"x-amazon-apigateway-integration": {"type": "mock"}}}},
    }
    if in_document:
        document["x-amazon-apigateway-gateway-responses"] = answer
    stack = {"Resources": {"Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Body": document}}}}
    client(server, "cloudformation").create_stack(StackName="answers", TemplateBody=json.dumps(stack))
    client(server, "cloudformation").get_waiter("stack_create_complete").wait(
        StackName="answers", WaiterConfig={"Delay": 1}
    )
    gateway = client(server, "apigateway")
    api = gateway.get_rest_apis()["items"][0]["id"]
    if not in_document:
        gateway.put_gateway_response(
            restApiId=api, responseType="MISSING_AUTHENTICATION_TOKEN", responseTemplates={"application/json": template}
        )
    gateway.create_deployment(restApiId=api, stageName="live")
    return httpx.get(f"{server.url}/_aws/execute-api/{api}/live/nowhere")


def test_the_gateway_answers_as_its_document_says_unlike_in_the_original(any_emulator: Emulator) -> None:
    answer = _own_answer_of_gateway(any_emulator, '{"ours":true}', in_document=True).json()

    assert ("ours" in answer) != isinstance(any_emulator, Uncorrected)


def test_the_gateways_own_answers_tell_the_time_unlike_in_the_original(any_emulator: Emulator) -> None:
    at = _own_answer_of_gateway(any_emulator, '{"at":"$context.requestTime"}', in_document=False).json()["at"]

    if isinstance(any_emulator, Uncorrected):
        assert at == "$context.requestTime"
    else:
        told = datetime.strptime(at, "%d/%b/%Y:%H:%M:%S %z")
        assert abs(datetime.now(UTC) - told) < timedelta(minutes=5)


def test_it_listens_on_this_machine_only(emulator: Emulator) -> None:
    url = _queue_with_function(emulator, {"batchItemFailures": []})
    assert _ends_empty(emulator, url, patience=30)  # a function's process is there too

    assert emulator.identity
    processes = family(emulator.identity)

    assert len(processes) > 1
    open_ports = [
        connection.laddr
        for process in processes
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN or (connection.type == socket.SOCK_DGRAM and not connection.raddr)
    ]
    assert emulator.port in {address.port for address in open_ports}
    assert {address.ip for address in open_ports} == {"127.0.0.1"}
