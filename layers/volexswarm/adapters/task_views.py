"""A task of the domain, and what it asks, as people see it."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from volexswarm.messages import TaskStatus
from volexswarm.tasks import model
from volexswarm.tasks.drift import drift
from volexswarm.views.tasks import AskedTrade, Task

_PLACES: Final = 6


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


def seen(trade: AskedTrade, market: Decimal | None) -> AskedTrade:
    """The trade beside what the market costs at this moment, None if that is not known."""
    if market is None:
        return trade
    moved = round(drift(trade.side, trade.price, market), _PLACES)
    return trade.model_copy(update={"market": market, "drift": moved})
