"""Gives the WebSocket API one stable local address: `ws://127.0.0.1:8005`, whatever id the emulator gave it.

Each connection is handed through both ways, message by message: nothing is read ahead of what the other side takes, so that a
client that does not read slows down its sender and fills no memory here. Limits are those of API Gateway.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from aiohttp import (
    ClientConnectionError,
    ClientError,
    ClientSession,
    ClientWebSocketResponse,
    DummyCookieJar,
    TCPConnector,
    WSCloseCode,
    WSMsgType,
    WSServerHandshakeError,
    web,
)
from yarl import URL

from volexlocal.proxy import HOP_BY_HOP, Deployment, failure, unavailable, without

STAGE = "live"
MESSAGE_LIMIT = 32 * 1024
"""Bytes of a message from a client; API Gateway closes the connection at a longer one, with 1009."""
ANSWER_LIMIT = 128 * 1024
MOST_CONNECTIONS = 1000

_NOT_FORWARDED = HOP_BY_HOP | {
    *("host", "sec-websocket-extensions", "sec-websocket-key", "sec-websocket-protocol", "sec-websocket-version"),
}
_UNSENDABLE = frozenset((1005, 1006, 1015))
"""What only tells that no code was sent; may not be sent itself."""

Socket = ClientWebSocketResponse | web.WebSocketResponse


class Sockets:
    """Request handler.

    Parameters
    ----------
    gateway : str
        Address of the emulator.
    deployment : Deployment
        Tells the WebSocket API's id.
    session : ClientSession
        For connections to the emulator.
    most : int
        Connections at a time.
    """

    def __init__(self, gateway: str, deployment: Deployment, session: ClientSession, most: int) -> None:
        self._gateway = gateway
        self._deployment = deployment
        self._session = session
        self._most = most
        self._open: set[web.WebSocketResponse] = set()

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Open a connection to the API, then one to the client, and hand messages through until either ends."""
        socket_id = self._deployment.socket_id()
        if socket_id is None:
            return unavailable(
                "there is no WebSocket API here yet: `volexlocal status` shows whether the stack is deployed"
            )
        if len(self._open) >= self._most:
            return failure(429, "too_many", f"{self._most} connections are open: close one first")
        offered = _offered(request)
        if not web.WebSocketResponse(protocols=offered).can_prepare(request):
            return failure(426, "upgrade_required", "this is a WebSocket: connect with a WebSocket client")
        url = URL(f"{self._gateway}/_aws/execute-api/{socket_id}/{STAGE}", encoded=True)
        try:
            upstream = await self._session.ws_connect(
                url.with_query(request.rel_url.raw_query_string) if request.rel_url.raw_query_string else url,
                protocols=offered,
                headers=without(request.headers, _NOT_FORWARDED),
                max_msg_size=ANSWER_LIMIT + 1,
            )
        except WSServerHandshakeError as refused:
            return failure(
                refused.status, "refused", "the API does not open this connection: log in and take a new ticket"
            )
        except (ClientError, TimeoutError):
            return unavailable("the gateway does not answer: `volexlocal status` shows which part is down")
        chosen = (upstream.protocol,) if upstream.protocol else ()
        downstream = web.WebSocketResponse(protocols=chosen, max_msg_size=MESSAGE_LIMIT + 1, compress=False)
        self._open.add(downstream)
        try:
            await downstream.prepare(request)
            await _relay(downstream, upstream)
        finally:
            self._open.discard(downstream)
            await upstream.close()
        return downstream

    async def close(self) -> None:
        """Tell every client that the server goes away."""
        open_now = list(self._open)
        await asyncio.gather(*(socket.close(code=WSCloseCode.GOING_AWAY) for socket in open_now))


async def _relay(client: web.WebSocketResponse, api: ClientWebSocketResponse) -> None:
    """Hand messages through both ways; when one side ends, end the other with the same code."""
    up, down = asyncio.create_task(_pump(client, api)), asyncio.create_task(_pump(api, client))
    try:
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        left: Socket = api if up.done() else client
        code = (up if up.done() else down).result()
    finally:
        for way in (up, down):
            way.cancel()
        await asyncio.gather(up, down, return_exceptions=True)
    await left.close(code=WSCloseCode.GOING_AWAY if code is None or code in _UNSENDABLE else code)


async def _pump(source: Socket, target: Socket) -> int | None:
    """Hand messages on one by one: the next is read when the last was taken. The code with which the source closed, if it did."""
    try:
        while True:
            message = await source.receive()
            if message.type is WSMsgType.TEXT:
                await target.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await target.send_bytes(message.data)
            elif message.type is WSMsgType.CLOSE:
                return int(message.data)
            else:
                return source.close_code
    except ClientConnectionError:
        return None  # the other side is gone: both end


def _offered(request: web.Request) -> Sequence[str]:
    """The subprotocols that the client offers."""
    header = request.headers.get("Sec-WebSocket-Protocol", "")
    return [name.strip() for name in header.split(",") if name.strip()]


def application(gateway: str, outputs: Path, most: int = MOST_CONNECTIONS) -> web.Application:
    """The WebSocket address as an aiohttp application."""
    app = web.Application()

    async def serve(app: web.Application) -> AsyncIterator[None]:
        unlimited = TCPConnector(limit=0)  # a session waits with its 101st connection; `most` refuses what is too many
        async with ClientSession(connector=unlimited, cookie_jar=DummyCookieJar()) as session:
            app[_SOCKETS] = Sockets(gateway, Deployment(outputs), session, most)
            yield

    async def connect(request: web.Request) -> web.StreamResponse:
        return await request.app[_SOCKETS].connect(request)

    async def close(app: web.Application) -> None:
        await app[_SOCKETS].close()

    app.cleanup_ctx.append(serve)
    app.on_shutdown.append(close)
    app.router.add_get("/", connect)
    return app


_SOCKETS = web.AppKey("sockets", Sockets)
