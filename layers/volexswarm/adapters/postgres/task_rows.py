"""How tasks, approvals and trades become rows, and rows become them again."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from volexswarm.messages import Priority, Side, TaskStatus, Verdict
from volexswarm.tasks.model import Approval, FillOutcome, OrderOutcome, RaisedTrade, Task, TradeOutcome
from volexswarm.tasks.requests import read

TASK = """
SELECT t.id::text, t.kind, t.priority, t.status, t.attempt, t.request, t.words, t.understood, t.ignored, t.requested_by,
    t.idempotency_key, t.deadline, t.confirm_by, t.reason, t.explanation, t.created_at, t.started_at, t.dispatched_at, t.ended_at,
    ARRAY(SELECT depends_on::text FROM task_dependencies d WHERE d.task_id = t.id ORDER BY 1) AS depends_on
FROM tasks t
"""

APPROVAL = """
SELECT id::text, task_id::text, attempt, question, reasons, token, asked_at, expires_at, verdict, actor, reason
FROM task_approvals
"""

TRADE = """
SELECT leg, symbol, side, amount, price, worst_price, share, why, mode, intended_at, signal_id::text, refusal FROM task_trades
"""

_ENDED = ("filled", "canceled", "rejected", "expired")


def task_of(row: Mapping[str, Any]) -> Task:
    """A row of `TASK`."""
    fields = {name: value for name, value in row.items() if name != "kind"}
    return Task(
        **fields
        | {
            "request": read(row["request"]),
            "priority": Priority(row["priority"]),
            "status": TaskStatus(row["status"]),
            "ignored": tuple(row["ignored"]),
            "explanation": tuple(row["explanation"]),
            "depends_on": tuple(row["depends_on"]),
        }
    )


def columns_of(task: Task) -> dict[str, Any]:
    """What of a task is written."""
    return {
        "id": task.id,
        "kind": task.kind.value,
        "priority": task.priority.value,
        "rank": task.priority.rank,
        "status": task.status.value,
        "attempt": task.attempt,
        "request": Jsonb(task.request.model_dump(mode="json")),
        "symbols": list(task.request.markets),
        "words": task.words,
        "understood": task.understood,
        "ignored": list(task.ignored),
        "requested_by": task.requested_by,
        "key": task.idempotency_key,
        "deadline": task.deadline,
        "confirm_by": task.confirm_by,
        "reason": task.reason,
        "explanation": list(task.explanation),
        "created_at": task.created_at,
        "started_at": task.started_at,
        "dispatched_at": task.dispatched_at,
        "ended_at": task.ended_at,
    }


def approval_of(row: Mapping[str, Any]) -> Approval:
    """A row of `APPROVAL`."""
    return Approval(**{**row, "reasons": tuple(row["reasons"])})


def trade_of(row: Mapping[str, Any]) -> RaisedTrade:
    """A row of `TRADE`."""
    return RaisedTrade(**{**row, "side": Side(row["side"])})


def outcome_of(row: Mapping[str, Any]) -> TradeOutcome:
    """What decisions, orders and fills, gathered as JSON, make of a signal."""
    verdicts = [Verdict(**decision) for decision in row["decisions"]]
    goes_on = row["plan"] == "working"
    newest = len(row["orders"]) - 1
    orders = tuple(_order_of(order, goes_on and number == newest) for number, order in enumerate(row["orders"]))
    refusal = next((verdict for verdict in verdicts if not verdict.approved), None)
    undecided = refusal is None and len(verdicts) < 2
    unplaced = refusal is None and not orders
    return TradeOutcome(
        refused=None if refusal is None else f"{refusal.stage}: {refusal.reason}",
        orders=orders,
        fills=tuple(FillOutcome(**_numbers(fill, "price", "amount", "fee", "slippage")) for fill in row["fills"]),
        working=undecided or unplaced or goes_on or any(map(_is_open, row["orders"])),
        unsliced=row["signal_id"] if goes_on and not orders else None,
    )


def _order_of(row: Mapping[str, Any], goes_on: bool) -> OrderOutcome:
    order = _numbers(row, "amount", "filled", "cost")
    is_requested = order.pop("cancel_requested")
    return OrderOutcome(**order, cancelable=goes_on or (_is_open(row) and not is_requested))


def _is_open(order: Mapping[str, Any]) -> bool:
    return order["state"] not in _ENDED


def _numbers(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    exact = {name: Decimal(values[name]) for name in names if values[name] is not None}
    return {**values, **exact}
