"""Looks after connections: ends those whose token has ended, notices those that left without a word, serves who is behind."""

from __future__ import annotations

import logging
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
SERVING_SECONDS: Final = 3.0


class ConnectionKeeper:
    """The look that one of many calls takes each minute."""

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

    def look_after_if_due(self) -> None:
        """Look after everything, if nobody has within the minute; what fails is left to the next minute."""
        try:
            if self._log.turn("keeping", EVERY_SECONDS):
                self.look_after()
        except Unavailable as away:
            logger.warning("connections are looked after later: %s", away)
        except Exception:  # whoever called has work of its own, which must not be done again for this
            logger.exception("connections are looked after later")

    def look_after(self) -> None:
        """Look at every connection and every channel. Raises Unavailable."""
        with self._store.transaction() as tx:
            connections = tx.connections()
        now = self._clock.now()
        self._courier.dismiss([one.id for one in connections if one.principal.expires_at <= now])
        staying = [one for one in connections if one.principal.expires_at > now]
        gone = self._without_a_word(staying)
        living = [one.id for one in staying if one.id not in gone]
        for channel in Channel:
            try:
                self._serve(channel, living)
            except Unavailable:
                raise
            except Exception:  # what is wrong in one channel is not in the next
                logger.exception("%s is looked after later", channel)

    def _without_a_word(self, connections: list[Connection]) -> set[str]:
        """Those that have left, of the ones that have been silent; they are forgotten."""
        now = self._clock.now()
        since = now - timedelta(seconds=self._limits.silence)
        silent = [one.id for one in connections if one.seen_at < since]
        if not silent:
            return set()
        gone = self._outlet.gone(silent)
        self._courier.forget(gone)
        with self._store.transaction() as tx:
            for connection in silent:
                if connection not in gone:
                    tx.seen(connection, now)
        return gone

    def _serve(self, channel: Channel, living: list[str]) -> None:
        with self._store.transaction() as tx:
            subscribers = tx.subscribers(channel)
        self._log.prune(channel, living)
        if subscribers:
            self._log.want(channel)
            self._courier.serve(channel, subscribers, SERVING_SECONDS)
