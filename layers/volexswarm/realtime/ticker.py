"""Tells those who watch how quotes move: once a second, the newest of each symbol, and only while somebody watches.

Losing one is fine, so it is sent once and never held: the next second's makes up for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final, Protocol

from volexswarm.agents import REALTIME_DATA
from volexswarm.clock import Clock
from volexswarm.errors import Unavailable
from volexswarm.messages import Channel, Event, Quote, QuotesMoved, encode
from volexswarm.ports import MessageSender

logger = logging.getLogger(__name__)

EVERY_SECONDS: Final = 1.0


class Audience(Protocol):
    """Knows whether anybody watches."""

    def watches(self, channel: Channel) -> bool: ...


class QuoteTicker:
    """Gathers what moved and sends it on.

    Parameters
    ----------
    session : str
        Names this run; its messages are numbered.
    """

    def __init__(self, venue: str, session: str, sender: MessageSender, audience: Audience, clock: Clock) -> None:
        self._venue = venue
        self._session = session
        self._sender = sender
        self._audience = audience
        self._clock = clock
        self._moved: dict[str, Quote] = {}
        self._count = 0

    def note(self, quotes: Mapping[str, Quote]) -> None:
        """These symbols have new quotes."""
        self._moved |= quotes

    async def run(self) -> None:
        """Tell until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            moved, self._moved = self._moved, {}
            if moved:
                await asyncio.to_thread(self._tell, moved)

    def _tell(self, moved: Mapping[str, Quote]) -> None:
        if not self._audience.watches(Channel.QUOTES):
            return
        self._count += 1
        data = QuotesMoved(venue=self._venue, quotes=dict(moved))
        identity = f"{self._venue}/{self._session}/{self._count}"
        event = Event.root(
            data, source=REALTIME_DATA.name, subject=self._venue, identity=identity, time=self._clock.now()
        )
        assert data.QUEUE is not None
        try:
            self._sender.send(data.QUEUE, [(event.id, data.group, encode(event))])
        except Unavailable as away:
            logger.info("quotes are not told: %s", away)
