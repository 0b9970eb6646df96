"""A client of the WebSocket API that watches in the background and keeps whatever it is told."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import aiohttp

Message = dict[str, Any]


class Spectator:
    """Watches channels from its entry to its exit, on one connection.

    Parameters
    ----------
    address : str
        With a ticket.
    channels : sequence of str
        Watched without filters.
    """

    def __init__(self, address: str, channels: Sequence[str]) -> None:
        self._address = address
        self._channels = tuple(channels)
        self._heard: list[Message] = []
        self._changed = threading.Condition()
        self._over = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.await_("the channels are watched", lambda: len(self._of("subscribed")) == len(self._channels), 60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(30)

    def updates(self, channel: str, event: str | None = None, **fields: Any) -> list[Message]:
        """What was told on a channel so far, in order: all of it, or the events of a name whose data has these fields."""
        return [
            one
            for one in self._of("update")
            if one["channel"] == channel
            and event in (None, one["event"])
            and fields.items() <= (one["data"] or {}).items()
        ]

    def await_(self, what: str, condition: Callable[[], Any], seconds: float) -> Any:
        """Wait until something that depends on what is heard is true, and answer it; fails with `what` was awaited."""
        end = time.monotonic() + seconds
        with self._changed:
            while not (found := condition()):
                assert self._failure is None, f"the connection broke: {self._failure!r}"
                left = end - time.monotonic()
                assert left > 0, f"not heard within {seconds:.0f} s: {what}"
                self._changed.wait(left)
        return found

    def missed(self) -> list[str]:
        """Where a number does not follow the one before, in words; empty if nothing was missed."""
        gaps = []
        for channel in self._channels:
            last = next(one["number"] for one in self._of("subscribed") if one["channel"] == channel)
            for one in self.updates(channel):
                if (one["after"], one["number"]) != (last, last + 1):
                    gaps.append(f"{channel}: {one['number']} (after {one['after']}) came after {last}")
                last = one["number"]
        return gaps

    def _of(self, kind: str) -> list[Message]:
        with self._changed:
            return [one for one in self._heard if one["type"] == kind]

    def _run(self) -> None:
        try:
            asyncio.run(self._watch())
        except Exception as error:
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    async def _watch(self) -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(self._address) as socket:
            for channel in self._channels:
                await socket.send_json({"action": "subscribe", "channel": channel, "id": channel})
            while not self._over.is_set():
                try:
                    frame = await socket.receive(0.5)
                except TimeoutError:
                    continue
                assert frame.type is aiohttp.WSMsgType.TEXT, frame
                content = json.loads(frame.data)
                with self._changed:
                    self._heard += content if isinstance(content, list) else [content]
                    self._changed.notify_all()
