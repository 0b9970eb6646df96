"""Numbers what happened and brings it to everybody who watches.

Nothing here holds up anything else: an event is done with once it stands in the log of its channels. Whoever could not be
reached is behind, and gets it with the channel's next update, at its next sign of life, or from the keeper.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from volexswarm.clock import Clock
from volexswarm.errors import Unavailable, require
from volexswarm.messages import Channel, Event, QuotesMoved
from volexswarm.ports import Store
from volexswarm.push.channels import updates_of
from volexswarm.push.courier import Courier
from volexswarm.push.ports import PushTransaction, UpdateLog

logger = logging.getLogger(__name__)

WORTH: Final = timedelta(seconds=5)
"""Wall time after which a quote is no news: the next one has come since."""


class Broadcaster:
    """Tells events to those who watch.

    Parameters
    ----------
    is_simulated : callable
        Whether an account's money is not real; None stands for the deployment's own.
    """

    def __init__(
        self,
        *,
        store: Store[PushTransaction],
        log: UpdateLog,
        courier: Courier,
        clock: Clock,
        is_simulated: Callable[[str | None], bool],
    ) -> None:
        self._store = store
        self._log = log
        self._courier = courier
        self._clock = clock
        self._is_simulated = is_simulated

    def round(self) -> Round:
        """For the events of one call: they are told together."""
        return Round(self)

    def record(self, event: Event[Any]) -> tuple[Channel, ...]:
        """Put an event into the logs of its channels, once; answers which these are.

        Raises
        ------
        InvalidInput
            If it is no event that people watch.
        Unavailable
            If the log is away.
        """
        if isinstance(event.data, QuotesMoved) and self._clock.now() - event.time > WORTH:
            return ()
        simulated = self._is_simulated(getattr(event.data, "account", None))
        channels: tuple[Channel, ...] = event.data.CHANNELS
        require(bool(channels), "type", event.type, "an event that people watch")
        for channel in channels:
            self._log.append(channel, event.id, list(updates_of(event, channel, simulated=simulated)))
        return channels

    def tell(self, channel: Channel, seconds: float) -> None:
        """Bring everybody who watches the channel up to date. Raises Unavailable."""
        with self._store.transaction() as tx:
            subscribers = tx.subscribers(channel)
        if not subscribers:
            return
        self._log.want(channel)
        self._courier.serve(channel, subscribers, seconds)


class Round:
    """Events that are recorded one by one and told once for each channel."""

    def __init__(self, broadcaster: Broadcaster) -> None:
        self._broadcaster = broadcaster
        self._channels: dict[Channel, None] = {}

    def take(self, event: Event[Any]) -> None:
        """Record an event; raises as `Broadcaster.record`."""
        self._channels |= dict.fromkeys(self._broadcaster.record(event))

    def tell(self, seconds_left: Callable[[], float]) -> None:
        """Tell what was recorded, as far as time allows."""
        for channel in self._channels:
            try:
                self._broadcaster.tell(channel, seconds_left())
            except Unavailable as away:
                logger.warning("%s is told later: %s", channel, away)
            except Exception:  # what was recorded is done with: a failing push must not bring it back
                logger.exception("%s is told later", channel)
