"""Watches channels over the WebSocket API, come what may: a connection that breaks is made anew and goes on where it was."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from volexswarm.cli.client import Refused, Unreachable

PING_SECONDS: Final = 30.0
SILENCE_SECONDS: Final = 90.0
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0

Message = dict[str, Any]


@dataclass
class Place:
    """How far we are in a channel."""

    epoch: str
    number: int


class Live:
    """A watcher of channels.

    Parameters
    ----------
    address : callable
        Gives a fresh address to connect to, ticket included; blocking. Its refusals end the watching.
    channels : sequence of str
        What is watched.
    filters : mapping
        By field, the values wanted; a channel that doesn't know a field refuses, which ends the watching.
    """

    def __init__(
        self, address: Callable[[], str], channels: Sequence[str], filters: Mapping[str, Sequence[str]]
    ) -> None:
        self._address = address
        self._channels = tuple(channels)
        self._filters = {field: list(values) for field, values in filters.items() if values}
        self._places: dict[str, Place] = {}
        self._pause = FIRST_PAUSE

    async def messages(self) -> AsyncIterator[Message]:
        """Snapshots (`subscribed`, `reset`) and updates, each update once and in order, until cancelled.

        Raises
        ------
        Refused
            If the API refuses the watching.
        Unreachable
            If it did not answer at the first attempt.
        """
        reached = False
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    address = await asyncio.to_thread(self._address)
                    async with session.ws_connect(address) as socket:
                        reached = True
                        async for message in self._watch(socket):
                            yield message
                except (aiohttp.ClientError, Unreachable, TimeoutError) as error:
                    if not reached:
                        raise _unreachable(error) from error
                await asyncio.sleep(self._pause)
                self._pause = min(2 * self._pause, LONGEST_PAUSE)

    async def _watch(self, socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[Message]:
        """One connection's messages, until it breaks or falls silent."""
        for channel in self._channels:
            await self._begin(socket, channel)
        alive = asyncio.create_task(_keep_alive(socket))
        try:
            while True:
                frame = await socket.receive(SILENCE_SECONDS)
                if frame.type is not aiohttp.WSMsgType.TEXT:
                    return
                content = json.loads(frame.data)
                for message in content if isinstance(content, list) else [content]:
                    if await self._is_news(socket, message):
                        yield message
        finally:
            alive.cancel()
            with contextlib.suppress(asyncio.CancelledError, aiohttp.ClientError, ConnectionError):
                await alive

    async def _begin(self, socket: aiohttp.ClientWebSocketResponse, channel: str) -> None:
        place = self._places.get(channel)
        wanted: Message = {"channel": channel, "filters": self._filters, "id": channel}
        if place is None:
            await socket.send_json({"action": "subscribe", **wanted})
        else:
            await socket.send_json({"action": "resume", **wanted, "epoch": place.epoch, "number": place.number})

    async def _is_news(self, socket: aiohttp.ClientWebSocketResponse, message: Message) -> bool:
        """Whether the message says something that was not known, and note how far we are."""
        kind = message.get("type")
        if kind == "error":
            if message["code"] == "unavailable":  # it passes: ask again, by a new connection
                await socket.close()
                return False
            raise Refused(str(message["message"]), 0, str(message["code"]))
        if kind in ("subscribed", "resumed", "reset"):
            self._pause = FIRST_PAUSE
        if kind in ("subscribed", "reset"):
            self._places[message["channel"]] = Place(message["epoch"], message["number"])
            return True
        place = self._places.get(message.get("channel", ""))
        if kind != "update" or place is None or message["number"] <= place.number:
            return False
        if message["after"] > place.number:  # something was lost on the way
            await self._begin(socket, message["channel"])
            return False
        place.number = message["number"]
        return True


async def _keep_alive(socket: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        await asyncio.sleep(PING_SECONDS)
        await socket.send_json({"action": "ping"})


def _unreachable(error: Exception) -> Exception:
    if isinstance(error, aiohttp.WSServerHandshakeError) and error.status in (400, 401, 403, 429):
        return Refused(
            f"the WebSocket API does not let us in (HTTP {error.status}): volexswarm login", error.status, ""
        )
    if isinstance(error, Unreachable):
        return error
    return Unreachable(f"the WebSocket API does not answer ({error or type(error).__name__}): is the swarm up? make up")
