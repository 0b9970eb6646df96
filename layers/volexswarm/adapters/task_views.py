"""A task of the domain as people see it."""

from __future__ import annotations

from volexswarm.messages import TaskStatus
from volexswarm.tasks import model
from volexswarm.views.tasks import Task


def view_of(task: model.Task) -> Task:
    """A task as people see it."""
    return Task(
        id=task.id,
        kind=task.kind,
        priority=task.priority,
        status=task.status,
        attempt=task.attempt,
        requested_by=task.requested_by,
        words=task.words,
        understood=task.understood,
        ignored=list(task.ignored),
        request=task.request.model_dump(mode="json"),
        symbols=list(task.request.markets),
        depends_on=list(task.depends_on),
        moves_money=task.kind.moves_money,
        reason=task.reason,
        deadline=task.deadline,
        confirm_by=task.confirm_by if task.status is TaskStatus.UNCONFIRMED else None,
        created_at=task.created_at,
        started_at=task.started_at,
        ended_at=task.ended_at,
    )
