"""A deliberation that was really held, on fakes, and what its reader would show of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from tests.fakes.transaction import START
from tests.unit.deliberation.panels import all_testimonies, question
from tests.unit.deliberation.speaking import Stage
from tests.unit.deliberation.test_coordinator import quarrel
from volexswarm.adapters.postgres.readers.beginnings import the_one
from volexswarm.adapters.postgres.readers.deliberation import record_of
from volexswarm.deliberation.domain import Limits
from volexswarm.errors import NotFound
from volexswarm.views.deliberation import DeliberationRecord, RoleRecord


@cache
def held() -> tuple[Stage, str]:
    """The stage of a deliberation in which the team quarreled, and the deliberation's id."""
    stage = Stage(quarrel)
    ruling = stage.coordinator().deliberate(question(None), all_testimonies(), Limits())
    return stage, ruling.deliberation_id


class FakeDeliberationReader:
    """`views.ports.DeliberationReader` over that one."""

    def deliberation_id(self, key: str) -> str:
        stage, _ = held()
        return the_one("deliberation", key, [one for one in stage.tx.deliberations if one.startswith(key)])

    def record(self, deliberation_id: str) -> DeliberationRecord:
        stage, _ = held()
        deliberation = stage.tx.load(deliberation_id)
        if deliberation is None:
            raise NotFound("deliberation", deliberation_id)
        return record_of(deliberation, stage.tx.spent(deliberation_id), START, START)

    def records_of(self, task_id: str, attempt: int | None = None) -> Sequence[DeliberationRecord]:
        return [self.record(held()[1])]

    def track_records(self) -> Sequence[RoleRecord]:
        return [RoleRecord(role="signal", forecasts=40, hit_rate=0.55, brier=0.24, weight=1.08)]
