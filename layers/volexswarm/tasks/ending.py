"""The last steps: explain, and tell; or say that it failed, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from volexswarm.clock import Clock
from volexswarm.messages import TaskStatus
from volexswarm.ports import Store
from volexswarm.tasks.explanation import Conclusion, explain, explain_failure
from volexswarm.tasks.life import SYSTEM, move
from volexswarm.tasks.model import Task
from volexswarm.tasks.ports import TaskTransaction

MAX_REASON = 500


class Ending:
    """Ends tasks.

    Parameters
    ----------
    store : Store[TaskTransaction]
    clock : Clock
        Wall time.
    """

    def __init__(self, *, store: Store[TaskTransaction], clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def explain(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """How it ended, and the story in words."""
        with self._store.transaction() as tx:
            found = explain(tx.story(event["task_id"]))
        return {"status": found.status.value, "reason": found.reason, "lines": list(found.lines), "words": found.reason}

    def notify(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Give the task its final status, once, which tells everybody who listens."""
        explained = event["explained"]
        conclusion = Conclusion(TaskStatus(explained["status"]), explained["reason"], tuple(explained["lines"]))
        with self._store.transaction() as tx:
            task = tx.task(event["task_id"], held=True)
            if not task.status.is_final:
                task = self._end(tx, task, conclusion)
        return {"status": task.status.value, "words": task.reason}

    def fail(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """End it as failed, with the reason in words; what it had done until then is told."""
        with self._store.transaction() as tx:
            task = tx.task(event["task_id"], held=True)
            if not task.status.is_final:
                task = self._end(tx, task, explain_failure(tx.story(task.id), in_words(event["error"])))
        return {"status": task.status.value, "words": task.reason}

    def _end(self, tx: TaskTransaction, task: Task, found: Conclusion) -> Task:
        reason = found.reason[:MAX_REASON]
        now = self._clock.now()
        return move(tx, task, found.status, actor=SYSTEM, reason=reason, at=now, explanation=found.lines)


def in_words(error: Mapping[str, Any]) -> str:
    """What a state machine caught, as people read it: without stack traces."""
    name, cause = str(error.get("Error", "unknown")), str(error.get("Cause", ""))
    if name in ("States.Timeout", "Sandbox.Timedout"):
        return "a step took too long"
    try:
        said = json.loads(cause)
    except ValueError:
        said = {}
    message = said.get("errorMessage") if isinstance(said, dict) else None
    return f"{name}: {message or cause or 'no reason was given'}"[:MAX_REASON]
