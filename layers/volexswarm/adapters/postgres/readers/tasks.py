"""Reads tasks with all that they left behind, and what people are asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any, LiteralString
from uuid import UUID

from volexswarm.adapters.postgres.database import Connection, Database
from volexswarm.adapters.postgres.readers import cursor as cursors
from volexswarm.adapters.postgres.readers.beginnings import bounds, the_one
from volexswarm.adapters.postgres.task_rows import TASK, task_of
from volexswarm.adapters.postgres.tasks import TaskTransaction
from volexswarm.adapters.task_views import seen, view_of
from volexswarm.errors import NotFound
from volexswarm.messages import Ruling, TaskKind, TaskStatus
from volexswarm.tasks import model
from volexswarm.views.shape import Page
from volexswarm.views.tasks import (
    Approval,
    Task,
    TaskCost,
    TaskFill,
    TaskOrder,
    TaskStep,
    TaskStory,
    TaskTrade,
    TaskTransition,
)

DELIBERATE = "deliberate"
"""The step whose answer is a ruling."""

_PAGE = (
    TASK
    + """
WHERE (%(status)s::text IS NULL OR t.status = %(status)s) AND (%(kind)s::text IS NULL OR t.kind = %(kind)s)
  AND (%(symbol)s::text IS NULL OR %(symbol)s = ANY(t.symbols))
  AND (%(moment)s::timestamptz IS NULL OR (t.created_at, t.id) < (%(moment)s, %(last)s::uuid))
ORDER BY t.created_at DESC, t.id DESC LIMIT %(rows)s
"""
)

_TRANSITIONS = """
SELECT attempt, before, after, actor, reason, changed_at FROM task_transitions WHERE task_id = %s ORDER BY position
"""

_STEPS = """
SELECT attempt, step, nullif(symbol, '') AS symbol, function, status, detail, runs, started_at, ended_at,
    extract(epoch FROM ended_at - started_at)::float8 AS seconds, input, output
FROM task_steps WHERE task_id = %s ORDER BY attempt, started_at, step, symbol
"""

_APPROVAL = """
SELECT a.id::text, a.task_id::text, a.attempt, t.understood, t.requested_by, a.question, a.reasons, a.asked_at, a.expires_at,
    a.verdict, a.actor, a.reason, a.decided_at,
    coalesce((SELECT jsonb_agg(jsonb_build_object('symbol', r.symbol, 'side', r.side, 'amount', r.amount::text,
                                                  'price', r.price::text, 'worst_price', r.worst_price::text) ORDER BY r.leg)
              FROM task_trades r
              WHERE r.task_id = a.task_id AND r.attempt = a.attempt AND (r.refusal IS NULL OR r.intended_at IS NOT NULL)),
             '[]') AS trades
FROM task_approvals a JOIN tasks t ON t.id = a.task_id
"""

_APPROVAL_PAGE = (
    _APPROVAL
    + """
WHERE (NOT %(open)s OR (a.verdict IS NULL AND a.expires_at > now() AND t.status = 'awaiting_approval' AND t.attempt = a.attempt))
  AND (%(moment)s::timestamptz IS NULL OR (a.asked_at, a.id) < (%(moment)s, %(last)s::uuid))
ORDER BY a.asked_at DESC, a.id DESC LIMIT %(rows)s
"""
)

_APPROVAL_BY_ID = _APPROVAL + "WHERE a.id = %s"
_APPROVAL_OF = _APPROVAL + "WHERE a.task_id = %s AND a.attempt = %s"

# the beginning of an id, as the ids between its lowest and its highest
_TASKS_LIKE: LiteralString = (
    "SELECT id::text FROM tasks WHERE id BETWEEN %(low)s::uuid AND %(high)s::uuid ORDER BY id LIMIT 3"
)
_APPROVALS_LIKE: LiteralString = (
    "SELECT id::text FROM task_approvals WHERE id BETWEEN %(low)s::uuid AND %(high)s::uuid ORDER BY id LIMIT 3"
)


class PostgresTaskReader:
    """TaskReader over PostgreSQL.

    Parameters
    ----------
    database : Database
    simulated : bool
        Whether the money is; where nobody can say it is not.
    prices : callable
        The present prices of symbols, in quote currency; one without a fresh price is missing.
    """

    def __init__(
        self, database: Database, *, simulated: bool, prices: Callable[[Collection[str]], Mapping[str, Decimal]]
    ) -> None:
        self._database = database
        self._simulated = simulated
        self._prices = prices

    def tasks(
        self, status: TaskStatus | None, kind: TaskKind | None, symbol: str | None, limit: int, cursor: str | None
    ) -> Page[Task]:
        """Tasks, newest first."""
        moment, last = cursors.decode(cursor, (UUID,))
        asked = {"status": status, "kind": kind, "symbol": symbol, "moment": moment, "last": last, "rows": limit + 1}
        with self._database.connection() as connection:
            rows = connection.execute(_PAGE, asked).fetchall()
        return cursors.page(rows, limit, lambda row: view_of(task_of(row)), lambda row: (row["created_at"], row["id"]))

    def task_id(self, key: str) -> str:
        """The task that this id, or beginning of one, names. Raises NotFound, or Conflict if several fit."""
        with self._database.connection() as connection:
            return _one(connection, _TASKS_LIKE, "task", key)

    def approval_id(self, key: str) -> str:
        """The approval that this id, or beginning of one, names. Raises NotFound, or Conflict if several fit."""
        with self._database.connection() as connection:
            return _one(connection, _APPROVALS_LIKE, "approval", key)

    def story(self, key: str) -> TaskStory:
        """All of a task, by its id or the beginning of it. Raises NotFound, or Conflict if several fit."""
        with self._database.connection() as connection:
            task_id = _one(connection, _TASKS_LIKE, "task", key)
            story = TaskTransaction(connection).story(task_id)
            transitions = connection.execute(_TRANSITIONS, (task_id,)).fetchall()
            steps = connection.execute(_STEPS, (task_id,)).fetchall()
            approval = connection.execute(_APPROVAL_OF, (task_id, story.task.attempt)).fetchone()
        return TaskStory(
            task=view_of(story.task),
            explanation=list(story.task.explanation),
            transitions=[TaskTransition(**row) for row in transitions],
            steps=[TaskStep(**row) for row in steps],
            approval=None if approval is None else self._approval(approval),
            rulings=[Ruling.model_validate(a) for (step, _), a in story.answers.items() if step == DELIBERATE],
            trades=[_trade(trade, story.outcomes) for trade in story.trades],
            cost=TaskCost(calls=story.cost.calls, tokens=story.cost.tokens, usd=story.cost.usd),
            simulated=self._simulated,
        )

    def approval(self, approval_id: str) -> Approval:
        """One approval, by its whole id. Raises NotFound."""
        with self._database.connection() as connection:
            row = connection.execute(_APPROVAL_BY_ID, (approval_id,)).fetchone()
        if row is None:
            raise NotFound("approval", approval_id)
        return self._approval(row)

    def approvals(self, limit: int, cursor: str | None, *, open_only: bool) -> Page[Approval]:
        """What people were asked, newest first; `open_only` what still waits for somebody."""
        moment, last = cursors.decode(cursor, (UUID,))
        asked = {"open": open_only, "moment": moment, "last": last, "rows": limit + 1}
        with self._database.connection() as connection:
            rows = connection.execute(_APPROVAL_PAGE, asked).fetchall()
        return cursors.page(rows, limit, self._approval, lambda row: (row["asked_at"], row["id"]))

    def _approval(self, row: Mapping[str, Any]) -> Approval:
        """A row of `_APPROVAL`; what the market says at this moment matters only as long as nobody has answered."""
        prices = self._prices({trade["symbol"] for trade in row["trades"]}) if row["verdict"] is None else {}
        found = Approval.model_validate(row)
        return found.model_copy(update={"trades": [seen(trade, prices.get(trade.symbol)) for trade in found.trades]})


def _one(connection: Connection, query: LiteralString, kind: str, key: str) -> str:
    range_of = bounds(key)
    rows = [] if range_of is None else connection.execute(query, range_of).fetchall()
    return the_one(kind, key, [row["id"] for row in rows])


def _trade(trade: model.RaisedTrade, outcomes: Mapping[int, model.TradeOutcome]) -> TaskTrade:
    raised = trade.signal_id is not None
    outcome = outcomes.get(trade.leg, replace(model.NOTHING_YET, working=raised))
    return TaskTrade(
        leg=trade.leg,
        symbol=trade.symbol,
        side=trade.side,
        amount=trade.amount,
        price=trade.price,
        worst_price=trade.worst_price,
        share=trade.share,
        why=trade.why,
        mode=trade.mode,
        signal_id=trade.signal_id,
        refusal=trade.refusal,
        refused=outcome.refused,
        working=outcome.working,
        filled=outcome.filled,
        cost=outcome.cost,
        orders=[TaskOrder.model_validate(asdict(order)) for order in outcome.orders],
        fills=[TaskFill.model_validate(asdict(fill)) for fill in outcome.fills],
    )
