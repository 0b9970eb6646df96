"""Weighs the agents by what is stored of them, for the flow that asks and for people who look."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from volexswarm.clock import Clock
from volexswarm.messages import TaskKind
from volexswarm.policies import in_force
from volexswarm.ports import Store
from volexswarm.tasks.policy import TasksPolicy
from volexswarm.tasks.ports import TaskTransaction
from volexswarm.tasks.routing import CAPABILITY, AgentWeight, weights

RECORD: Final = timedelta(days=1)
"""So long back an agent's steps count for its weight."""

Calibration = Callable[[], Mapping[str, float]]


class Router:
    """Weighs agents.

    Parameters
    ----------
    store : Store[TaskTransaction]
    clock : Clock
        Wall time.
    calibration : callable
        By agent, how well its opinions turned out, 0 to 1; those without outcomes are not in it.
    """

    def __init__(self, *, store: Store[TaskTransaction], clock: Clock, calibration: Calibration) -> None:
        self._store = store
        self._clock = clock
        self._calibration = calibration

    def weights(self) -> Mapping[TaskKind, Mapping[str, AgentWeight]]:
        """For each kind of task that asks voices, each agent's weight, by the policy in force or its defaults.

        Raises
        ------
        Unavailable
            If the database can't be asked.
        """
        with self._store.transaction() as tx:
            policy = in_force(TasksPolicy, tx.newest_policy()).policy or TasksPolicy()
            records = tx.track_records(self._clock.now() - RECORD)
        calibration = self._calibration()
        return {kind: weights(kind, records, policy, calibration) for kind in CAPABILITY}
