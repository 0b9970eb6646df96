"""Deliberation's statements: checkpoints by conditional put, a tape written once, calls stored before they are made.

What is long is deflated; what must be the same byte for byte (answers, decisions) is kept as the text that was computed.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from volexswarm.adapters.postgres.store import PostgresTransaction
from volexswarm.deliberation.calibration import DueForecast, Forecast, Judgement, TrackRecord
from volexswarm.deliberation.domain import (
    Checkpoint,
    Configuration,
    Decision,
    Deliberation,
    Recorded,
    Snapshot,
    Turn,
    Usage,
)
from volexswarm.deliberation.ports import Spent
from volexswarm.market.timeframes import Timeframe

_TURNS: TypeAdapter[tuple[Turn, ...]] = TypeAdapter(tuple[Turn, ...])
_COLUMNS = "SELECT id, snapshot, configuration, version, turns, decision FROM deliberations WHERE "

_SPENT = """
SELECT count(*)::int AS calls, coalesce(sum(tokens), 0)::int AS tokens, coalesce(sum(cost), 0)::float8 AS cost,
    (count(*) - count(DISTINCT key))::int AS repeated
FROM deliberation_calls WHERE deliberation_id = %s
"""

_SETTLE = """
UPDATE deliberation_calls c SET tokens = s.tokens, cost = s.cost, settled_at = %(at)s
FROM unnest(%(numbers)s::bigint[], %(tokens)s::integer[], %(costs)s::float8[]) AS s (number, tokens, cost)
WHERE c.number = s.number
"""

_TRACK_RECORDS = """
SELECT role, count(*)::int AS forecasts, (count(*) FILTER (WHERE hit))::int AS hits, avg(brier) AS brier
FROM deliberation_forecasts WHERE brier IS NOT NULL GROUP BY role
"""

# The price of a moment is the close of the last candle that had ended by then; one of long before says nothing of it.
_DUE = """
SELECT f.deliberation_id, f.role, f.probability, early.close AS price, late.close AS later_price
FROM deliberation_forecasts f
JOIN unnest(%(timeframes)s::text[], %(lengths)s::interval[]) AS t (name, length) ON t.name = f.timeframe
LEFT JOIN LATERAL (
    SELECT close FROM candles WHERE venue = f.venue AND symbol = f.symbol AND timeframe = f.timeframe AND closed
      AND opened_at <= f.as_of - t.length AND opened_at > f.as_of - 12 * t.length ORDER BY opened_at DESC LIMIT 1
) early ON true
LEFT JOIN LATERAL (
    SELECT close FROM candles WHERE venue = f.venue AND symbol = f.symbol AND timeframe = f.timeframe AND closed
      AND opened_at <= f.judged_as_of - t.length AND opened_at >= f.as_of ORDER BY opened_at DESC LIMIT 1
) late ON true
WHERE f.judged_at IS NULL
  AND f.judged_as_of + t.length <= (SELECT max(complete_to) FROM watermarks w WHERE w.venue = f.venue)
ORDER BY f.judged_as_of, f.deliberation_id, f.role LIMIT %(limit)s FOR UPDATE OF f SKIP LOCKED
"""


class DeliberationTransaction(PostgresTransaction):
    """Implements `deliberation.ports.DeliberationTransaction`."""

    def find(self, task_id: str, attempt: int, symbol: str) -> Deliberation | None:
        where = f"{_COLUMNS} task_id = %s AND attempt = %s AND symbol = %s"
        row = self.connection.execute(where, (task_id, attempt, symbol)).fetchone()
        return None if row is None else deliberation_from(row)

    def load(self, deliberation_id: str) -> Deliberation | None:
        row = self.connection.execute(f"{_COLUMNS} id = %s", (deliberation_id,)).fetchone()
        return None if row is None else deliberation_from(row)

    def begin(self, deliberation: Deliberation, at: datetime) -> bool:
        question = deliberation.snapshot.question
        cursor = self.connection.execute(
            "INSERT INTO deliberations (id, task_id, attempt, symbol, as_of, snapshot, configuration, turns, begun_at,"
            " updated_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (
                deliberation.id,
                question.task_id,
                question.attempt,
                question.symbol,
                question.as_of,
                zlib.compress(deliberation.snapshot.model_dump_json().encode()),
                Jsonb(deliberation.configuration.model_dump(mode="json")),
                _packed(deliberation.checkpoint.turns),
                at,
                at,
            ),
        )
        return cursor.rowcount == 1

    def advance(self, deliberation_id: str, checkpoint: Checkpoint, at: datetime) -> bool:
        decision = None if checkpoint.decision is None else checkpoint.decision.model_dump_json()
        cursor = self.connection.execute(
            "UPDATE deliberations SET version = %s, turns = %s, decision = %s, updated_at = %s WHERE id = %s AND version = %s",
            (checkpoint.version, _packed(checkpoint.turns), decision, at, deliberation_id, checkpoint.version - 1),
        )
        return cursor.rowcount == 1

    def answers(self, deliberation_id: str) -> Mapping[str, Recorded]:
        rows = self.connection.execute(
            "SELECT key, answer FROM deliberation_answers WHERE deliberation_id = %s", (deliberation_id,)
        )
        return {row["key"]: Recorded.model_validate_json(row["answer"]) for row in rows}

    def record(self, deliberation_id: str, key: str, recorded: Recorded, at: datetime) -> Recorded:
        stored = self.connection.execute(
            "INSERT INTO deliberation_answers (deliberation_id, key, answer, recorded_at) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            (deliberation_id, key, recorded.model_dump_json(), at),
        )
        if stored.rowcount == 1:
            return recorded
        row = self.connection.execute(
            "SELECT answer FROM deliberation_answers WHERE deliberation_id = %s AND key = %s", (deliberation_id, key)
        ).fetchone()
        assert row is not None  # it was in the way of ours
        return Recorded.model_validate_json(row["answer"])

    def reserve(self, deliberation_id: str, key: str, role: str, most: Usage, at: datetime) -> int:
        row = self.connection.execute(
            "INSERT INTO deliberation_calls (deliberation_id, key, role, tokens, cost, begun_at) VALUES (%s, %s, %s, %s, %s, %s)"
            " RETURNING number",
            (deliberation_id, key, role, most.tokens, most.cost, at),
        ).fetchone()
        assert row is not None  # an insert returns its row
        return int(row["number"])

    def settle(self, settled: Mapping[int, Usage], at: datetime) -> None:
        if settled:
            used = settled.values()
            columns = {"numbers": list(settled), "tokens": [u.tokens for u in used], "costs": [u.cost for u in used]}
            self.connection.execute(_SETTLE, columns | {"at": at})

    def spent(self, deliberation_id: str) -> Spent:
        row = self.connection.execute(_SPENT, (deliberation_id,)).fetchone()
        assert row is not None  # an aggregate always answers
        return Spent(**row)

    def track_records(self) -> Mapping[str, TrackRecord]:
        return {row.pop("role"): TrackRecord(**row) for row in self.connection.execute(_TRACK_RECORDS)}

    def record_forecasts(self, deliberation: Deliberation, forecasts: Sequence[Forecast], due: datetime) -> None:
        question = deliberation.snapshot.question
        self.connection.execute(
            "INSERT INTO deliberation_forecasts (deliberation_id, venue, symbol, timeframe, as_of, judged_as_of, role,"
            " probability, model) SELECT %s, %s, %s, %s, %s, %s, said.*"
            " FROM unnest(%s::text[], %s::float8[], %s::text[]) AS said",
            (
                deliberation.id,
                question.venue,
                question.symbol,
                question.timeframe,
                question.as_of,
                due,
                [forecast.role for forecast in forecasts],
                [forecast.probability for forecast in forecasts],
                [forecast.model for forecast in forecasts],
            ),
        )

    def forecasts_due(self, limit: int) -> Sequence[DueForecast]:
        frames = {"timeframes": [t.value for t in Timeframe], "lengths": [t.length for t in Timeframe]}
        return [DueForecast(**row) for row in self.connection.execute(_DUE, frames | {"limit": limit})]

    def judge(self, due: DueForecast, judgement: Judgement | None, at: datetime) -> None:
        came = (None, None) if judgement is None else (judgement.hit, judgement.brier)
        self.connection.execute(
            "UPDATE deliberation_forecasts SET price = %s, later_price = %s, hit = %s, brier = %s, judged_at = %s"
            " WHERE deliberation_id = %s AND role = %s AND judged_at IS NULL",
            (due.price, due.later_price, *came, at, due.deliberation_id, due.role),
        )


def deliberation_from(row: Mapping[str, Any]) -> Deliberation:
    """The deliberation of a row of its table."""
    decision = None if row["decision"] is None else Decision.model_validate_json(row["decision"])
    turns = _TURNS.validate_json(zlib.decompress(row["turns"]))
    return Deliberation(
        id=row["id"],
        snapshot=Snapshot.model_validate_json(zlib.decompress(row["snapshot"])),
        configuration=Configuration.model_validate(row["configuration"]),
        checkpoint=Checkpoint(version=row["version"], turns=turns, decision=decision),
    )


def _packed(turns: tuple[Turn, ...]) -> bytes:
    return zlib.compress(_TURNS.dump_json(turns))
