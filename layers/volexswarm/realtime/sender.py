"""Carries messages from the feed to the queues: bounded, in order, and forgotten only once the queue has accepted them.

The queue service may be away for a while: then messages are held and tried again with growing pauses. When the bound is
reached, `has_room` tells the feed to leave trades at the exchange, from where they are fetched later.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from volexswarm.errors import Unavailable
from volexswarm.messages import Queue
from volexswarm.ports import MessageSender
from volexswarm.realtime.backoff import Backoff

logger = logging.getLogger(__name__)

SENT_AT_ONCE = 10


@dataclass(frozen=True)
class Message:
    """One queue message; `weight` is what it counts towards the bound."""

    event_id: str
    group: str | None
    body: str
    weight: int = 1


ItemT = TypeVar("ItemT")


class Outlet(Generic[ItemT]):
    """Sends items to one queue, each item as one or more messages, strictly in the order of `put`.

    Parameters
    ----------
    queue : Queue
        Where to.
    sender : MessageSender
        Blocking; called in the given thread pool, as is `pack`.
    pack : callable
        Makes an item's messages; called once per item, in order.
    weigh : callable
        What an item counts.
    capacity : int
        Sum of weights that may be held.
    backoff : Backoff
        Pauses while the queue does not take messages.
    """

    def __init__(
        self,
        queue: Queue,
        sender: MessageSender,
        threads: ThreadPoolExecutor,
        pack: Callable[[ItemT], Iterable[Message]],
        weigh: Callable[[ItemT], int],
        capacity: int,
        backoff: Backoff,
    ) -> None:
        self.queue = queue
        self._sender = sender
        self._threads = threads
        self._pack = pack
        self._weigh = weigh
        self._capacity = capacity
        self._backoff = backoff
        self._items: deque[ItemT] = deque()
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self.held = 0
        self.sent = 0
        self.failures = 0
        self.problem: str | None = None

    @property
    def has_room(self) -> bool:
        return self.held < self._capacity

    def put(self, item: ItemT) -> None:
        """Take an item; the caller looks at `has_room` before it takes in more."""
        self._items.append(item)
        self.held += self._weigh(item)
        self._empty.clear()
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            while not self._items:
                self._wake.clear()
                await self._wake.wait()
            item = self._items[0]
            messages = await loop.run_in_executor(self._threads, self._messages, item)
            await self._deliver(messages)
            self._items.popleft()
            self.held -= self._weigh(item)
            if not self._items:
                self._empty.set()

    def _messages(self, item: ItemT) -> deque[Message]:
        return deque(self._pack(item))

    async def drain(self, seconds: float) -> int:
        """Wait until all is sent, at most so long; returns the weight of what is left."""
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            logger.warning("%s: %d left unsent after %.1f s: %s", self.queue, self.held, seconds, self.problem)
        return self.held

    async def _deliver(self, messages: deque[Message]) -> None:
        self._backoff.reset()
        while messages:
            batch = list(itertools.islice(messages, SENT_AT_ONCE))
            accepted = await self._attempt(batch)
            while messages and messages[0].event_id in accepted:
                messages.popleft()
                self.sent += 1
            if len(accepted) == len(batch):
                self._backoff.reset()
            else:
                self.failures += 1
                await self._backoff.sleep()

    async def _attempt(self, batch: list[Message]) -> set[str]:
        triples = [(message.event_id, message.group, message.body) for message in batch]
        loop = asyncio.get_running_loop()
        try:
            accepted = await loop.run_in_executor(self._threads, self._sender.send, self.queue.value, triples)
        except Unavailable as error:
            self._say(str(error))
            return set()
        self._say(None if len(accepted) == len(batch) else f"{len(batch) - len(accepted)} messages were refused")
        return accepted

    def _say(self, problem: str | None) -> None:
        if problem != self.problem:
            level = logging.WARNING if problem else logging.INFO
            logger.log(level, "%s: %s", self.queue, problem or "takes messages")
        self.problem = problem
