"""A thread of its own with an event loop, in which one model client lives and is called.

So a client outlives the loops of those who ask (one bound to a loop that was closed fails for ever), and a caller gets away in
time whatever the client does: a blocked loop blocks only its own thread, which is then left behind.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Final, Generic, TypeVar

ClientT = TypeVar("ClientT")
AnswerT = TypeVar("AnswerT")

PULSE: Final = 0.25
"""Seconds within which a loop that is not blocked answers."""


class Lane(Generic[ClientT]):
    """Calls one client in its own thread.

    Parameters
    ----------
    open_client : callable
        Makes the client; called in the thread at the first call, and again at the next when it failed.
    """

    def __init__(self, open_client: Callable[[], ClientT]) -> None:
        self._open = open_client
        self._client: ClientT | None = None
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="model-calls", daemon=True).start()

    async def call(self, question: Callable[[ClientT], Awaitable[AnswerT]], seconds: float) -> AnswerT:
        """Ask the client, for so long and no longer.

        Raises
        ------
        TimeoutError
            After `seconds`. The call is cancelled; nobody waits for it to agree.
        ConnectionAbortedError
            If the lane was left meanwhile.
        Exception
            Whatever opening the client or asking it raises.
        """
        running: Future[AnswerT] = asyncio.run_coroutine_threadsafe(self._ask(question), self._loop)
        waiting = asyncio.wrap_future(running)
        try:
            return await asyncio.wait_for(waiting, seconds)
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is not None and caller.cancelling():
                raise
            raise ConnectionAbortedError("the thread of the call was left") from None
        finally:
            running.cancel()

    async def is_blocked(self) -> bool:
        """Whether the thread does not come round: then leave the lane, nothing in it can be stopped."""
        beat: Future[None] = asyncio.run_coroutine_threadsafe(_beat(), self._loop)
        done, _ = await asyncio.wait({asyncio.wrap_future(beat)}, timeout=PULSE)
        return not done

    def leave(self) -> None:
        """End the thread as soon as it comes round; what still runs there is cancelled."""
        asyncio.run_coroutine_threadsafe(self._ended(), self._loop)

    async def _ended(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=PULSE)
            await asyncio.sleep(0)  # so that who waits for them is told
        self._loop.stop()

    async def _ask(self, question: Callable[[ClientT], Awaitable[AnswerT]]) -> AnswerT:
        if self._client is None:
            self._client = self._open()  # blocks this loop alone; who else asks waits for the same client
        return await question(self._client)


async def _beat() -> None:
    """Nothing but a sign of life."""
