"""The WebSocket address between a client and a stand-in for the gateway."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, TCPConnector, WSMsgType, WSServerHandshakeError, web
from aiohttp.test_utils import TestServer

from volexlocal.sockets import ANSWER_LIMIT, MESSAGE_LIMIT, application

PATH = "/_aws/execute-api/abc/live"
MOST = 130  # more than a client's session opens by itself


class Gateway:
    """Tells each client how it came, repeats what it says, and does as it is told."""

    def __init__(self) -> None:
        self.closed_with: asyncio.Queue[int | None] = asyncio.Queue()
        self.written = 0

    async def connect(self, request: web.Request) -> web.StreamResponse:
        if request.query.get("ticket") == "old":
            return web.Response(status=401)
        socket = web.WebSocketResponse(protocols=("volex.v1",))
        await socket.prepare(request)
        came = {"path": request.path, "query": request.query_string, "token": request.headers.get("Authorization")}
        await socket.send_json(came)
        while (message := await socket.receive()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
            if message.data == "flood":
                await self._flood(socket)
            elif message.data == "leave":
                await socket.close(code=4001, message=b"enough")
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
            else:
                await socket.send_str(message.data)
        self.closed_with.put_nowait(message.data)
        return socket

    async def _flood(self, socket: web.WebSocketResponse) -> None:
        while self.written < 4000:
            await socket.send_str("x" * ANSWER_LIMIT)
            self.written += 1


@pytest.fixture
async def gateway() -> AsyncIterator[tuple[Gateway, str]]:
    here = Gateway()
    app = web.Application()
    app.router.add_get(PATH, here.connect)
    async with TestServer(app) as server:
        yield here, f"http://127.0.0.1:{server.port}"


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    file = tmp_path / "outputs.json"
    _deploy(file, "abc")
    return file


def _deploy(outputs: Path, socket_id: str | None) -> None:
    outputs.write_text(json.dumps({"api_id": "xyz", "values": {"WebSocketId": socket_id} if socket_id else {}}))


@pytest.fixture
async def client(gateway: tuple[Gateway, str], outputs: Path) -> AsyncIterator[ClientSession]:
    """Run as its process runs it: aiohttp's own test server would cancel what is still to do when a client leaves."""
    runner = web.AppRunner(application(gateway[1], outputs, most=MOST))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with ClientSession(address, connector=TCPConnector(limit=0)) as found:
        yield found
    await runner.cleanup()


async def test_a_client_comes_through_with_its_query_token_and_subprotocol(client: ClientSession) -> None:
    headers = {"Authorization": "Bearer abc"}
    async with client.ws_connect("/?ticket=a%2Fb", headers=headers, protocols=("other", "volex.v1")) as socket:
        assert socket.protocol == "volex.v1"
        assert await socket.receive_json() == {"path": PATH, "query": "ticket=a/b", "token": "Bearer abc"}


async def test_messages_go_both_ways_in_order(client: ClientSession) -> None:
    async with client.ws_connect("/") as socket:
        await socket.receive_json()
        for number in range(200):
            await socket.send_str(str(number))
        assert [await socket.receive_str() for _ in range(200)] == [str(number) for number in range(200)]
        await socket.send_bytes(b"\x00\xff")
        assert await socket.receive_bytes() == b"\x00\xff"


async def test_the_apis_close_reaches_the_client_with_its_code(client: ClientSession) -> None:
    async with client.ws_connect("/") as socket:
        await socket.receive_json()
        await socket.send_str("leave")
        message = await socket.receive()
        assert (message.type, message.data) == (WSMsgType.CLOSE, 4001)


async def test_the_clients_close_reaches_the_api_with_its_code(
    client: ClientSession, gateway: tuple[Gateway, str]
) -> None:
    async with client.ws_connect("/") as socket:
        await socket.receive_json()
        await socket.close(code=4002)
    assert await asyncio.wait_for(gateway[0].closed_with.get(), 10) == 4002


async def test_a_client_that_vanishes_is_gone_at_the_api_too(
    client: ClientSession, gateway: tuple[Gateway, str]
) -> None:
    socket = await client.ws_connect("/")
    await socket.receive_json()
    assert socket._response.connection is not None
    assert socket._response.connection.transport is not None
    socket._response.connection.transport.abort()
    assert await asyncio.wait_for(gateway[0].closed_with.get(), 10) is not None


async def test_a_refusal_keeps_its_status(client: ClientSession) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect("/?ticket=old")
    assert refused.value.status == 401


async def test_a_message_over_the_limit_ends_the_connection_as_at_aws(client: ClientSession) -> None:
    async with client.ws_connect("/") as socket:
        await socket.receive_json()
        await socket.send_str("x" * MESSAGE_LIMIT)
        assert len(await socket.receive_str()) == MESSAGE_LIMIT
        await socket.send_str("x" * (MESSAGE_LIMIT + 1))
        message = await socket.receive()
        assert (message.type, message.data) == (WSMsgType.CLOSE, 1009)


async def test_a_client_that_does_not_read_holds_its_sender_back(
    client: ClientSession, gateway: tuple[Gateway, str]
) -> None:
    """500 MiB would be written if anything between the two took without bound."""
    async with client.ws_connect("/") as socket:
        await socket.receive_json()
        await socket.send_str("flood")
        before = -1
        while gateway[0].written > before:
            before = gateway[0].written
            await asyncio.sleep(1)
    assert before < 400


async def test_no_more_connections_than_allowed(client: ClientSession) -> None:
    sockets = [await client.ws_connect("/") for _ in range(MOST)]
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect("/")
    assert refused.value.status == 429
    for socket in sockets:
        await socket.close()


async def test_a_plain_request_is_told_what_this_is(client: ClientSession) -> None:
    answer = await client.get("/")
    assert answer.status == 426
    assert "WebSocket client" in (await answer.json())["error"]["message"]


async def test_a_stack_without_a_websocket_api_is_unavailable_until_it_has_one(
    client: ClientSession, outputs: Path
) -> None:
    _deploy(outputs, None)
    with pytest.raises(WSServerHandshakeError) as refused:
        await client.ws_connect("/")
    assert refused.value.status == 503
    _deploy(outputs, "abc")
    async with client.ws_connect("/") as socket:
        await socket.receive_json()
