"""One WebSocket client with a bounded queue of its own: a slow reader is cut off and never holds up the market."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from aiohttp import WSCloseCode, WSMsgType, web

MAX_QUEUED = 100_000
MESSAGES_PER_TURN = 200
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
        """Wait until everything queued has been handed to the network, or the client is gone."""
        await self._idle.wait()

    async def write(self) -> None:
        """Send until the client is gone or was cut off."""
        while not self.dropped:
            await self._waiting.wait()
            self._waiting.clear()
            await self._write_queued()
            self._idle.set()
        await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"too slow")

    def close(self) -> None:
        """The client is gone: nothing more will be told."""
        self.dropped = True
        self._queue.clear()
        self._idle.set()

    async def _write_queued(self) -> None:
        sent = 0
        while self._queue:
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

    def receive(self, text: str) -> None:
        """Handle one message of the client."""

    def close(self) -> None:
        """The client is gone."""


async def serve(
    request: web.Request, open_session: Callable[[Connection], Session], heartbeat_seconds: float = 20.0
) -> web.WebSocketResponse:
    """Run one client: its messages go to the session that `open_session` makes, until it leaves."""
    socket = web.WebSocketResponse(heartbeat=heartbeat_seconds)
    await socket.prepare(request)
    connection = Connection(socket)
    session = open_session(connection)
    writer = asyncio.create_task(connection.write())
    try:
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                session.receive(message.data)
    finally:
        session.close()
        connection.close()
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
    return socket
