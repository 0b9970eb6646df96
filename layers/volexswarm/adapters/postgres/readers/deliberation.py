"""Reads deliberations for people: the record as it was stored, with the words and sums of the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.deliberation import DeliberationTransaction, deliberation_from
from volexswarm.adapters.postgres.readers.beginnings import the_one
from volexswarm.deliberation.calibration import TrackRecord, weight
from volexswarm.deliberation.course import rounds
from volexswarm.deliberation.desk import DESK
from volexswarm.deliberation.domain import Decision, Deliberation, Opinion, Turn
from volexswarm.deliberation.ports import Spent
from volexswarm.deliberation.proceedings import explanation
from volexswarm.errors import NotFound
from volexswarm.views.deliberation import (
    Costs,
    CountedVote,
    DeliberationRecord,
    DeliberationVerdict,
    RoleRecord,
    Statement,
    SumLine,
)

_RECORD = """
SELECT id, snapshot, configuration, version, turns, decision, begun_at, updated_at FROM deliberations
WHERE id = %(id)s OR (task_id = %(task)s AND (%(attempt)s::integer IS NULL OR attempt = %(attempt)s))
ORDER BY attempt, symbol
"""

# ids are hexadecimal: what begins with a text sorts before that text with a letter behind `f`
_LIKE = "SELECT id FROM deliberations WHERE id >= %(key)s AND id < %(key)s || 'g' ORDER BY id LIMIT 3"


class PostgresDeliberationReader:
    """Implements `views.ports.DeliberationReader`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def deliberation_id(self, key: str) -> str:
        """The deliberation that this id, or beginning of one, names. Raises NotFound, or Conflict if several fit."""
        with self._database.connection() as connection:
            rows = connection.execute(_LIKE, {"key": key.lower()}).fetchall()
        return the_one("deliberation", key, [row["id"] for row in rows])

    def record(self, deliberation_id: str) -> DeliberationRecord:
        """The whole record. Raises NotFound if there is no such deliberation."""
        found = self._records({"id": deliberation_id, "task": None, "attempt": None})
        if not found:
            raise NotFound("deliberation", deliberation_id)
        return found[0]

    def records_of(self, task_id: str, attempt: int | None = None) -> Sequence[DeliberationRecord]:
        """The deliberations of a task, of all its attempts or of one, by attempt and symbol."""
        return self._records({"id": None, "task": task_id, "attempt": attempt})

    def track_records(self) -> Sequence[RoleRecord]:
        """Each forecasting role's record, in the desk's order."""
        with self._database.connection() as connection:
            judged = DeliberationTransaction(connection).track_records()
        return [_role_record(role.name, judged.get(role.name)) for role in DESK if role.forecasts]

    def _records(self, wanted: dict[str, object]) -> list[DeliberationRecord]:
        with self._database.connection() as connection:
            tx = DeliberationTransaction(connection)
            rows = connection.execute(_RECORD, wanted).fetchall()
            found = [(row, deliberation_from(row), tx.spent(row["id"])) for row in rows]
        return [record_of(one, spent, row["begun_at"], row["updated_at"]) for row, one, spent in found]


def record_of(deliberation: Deliberation, spent: Spent, begun_at: datetime, updated_at: datetime) -> DeliberationRecord:
    """A deliberation as people read it."""
    snapshot, rules, turns = deliberation.snapshot, deliberation.configuration, deliberation.checkpoint.turns
    decision = deliberation.checkpoint.decision
    return DeliberationRecord(
        id=deliberation.id,
        task_id=snapshot.question.task_id,
        attempt=snapshot.question.attempt,
        symbol=snapshot.question.symbol,
        phase="done" if decision else "challenge" if turns else "blind",
        question=snapshot.question,
        testimonies=list(snapshot.testimonies),
        statements=[_statement(turn) for turn in turns],
        verdict=None if decision is None else _verdict(deliberation, decision),
        rounds=rounds(turns),
        costs=Costs(
            calls=spent.calls,
            repeated=spent.repeated,
            tokens=spent.tokens,
            cost=spent.cost,
            answered_tokens=sum(turn.recorded.usage.tokens for turn in turns),
            answered_cost=math.fsum(turn.recorded.usage.cost for turn in turns),
        ),
        model=rules.model.words,
        prompt_version=rules.prompt_version,
        weights=rules.weights,
        limits=rules.limits.model_dump(),
        snapshot_hash=snapshot.hash,
        begun_at=begun_at,
        updated_at=updated_at,
    )


def _statement(turn: Turn) -> Statement:
    recorded, answer = turn.recorded, turn.recorded.answer
    spoken = answer if isinstance(answer, Opinion) else None
    return Statement(
        phase=turn.phase,
        round=turn.round,
        role=turn.role,
        stance=None if spoken is None else spoken.stance.value,
        confidence=0 if spoken is None else spoken.confidence,
        size_frac=0 if spoken is None else spoken.size_frac,
        rationale=answer.rationale if isinstance(answer, Opinion) else answer.reason,
        evidence=[] if spoken is None else list(spoken.evidence),
        objection_to=None if spoken is None else spoken.objection_to,
        model=recorded.model,
        degraded=recorded.degraded,
        note=recorded.note,
        tokens=recorded.usage.tokens,
        cost=recorded.usage.cost,
        tape_key=turn.key,
    )


def _verdict(deliberation: Deliberation, decision: Decision) -> DeliberationVerdict:
    return DeliberationVerdict(
        action=decision.action,
        size_frac=decision.size_frac,
        confidence=decision.confidence,
        reason=decision.reason,
        explanation=explanation(deliberation, decision),
        votes=[CountedVote.model_validate(vote.model_dump(mode="json")) for vote in decision.votes],
        arithmetic=[SumLine.model_validate(line.model_dump()) for line in decision.arithmetic],
        dissent=list(decision.dissent),
        vetoed_by=list(decision.vetoed_by),
        abstained=list(decision.abstained),
        degraded=decision.degraded,
        degraded_why=list(decision.degraded_why),
    )


def _role_record(role: str, judged: TrackRecord | None) -> RoleRecord:
    known = judged or TrackRecord(forecasts=0, hits=0, brier=0.0)
    brier = known.brier if known.forecasts else None
    return RoleRecord(role=role, forecasts=known.forecasts, hit_rate=known.hit_rate, brier=brier, weight=weight(known))
