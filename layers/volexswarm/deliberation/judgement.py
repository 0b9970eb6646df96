"""Judges forecasts once their moment has come, so that later deliberations weigh each role by how it has fared."""

from __future__ import annotations

from typing import Final

from volexswarm.clock import Clock
from volexswarm.deliberation.calibration import judged
from volexswarm.deliberation.ports import DeliberationTransaction
from volexswarm.ports import Store

_AT_ONCE: Final = 200


class Calibration:
    """A keeper's chore: compares what was foretold with what came."""

    def __init__(self, store: Store[DeliberationTransaction], clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def settle(self) -> int:
        """Judge the forecasts that are due, at most a few hundred; how many were looked at. Raises Unavailable."""
        with self._store.transaction() as tx:
            due = tx.forecasts_due(_AT_ONCE)
            for forecast in due:
                tx.judge(forecast, judged(forecast), self._clock.now())
        return len(due)
