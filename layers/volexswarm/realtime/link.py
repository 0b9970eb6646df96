"""Keeps one stream connected: watches it, and when it ends, connects again after a pause."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from volexswarm.errors import Unavailable
from volexswarm.realtime.backoff import Backoff

logger = logging.getLogger(__name__)

CONFIRMED_WITHIN = 15.0


class Link:
    """One stream's state: `is_ready` while the venue has confirmed the subscription and the connection holds.

    Parameters
    ----------
    name : str
        Of the stream, for the log and the metrics.
    cut : callable
        Breaks the connection, with a reason.
    """

    def __init__(self, name: str, backoff: Backoff, cut: Callable[[str, str], None]) -> None:
        self.name = name
        self.is_ready = False
        self.connects = 0
        self.problem: str | None = "not connected yet"
        self._backoff = backoff
        self._cut = cut

    async def keep(
        self,
        watch: Callable[[Callable[[], None]], Awaitable[None]],
        on_ready: Callable[[], None],
        on_lost: Callable[[], None],
    ) -> None:
        """Watch until cancelled. `watch` is given the function to call when the subscription is confirmed."""

        def ready() -> None:
            if not self.is_ready:
                self._confirmed()
                on_ready()

        while True:
            too_late = asyncio.get_running_loop().call_later(CONFIRMED_WITHIN, self._unconfirmed)
            try:
                await watch(ready)
            except Unavailable as error:
                logger.warning("%s", error)
                self.problem = str(error)
            finally:
                too_late.cancel()
                self.is_ready = False
                on_lost()
            await self._backoff.sleep()

    def cut(self, reason: str) -> None:
        """Break the connection; `keep` makes it anew."""
        self._cut(self.name, reason)

    def _confirmed(self) -> None:
        self.is_ready = True
        self.connects += 1
        self.problem = None
        self._backoff.reset()
        logger.info("stream of %s: connected", self.name)

    def _unconfirmed(self) -> None:
        if not self.is_ready:
            self.cut(f"no confirmation within {CONFIRMED_WITHIN:.0f} s")
