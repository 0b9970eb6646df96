"""How a task goes from one status to the next: only by the ways there are, stored with who and why, and told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from volexswarm.messages import Event, TaskChanged, TaskStatus
from volexswarm.tasks.model import Task
from volexswarm.tasks.ports import TaskTransaction
from volexswarm.tasks.record import SOURCE

SYSTEM = "system"


def move(
    tx: TaskTransaction, task: Task, after: TaskStatus, *, actor: str, reason: str, at: datetime, **changes: Any
) -> Task:
    """Bring a held task to another status, within the transaction that does what the status says.

    `changes` are other fields of the task. Raises Conflict if there is no such way.
    """
    task.require_way(after)
    ended = at if after.is_final else None
    moved = replace(task, status=after, reason=reason, ended_at=ended, **changes)
    tx.save_task(task, moved, actor, at)
    tx.publish(told(moved, task.status, at))
    return moved


def told(task: Task, before: TaskStatus | None, at: datetime) -> Event[TaskChanged]:
    """What is published of a task's change. A task passes no status twice in an attempt but `running`, hence the time."""
    changed = TaskChanged(
        task_id=task.id,
        attempt=task.attempt,
        kind=task.kind,
        priority=task.priority,
        symbols=task.request.markets,
        before=before,
        after=task.status,
        reason=task.reason,
        requested_by=task.requested_by,
    )
    identity = f"{task.id}/{task.attempt}/{task.status}/{at.isoformat()}"
    return Event.root(changed, source=SOURCE, subject=changed.key, identity=identity, time=at)
