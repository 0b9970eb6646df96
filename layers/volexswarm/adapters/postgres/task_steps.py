"""The statements of a task's steps: what each was given, what it answered, how often it ran."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from volexswarm.adapters.postgres.store import PostgresTransaction
from volexswarm.errors import NotFound
from volexswarm.messages import TaskStatus
from volexswarm.tasks.record import Begun, Outcome, StepKey

# what has answered keeps its answer, its time and its status: only the run is counted
_BEGIN = """
INSERT INTO task_steps AS s (task_id, attempt, step, symbol, function, status, input, started_at)
VALUES (%(task_id)s, %(attempt)s, %(step)s, %(symbol)s, %(function)s, 'started', %(input)s, %(at)s)
ON CONFLICT (task_id, attempt, step, symbol) DO UPDATE SET runs = s.runs + 1,
    status = CASE WHEN s.output IS NULL THEN 'started' ELSE s.status END,
    input = EXCLUDED.input
RETURNING runs, started_at, output
"""

_END = """
UPDATE task_steps SET status = %(status)s, detail = %(detail)s, output = %(output)s, ended_at = %(at)s
WHERE task_id = %(task_id)s AND attempt = %(attempt)s AND step = %(step)s AND symbol = %(symbol)s
"""

_FORGET = """
DELETE FROM task_steps s USING tasks t
WHERE t.id = s.task_id AND t.ended_at < %s AND NOT (s.step = 'deliberate' AND EXISTS (
    SELECT FROM task_trades w WHERE (w.task_id, w.attempt, w.symbol) = (s.task_id, s.attempt, s.symbol)
        AND w.signal_id IS NOT NULL))
"""


class TaskStepTransaction(PostgresTransaction):
    """Implements `tasks.record.StepTransaction`."""

    def standing(self, task_id: str) -> tuple[TaskStatus, int]:
        row = self.connection.execute(
            "SELECT status, attempt FROM tasks WHERE id::text = %s FOR SHARE", (task_id,)
        ).fetchone()
        if row is None:
            raise NotFound("task", task_id)
        return TaskStatus(row["status"]), row["attempt"]

    def begin_step(self, key: StepKey, function: str, given: Mapping[str, Any], at: datetime) -> Begun:
        values = {**_names(key), "function": function, "input": Jsonb(given), "at": at}
        row = self.connection.execute(_BEGIN, values).fetchone()
        assert row is not None  # the statement returns the row that it wrote
        return Begun(row["runs"], row["started_at"], row["output"])

    def end_step(
        self, key: StepKey, status: Outcome, detail: str, answer: Mapping[str, Any] | None, at: datetime
    ) -> None:
        output = None if answer is None else Jsonb(answer)
        self.connection.execute(_END, {**_names(key), "status": status, "detail": detail, "output": output, "at": at})

    def forget_steps(self, before: datetime) -> int:
        return self.connection.execute(_FORGET, (before,)).rowcount


def _names(key: StepKey) -> dict[str, Any]:
    return {"task_id": key.task_id, "attempt": key.attempt, "step": key.step, "symbol": key.symbol or ""}
