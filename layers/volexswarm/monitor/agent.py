"""Monitor agent: counts events once each, records each part's health, sends again what was not sent, and cleans up."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from volexswarm.clock import Clock
from volexswarm.errors import Unavailable
from volexswarm.messages import Event, HealthChanged
from volexswarm.monitor.ports import Health, MonitorTransaction, Outbox, Probe
from volexswarm.ports import Store

logger = logging.getLogger(__name__)

CONSUMER = "monitor"
SWEEP_LIMIT = 500
SWEEPS = 20
"""At most so many sweeps per call: a long backlog is shared out over several calls instead of running into the time limit."""
MESSAGES_LIVE = timedelta(days=30)
"""Longer than a message can lie in a queue and then among its dead letters: after that, no repeat can come."""


class MonitorAgent:
    """Keeps the swarm's records about itself.

    Parameters
    ----------
    store : Store
        Opens monitor transactions.
    outbox : Outbox
        What was stored and not yet sent.
    probes : sequence of Probe
        One for each part.
    clock : Clock
        Wall time.
    """

    def __init__(
        self, *, store: Store[MonitorTransaction], outbox: Outbox, probes: Sequence[Probe], clock: Clock
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._probes = tuple(probes)
        self._clock = clock

    def record(self, event: Event[Any]) -> None:
        """Count the event; a repeat changes nothing."""
        with self._store.transaction() as tx:
            if tx.first_delivery(CONSUMER, event.id):
                tx.count_event(event.source, event.type, event.time)

    def republish(self) -> int:
        """Send what a crash or an outage left in the outbox; how many messages went out.

        Raises
        ------
        Unavailable
            If the database does not answer. A queue that does not keeps its messages, and holds up no other.
        """
        total = 0
        for _ in range(SWEEPS):
            sent = self._outbox.sweep(limit=SWEEP_LIMIT)
            total += sent
            if sent < SWEEP_LIMIT:
                break
        if total:
            logger.warning("sent %d messages that had been left behind", total)
        return total

    def check_health(self) -> list[Health]:
        """Look at every part, record what was found, and tell what has changed. One that can't be looked at is not well, and the
        others are looked at all the same.

        Raises
        ------
        Unavailable
            If the findings can't be stored; readers then see that they are old.
        """
        findings = [self._look(probe) for probe in self._probes]
        with self._store.transaction() as tx:
            now, before = self._clock.now(), tx.known_health()
            tx.save_health(findings, now)
            tx.publish(*_changes(before, findings, now))
        return findings

    def prune(self) -> None:
        """Delete what was sent long ago, and the memory of messages that can't come again."""
        self._outbox.prune()
        with self._store.transaction() as tx:
            tx.forget_answers(self._clock.now() - MESSAGES_LIVE)

    def _look(self, probe: Probe) -> Health:
        try:
            healthy, detail = probe.measure()
        except Unavailable as error:
            healthy, detail = False, str(error)
        if not healthy:
            logger.warning("%s is not well: %s", probe.part, detail)
        return Health(probe.part, healthy, detail)


def _changes(before: Mapping[str, bool], findings: Sequence[Health], now: datetime) -> list[Event[HealthChanged]]:
    """What is otherwise than it was; a part that is well from its first look on is no news."""
    news = [finding for finding in findings if before.get(finding.part, True) is not finding.healthy]
    return [
        Event.root(
            HealthChanged(
                part=finding.part,
                before=before.get(finding.part),
                after=finding.healthy,
                detail=finding.detail,
                checked_at=now,
            ),
            source=CONSUMER,
            subject=finding.part,
            identity=f"{finding.part}/{now.isoformat()}",
            time=now,
        )
        for finding in news
    ]
