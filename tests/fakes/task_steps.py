"""A task's steps in memory."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.fakes.transaction import FakeTransaction
from volexswarm.errors import NotFound
from volexswarm.messages import TaskStatus
from volexswarm.tasks.record import Begun, Outcome, StepKey


class FakeStepTransaction(FakeTransaction):
    """`tasks.record.StepTransaction` in memory; `standings` says which tasks there are."""

    def __init__(self, **standings: tuple[TaskStatus, int]) -> None:
        super().__init__()
        self.standings = standings
        self.begun: dict[StepKey, Begun] = {}
        self.given: dict[StepKey, Mapping[str, Any]] = {}
        self.ended: dict[StepKey, tuple[Outcome, str, Mapping[str, Any] | None]] = {}
        self.forgotten_before: datetime | None = None

    def standing(self, task_id: str) -> tuple[TaskStatus, int]:
        if task_id not in self.standings:
            raise NotFound("task", task_id)
        return self.standings[task_id]

    def begin_step(self, key: StepKey, function: str, given: Mapping[str, Any], at: datetime) -> Begun:
        before = self.begun.get(key)
        answer = self.ended[key][2] if key in self.ended else None
        self.given[key] = given
        self.begun[key] = Begun(before.run + 1, before.at, answer) if before else Begun(1, at, answer)
        return self.begun[key]

    def end_step(
        self, key: StepKey, status: Outcome, detail: str, answer: Mapping[str, Any] | None, at: datetime
    ) -> None:
        self.ended[key] = (status, detail, answer)

    def forget_steps(self, before: datetime) -> int:
        self.forgotten_before = before
        return 0
