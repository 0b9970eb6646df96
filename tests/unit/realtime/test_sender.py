import asyncio
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from volexswarm.errors import Unavailable
from volexswarm.messages import Queue
from volexswarm.realtime.backoff import Backoff
from volexswarm.realtime.sender import Message, Outlet


class Flaky:
    """A queue that answers by a script, then takes everything; `taken` is what it has accepted."""

    def __init__(self, *script):
        self.script = list(script)
        self.taken = []

    def send(self, queue, messages):
        step = self.script.pop(0) if self.script else len(messages)
        if step is Unavailable:
            raise Unavailable("queue", "away")
        accepted = messages[:step]
        self.taken += [body for _, _, body in accepted]
        return {event_id for event_id, _, _ in accepted}


@pytest.fixture
def outlet_of():
    threads = ThreadPoolExecutor(1)

    def pack(size):
        return [Message(f"{size}-{part}", None, f"{size}-{part}") for part in range(size)]

    def make(sender, capacity=100):
        backoff = Backoff(Random(1), first=0.001, longest=0.002)
        return Outlet(Queue.TICKS, sender, threads, pack, lambda size: size, capacity, backoff)

    yield make
    threads.shutdown()


async def sent(outlet, *items):
    for item in items:
        outlet.put(item)
    running = asyncio.create_task(outlet.run())
    try:
        return await outlet.drain(10)
    finally:
        running.cancel()


@pytest.mark.parametrize(
    "script",
    [(), (Unavailable, Unavailable), (0, 1), (1, Unavailable, 0, 2)],
    ids=["healthy", "away at first", "refuses some", "all of it"],
)
async def test_every_message_arrives_in_order_whatever_the_queue_does(outlet_of, script):
    queue = Flaky(*script)
    outlet = outlet_of(queue)

    assert await sent(outlet, 3, 12) == 0

    assert queue.taken == [f"3-{part}" for part in range(3)] + [f"12-{part}" for part in range(12)]
    assert (outlet.held, outlet.problem) == (0, None)


async def test_what_is_held_counts_until_it_is_accepted(outlet_of):
    outlet = outlet_of(Flaky(), capacity=5)
    outlet.put(3)
    assert outlet.has_room
    outlet.put(2)
    assert not outlet.has_room

    assert await sent(outlet) == 0
    assert outlet.has_room


async def test_a_queue_that_stays_away_is_named_and_nothing_is_forgotten(outlet_of):
    class Away:
        def send(self, queue, messages):
            raise Unavailable("queue ticks", "connection refused")

    outlet = outlet_of(Away())
    outlet.put(2)
    running = asyncio.create_task(outlet.run())

    assert await outlet.drain(0.1) == 2
    assert "connection refused" in outlet.problem
    assert outlet.failures > 0
    running.cancel()
