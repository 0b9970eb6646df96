"""A lane: whoever calls gets away in time, whatever the client does."""

from __future__ import annotations

import asyncio
import threading

import pytest

from volexswarm.deliberation.models.lane import Lane


class Client:
    """Blocks its thread, or refuses to be cancelled, until `released`."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.thread = threading.current_thread()

    async def blocks(self) -> str:
        self.released.wait(30)
        return "late"

    async def clings(self) -> str:
        while not self.released.is_set():
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                continue
        return "late"

    async def answers(self) -> str:
        return "in time"


@pytest.mark.parametrize(("deed", "blocked"), [("blocks", True), ("clings", False)])
async def test_a_caller_gets_away_from_a_client_that_does_not_end(deed, blocked):
    client = Client()
    lane = Lane(lambda: client)
    with pytest.raises(TimeoutError):
        await lane.call(lambda each: getattr(each, deed)(), 0.1)
    assert await lane.is_blocked() is blocked
    client.released.set()
    assert await lane.call(lambda each: each.answers(), 10) == "in time"
    lane.leave()


async def test_the_client_is_made_in_the_lane_at_the_first_call_and_once():
    made = []

    def make():
        made.append(Client())
        return made[-1]

    lane = Lane(make)
    assert not made
    await asyncio.gather(*(lane.call(lambda client: client.answers(), 10) for _ in range(3)))
    assert len(made) == 1
    assert made[0].thread is not threading.current_thread()
    lane.leave()


async def test_a_client_that_could_not_be_made_is_made_at_the_next_call():
    results = iter([ValueError("no key"), Client()])

    def make():
        result = next(results)
        if isinstance(result, Exception):
            raise result
        return result

    lane = Lane(make)
    with pytest.raises(ValueError, match="no key"):
        await lane.call(lambda client: client.answers(), 10)
    assert await lane.call(lambda client: client.answers(), 10) == "in time"
    lane.leave()


async def test_who_still_waits_in_a_lane_that_is_left_is_told_and_is_not_cancelled():
    lane = Lane(Client)
    waiting = asyncio.ensure_future(lane.call(lambda client: asyncio.sleep(30), 30))
    await lane.call(lambda client: client.answers(), 10)
    lane.leave()
    with pytest.raises(ConnectionAbortedError):
        await waiting


async def test_a_caller_that_is_cancelled_is_cancelled():
    lane = Lane(Client)
    waiting = asyncio.ensure_future(lane.call(lambda client: asyncio.sleep(30), 30))
    await lane.call(lambda client: client.answers(), 10)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    lane.leave()
