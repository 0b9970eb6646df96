"""WebSocket clients, each with a bounded queue of its own: a slow reader is cut off and never holds up the market."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from aiohttp import WSCloseCode, WSMsgType, web

MAX_QUEUED = 100_000
MESSAGES_PER_TURN = 200
HEARTBEAT_SECONDS = 20.0
TOLD_SECONDS = 5.0


class Connection:
    """Sends what is queued, in order. `dropped` tells that the client fell hopelessly behind and was cut off."""

    def __init__(self, socket: web.WebSocketResponse, max_queued: int = MAX_QUEUED) -> None:
        self._socket = socket
        self._queue: deque[bytes] = deque()
        self._max_queued = max_queued
        self._waiting = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._stalls = 0
        self.dropped = False

    def send(self, message: bytes) -> None:
        """Queue a text message; never waits."""
        if self.dropped:
            return
        if len(self._queue) >= self._max_queued:
            self.dropped = True
            self._queue.clear()
        else:
            self._queue.append(message)
            self._idle.clear()
        self._waiting.set()

    async def told(self) -> None:
        """Wait until everything queued has been handed to the network; not for a client that is gone or stalled."""
        if self._flowing.is_set():
            await self._idle.wait()

    async def write(self) -> None:
        """Send until the client is gone or was cut off."""
        while not self.dropped:
            await self._waiting.wait()
            self._waiting.clear()
            await self._write_queued()
            self._idle.set()
        await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"too slow")

    def stall(self, seconds: float) -> None:
        """Neither send nor hear anything for so long; the socket stays open."""
        self._stalls += 1
        self._flowing.clear()
        asyncio.get_running_loop().call_later(seconds, self._end_stall)

    async def flowing(self) -> None:
        """Wait out a stall."""
        await self._flowing.wait()

    def close(self) -> None:
        """The client is gone: nothing more will be told."""
        self.dropped = True
        self._queue.clear()
        self._flowing.set()
        self._idle.set()

    def _end_stall(self) -> None:
        self._stalls -= 1
        if not self._stalls:
            self._flowing.set()

    async def _write_queued(self) -> None:
        sent = 0
        while self._queue:
            await self._flowing.wait()
            if not self._queue:  # the client left during the stall
                return
            await self._socket.send_frame(self._queue.popleft(), WSMsgType.TEXT)
            sent += 1
            if sent % MESSAGES_PER_TURN == 0:
                await asyncio.sleep(0)  # sending to a fast client never suspends by itself


async def all_told(connections: Iterable[Connection]) -> None:
    """Wait until these clients have been sent everything, but no longer than `TOLD_SECONDS`: one may have stopped reading."""
    waiting = [asyncio.create_task(connection.told()) for connection in connections]
    if waiting:
        _, late = await asyncio.wait(waiting, timeout=TOLD_SECONDS)
        for task in late:
            task.cancel()


class Session(Protocol):
    """One client's conversation."""

    async def receive(self, text: str) -> None:
        """Handle one message of the client."""

    def hears(self, stream: str) -> bool:
        """Whether it listens to this kind of stream (see `faults.STREAMS`)."""

    def close(self) -> None:
        """The client is gone."""


class Clients:
    """Every open WebSocket, so that faults can reach them."""

    def __init__(self) -> None:
        self._clients: dict[Connection, tuple[Session, web.Request]] = {}

    async def serve(
        self, request: web.Request, open_session: Callable[[Connection, Callable[[], None]], Session]
    ) -> web.WebSocketResponse:
        """Run one client: its messages go to the session that `open_session` makes, until it leaves.

        `open_session` gets the connection and what cuts it.
        """
        # Pings are answered here and not by aiohttp, which would also answer them for a stalled client.
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        connection = Connection(socket)
        session = open_session(connection, lambda: _cut(request))
        self._clients[connection] = session, request
        heard = asyncio.Event()
        tasks = [
            asyncio.create_task(connection.write()),
            asyncio.create_task(_beat(socket, connection, heard, request)),
        ]
        try:
            async for message in socket:
                await connection.flowing()
                heard.set()
                if message.type == WSMsgType.TEXT:
                    await session.receive(message.data)
                elif message.type == WSMsgType.PING:
                    await socket.pong(message.data)
        finally:
            del self._clients[connection]
            session.close()
            connection.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return socket

    def cut(self, stream: str) -> int:
        """Cut everyone who listens to this kind of stream, or everyone at all for ""; how many they were."""
        found = self._listening(stream)
        for connection in found:
            _cut(self._clients[connection][1])
        return len(found)

    def stall(self, stream: str, seconds: float) -> int:
        """Stall everyone who listens to this kind of stream, or everyone at all for ""; how many they were."""
        found = self._listening(stream)
        for connection in found:
            connection.stall(seconds)
        return len(found)

    def _listening(self, stream: str) -> list[Connection]:
        clients = self._clients.items()
        return [connection for connection, (session, _) in clients if not stream or session.hears(stream)]


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _beat(
    socket: web.WebSocketResponse, connection: Connection, heard: asyncio.Event, request: web.Request
) -> None:
    """Ping, and cut off who has not been heard of since the last ping."""
    heard.set()
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        await connection.flowing()
        if not heard.is_set():
            _cut(request)
            return
        heard.clear()
        await socket.ping()
