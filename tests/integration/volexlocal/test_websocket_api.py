"""The template's WebSocket API on the emulator: what client and function see of each other, and which corrections that needs."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSServerHandshakeError

from infra import sockets
from tests.integration.volexlocal.emulators import ROLE, Uncorrected, client, code_of, interpreter
from volexlocal.emulator_sockets import MESSAGE_LIMIT, WAITING_MESSAGES
from volexlocal.ports import free_ports
from volexlocal.servers.emulator import Emulator
from volexlocal.servers.server import Place

CACHE = Path(__file__).resolve().parents[3] / ".volex/cache"
SOURCE = '''
import json, os, boto3

def on_event(event, context):
    """Refuses those without a ticket, tells each client what it says and who it is, notes who leaves."""
    here = event["requestContext"]
    if here["eventType"] == "CONNECT":
        given = event["queryStringParameters"] or {}
        offered = event["headers"].get("sec-websocket-protocol", "")
        chosen = {"Sec-WebSocket-Protocol": offered.split(",")[0]} if offered else {}
        return {"statusCode": int(given.get("answer", 200)), "headers": chosen}
    if here["eventType"] == "DISCONNECT":
        with open(os.environ["VOLEX_NOTES"], "a") as notes:
            notes.write(here["connectionId"] + "\\n")
    elif event["body"] == "fail":
        raise ValueError("a secret of the house")
    else:
        push = boto3.client("apigatewaymanagementapi", endpoint_url=os.environ["VOLEX_PUSH_URL"])
        said = json.dumps({"id": here["connectionId"], "said": event["body"]})
        push.post_to_connection(ConnectionId=here["connectionId"], Data=said.encode())
    return {"statusCode": 200, "body": "returned"}
'''
SAID = '{"action": "say"}'


@dataclass
class Api:
    """The API as deployed: `url` for clients, `push` to write to them, `notes` of those that left."""

    server: Emulator
    url: str
    push: Any
    notes: Path

    @property
    def is_original(self) -> bool:
        return isinstance(self.server, Uncorrected)


@pytest.fixture(scope="module", params=[Emulator, Uncorrected], ids=["corrected", "original"])
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("sockets")
    server: Emulator = request.param(Place(free_ports(1)[0], folder / "emulator", folder / "emulator.log"))
    server.start()
    api_id = _deploy(server, folder / "notes")
    address = f"{server.url}/_aws/execute-api/{api_id}/{sockets.STAGE}"
    push = client(server, "apigatewaymanagementapi", endpoint_url=address)
    yield Api(server, address, push, folder / "notes")
    server.stop()


def _deploy(server: Emulator, notes: Path) -> str:
    """The API's resources as the template has them, with a function of ours; the API's id."""
    part = sockets.resources("Answers", "any")
    part["Parameters"] = {
        "ApiRequestsPerSecond": {"Type": "Number", "Default": 50},
        "ApiBurst": {"Type": "Number", "Default": 50},
        "AwsEndpointUrl": {"Type": "String", "Default": server.url},
    }
    variables = {
        "VOLEX_RUNTIME": interpreter(CACHE),
        "VOLEX_NOTES": str(notes),
        "VOLEX_PUSH_URL": sockets.push_url(is_local=True),
        "AWS_ENDPOINT_URL": server.url,
    }
    storage = client(server, "s3")
    storage.create_bucket(Bucket="code")
    storage.put_object(Bucket="code", Key="code.zip", Body=code_of(SOURCE))
    function = {
        "FunctionName": f"answers-{uuid.uuid4().hex[:8]}",
        "Runtime": "provided.al2023",
        "Handler": "trial.on_event",
        "Role": ROLE,
        "Code": {"S3Bucket": "code", "S3Key": "code.zip"},
        "Timeout": 20,
        "Environment": {"Variables": variables},
    }
    part["Resources"]["Answers"] = {"Type": "AWS::Lambda::Function", "Properties": function}
    cloudformation = client(server, "cloudformation")
    cloudformation.create_stack(StackName="sockets", TemplateBody=json.dumps(part))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="sockets", WaiterConfig={"Delay": 1})
    outputs = cloudformation.describe_stacks(StackName="sockets")["Stacks"][0]["Outputs"]
    return str({one["OutputKey"]: one["OutputValue"] for one in outputs}["WebSocketId"])


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as found:
        yield found


async def introduced(socket: ClientWebSocketResponse) -> str:
    """Says something and hears it again; the connection's id."""
    await socket.send_str(SAID)
    while (text := await socket.receive_str(timeout=20)) == "returned":
        pass  # which only the original sends
    heard = json.loads(text)
    assert heard["said"] == SAID
    return str(heard["id"])


async def test_a_client_is_heard_and_answered_over_its_connection(api: Api, session: ClientSession) -> None:
    async with session.ws_connect(api.url) as socket:
        await introduced(socket)


async def test_a_failure_tells_the_client_no_more_than_that_unlike_in_the_original(
    api: Api, session: ClientSession
) -> None:
    async with session.ws_connect(api.url) as socket:
        await introduced(socket)
        await socket.send_str("fail")
        while (text := await socket.receive_str(timeout=20)) == "returned":
            pass

    assert ("secret" in text) == api.is_original
    assert ("Internal server error" in text) != api.is_original


async def test_what_the_function_returns_reaches_nobody_unlike_in_the_original(
    api: Api, session: ClientSession
) -> None:
    async with session.ws_connect(api.url) as socket:
        await socket.send_str(SAID)
        await socket.send_str(SAID)
        heard = [await socket.receive_str(timeout=20) for _ in range(2)]

    assert ("returned" in heard) == api.is_original


async def test_a_message_to_one_that_left_says_that_it_is_gone(api: Api, session: ClientSession) -> None:
    async with session.ws_connect(api.url) as socket:
        connection = await introduced(socket)
    end = time.monotonic() + 20
    while connection not in (api.notes.read_text() if api.notes.exists() else ""):
        assert time.monotonic() < end, "nobody told that it left"
        await asyncio.sleep(0.05)

    with pytest.raises(api.push.exceptions.GoneException):
        api.push.post_to_connection(ConnectionId=connection, Data=b"hello?")


async def test_a_connection_can_be_closed_from_here(api: Api, session: ClientSession) -> None:
    async with session.ws_connect(api.url) as socket:
        api.push.delete_connection(ConnectionId=await introduced(socket))

        async with asyncio.timeout(20):
            async for _ in socket:  # until it is closed
                pass
        assert socket.closed


async def test_the_function_chooses_the_subprotocol_unlike_in_the_original(api: Api, session: ClientSession) -> None:
    async with session.ws_connect(api.url, protocols=("volex.v1", "ticket.abc")) as socket:
        assert socket.protocol == (None if api.is_original else "volex.v1")


async def test_a_refused_client_is_told_the_functions_status_unlike_in_the_original(
    api: Api, session: ClientSession
) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await session.ws_connect(f"{api.url}?answer=429")

    assert refused.value.status == (403 if api.is_original else 429)


async def test_a_message_that_is_too_large_is_refused_unlike_in_the_original(api: Api, session: ClientSession) -> None:
    async with session.ws_connect(api.url) as socket:
        message = {"ConnectionId": await introduced(socket), "Data": b"x" * (MESSAGE_LIMIT + 1)}
        if api.is_original:
            api.push.post_to_connection(**message)
        else:
            with pytest.raises(api.push.exceptions.PayloadTooLargeException):
                api.push.post_to_connection(**message)


async def test_a_client_that_does_not_read_fills_no_memory_unlike_in_the_original(
    api: Api, session: ClientSession
) -> None:
    async with session.ws_connect(api.url) as socket:
        message = {"ConnectionId": await introduced(socket), "Data": b"x" * (MESSAGE_LIMIT - 1)}

        def fill() -> None:
            for _ in range(2 * WAITING_MESSAGES):
                api.push.post_to_connection(**message)

        if api.is_original:
            fill()
        else:
            with pytest.raises(api.push.exceptions.LimitExceededException):
                fill()
