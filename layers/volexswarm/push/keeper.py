"""Looks after connections: ends those whose token has ended, notices those that left without a word, serves who is behind."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from volexswarm.clock import Clock
from volexswarm.errors import Unavailable
from volexswarm.messages import Channel
from volexswarm.ports import Store
from volexswarm.push.courier import Courier
from volexswarm.push.model import Connection, Limits
from volexswarm.push.ports import Outlet, PushTransaction, UpdateLog

logger = logging.getLogger(__name__)

EVERY_SECONDS: Final = 60.0
ENOUGH_SECONDS: Final = 3.0
"""A call that has less time leaves the minute's look to another, and asks nobody whether it is there: no answer counts as yes."""
ENDING_SECONDS: Final = 5.0
ASKING_SECONDS: Final = 6.0
SERVING_SECONDS: Final = 3.0
"""At most, for a channel."""

SecondsLeft = Callable[[], float]


class ConnectionKeeper:
    """The look that one of many calls takes each minute, in the time that its own work leaves."""

    def __init__(
        self,
        *,
        store: Store[PushTransaction],
        log: UpdateLog,
        outlet: Outlet,
        courier: Courier,
        clock: Clock,
        limits: Limits,
    ) -> None:
        self._store = store
        self._log = log
        self._outlet = outlet
        self._courier = courier
        self._clock = clock
        self._limits = limits

    def look_after_if_due(self, seconds_left: SecondsLeft) -> None:
        """Look after everything, if nobody has within the minute; what fails, or what time is too short for, is left to later."""
        try:
            if seconds_left() >= ENOUGH_SECONDS and self._log.turn("keeping", EVERY_SECONDS):
                self.look_after(seconds_left)
        except Unavailable as away:
            logger.warning("connections are looked after later: %s", away)
        except Exception:  # whoever called has work of its own, which must not be done again for this
            logger.exception("connections are looked after later")

    def look_after(self, seconds_left: SecondsLeft) -> None:
        """Look at every connection and every channel, until the time is over. Raises Unavailable."""
        with self._store.transaction() as tx:
            connections = tx.connections()
        now = self._clock.now()
        ended = [one.id for one in connections if one.principal.expires_at <= now]
        self._courier.dismiss(ended, min(ENDING_SECONDS, seconds_left()))
        staying = [one for one in connections if one.principal.expires_at > now]
        gone = self._without_a_word(staying, min(ASKING_SECONDS, seconds_left()))
        living = [one.id for one in staying if one.id not in gone]
        for channel in self._in_turn():
            seconds = min(SERVING_SECONDS, seconds_left())
            if not seconds:
                return
            self._serve_alone(channel, living, seconds)

    def _in_turn(self) -> Sequence[Channel]:
        """Every channel, another one first each minute: looks that end early come to all of them in some minutes."""
        channels = tuple(Channel)
        first = int(self._clock.now().timestamp() // EVERY_SECONDS) % len(channels)
        return channels[first:] + channels[:first]

    def _without_a_word(self, connections: list[Connection], seconds: float) -> set[str]:
        """Those that have left, of the ones that have been silent; they are forgotten."""
        now = self._clock.now()
        since = now - timedelta(seconds=self._limits.silence)
        silent = [one.id for one in connections if one.seen_at < since]
        if not silent or seconds < ENOUGH_SECONDS:
            return set()
        gone = self._outlet.gone(silent, seconds)
        self._courier.forget(gone)
        with self._store.transaction() as tx:
            for connection in silent:
                if connection not in gone:
                    tx.seen(connection, now)
        return gone

    def _serve_alone(self, channel: Channel, living: list[str], seconds: float) -> None:
        """Serve a channel; what is wrong in it is not in the next. Raises Unavailable."""
        try:
            self._serve(channel, living, seconds)
        except Unavailable:
            raise
        except Exception:
            logger.exception("%s is looked after later", channel)

    def _serve(self, channel: Channel, living: list[str], seconds: float) -> None:
        with self._store.transaction() as tx:
            subscribers = tx.subscribers(channel)
        self._log.prune(channel, living)
        if subscribers:
            self._log.want(channel)
            self._courier.serve(channel, subscribers, seconds)
