"""Deliberation's transaction in memory, and models that are scripted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from tests.fakes.transaction import FakeTransaction
from volexswarm.deliberation.calibration import DueForecast, Forecast, Judgement, TrackRecord
from volexswarm.deliberation.domain import Checkpoint, Deliberation, Recorded, Usage
from volexswarm.deliberation.ports import Spent


class FakeDeliberationTransaction(FakeTransaction):
    """`deliberation.ports.DeliberationTransaction` in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.deliberations: dict[str, Deliberation] = {}
        self.tape: dict[tuple[str, str], Recorded] = {}
        self.calls: list[tuple[str, str, Usage]] = []
        self.records: dict[str, TrackRecord] = {}
        self.forecasts: list[tuple[str, Forecast, datetime]] = []
        self.due: list[DueForecast] = []
        self.judgements: dict[tuple[str, str], Judgement | None] = {}

    def find(self, task_id: str, attempt: int, symbol: str) -> Deliberation | None:
        wanted = (task_id, attempt, symbol)
        return next((one for one in self.deliberations.values() if _key(one) == wanted), None)

    def load(self, deliberation_id: str) -> Deliberation | None:
        return self.deliberations.get(deliberation_id)

    def begin(self, deliberation: Deliberation, at: datetime) -> bool:
        if self.find(*_key(deliberation)) is not None:
            return False
        self.deliberations[deliberation.id] = deliberation
        return True

    def advance(self, deliberation_id: str, checkpoint: Checkpoint, at: datetime) -> bool:
        stored = self.deliberations[deliberation_id]
        if stored.checkpoint.version != checkpoint.version - 1:
            return False
        self.deliberations[deliberation_id] = stored.model_copy(update={"checkpoint": checkpoint})
        return True

    def answers(self, deliberation_id: str) -> Mapping[str, Recorded]:
        return {key: recorded for (owner, key), recorded in self.tape.items() if owner == deliberation_id}

    def record(self, deliberation_id: str, key: str, recorded: Recorded, at: datetime) -> Recorded:
        return self.tape.setdefault((deliberation_id, key), recorded)

    def reserve(self, deliberation_id: str, key: str, role: str, most: Usage, at: datetime) -> int:
        self.calls.append((deliberation_id, key, most))
        return len(self.calls) - 1

    def settle(self, settled: Mapping[int, Usage], at: datetime) -> None:
        for number, usage in settled.items():
            self.calls[number] = (*self.calls[number][:2], usage)

    def spent(self, deliberation_id: str) -> Spent:
        own = [(key, usage) for owner, key, usage in self.calls if owner == deliberation_id]
        tokens, cost = sum(usage.tokens for _, usage in own), sum(usage.cost for _, usage in own)
        return Spent(len(own), tokens, cost, len(own) - len({key for key, _ in own}))

    def track_records(self) -> Mapping[str, TrackRecord]:
        return self.records

    def record_forecasts(self, deliberation: Deliberation, forecasts: Sequence[Forecast], due: datetime) -> None:
        self.forecasts += [(deliberation.id, forecast, due) for forecast in forecasts]

    def forecasts_due(self, limit: int) -> Sequence[DueForecast]:
        return self.due[:limit]

    def judge(self, due: DueForecast, judgement: Judgement | None, at: datetime) -> None:
        self.judgements[due.deliberation_id, due.role] = judgement


def _key(deliberation: Deliberation) -> tuple[str, int, str]:
    question = deliberation.snapshot.question
    return question.task_id, question.attempt, question.symbol
