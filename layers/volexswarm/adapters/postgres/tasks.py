"""The statements of tasks: their life, what a person is asked, what they trade and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from volexswarm.adapters.postgres.store import PostgresTransaction
from volexswarm.adapters.postgres.task_rows import (
    APPROVAL,
    TASK,
    TRADE,
    approval_of,
    columns_of,
    outcome_of,
    task_of,
    trade_of,
)
from volexswarm.errors import NotFound
from volexswarm.messages import TaskStatus
from volexswarm.policies import StoredPolicy
from volexswarm.tasks.model import Approval, Cost, PlannedTrade, RaisedTrade, Story, Task, TradeOutcome
from volexswarm.tasks.ports import TrackRecord

_ADD = """
INSERT INTO tasks (id, kind, priority, rank, status, attempt, request, symbols, words, understood, ignored, requested_by,
    idempotency_key, deadline, confirm_by, reason, explanation, created_at)
VALUES (%(id)s, %(kind)s, %(priority)s, %(rank)s, %(status)s, %(attempt)s, %(request)s, %(symbols)s, %(words)s, %(understood)s,
    %(ignored)s, %(requested_by)s, %(key)s, %(deadline)s, %(confirm_by)s, %(reason)s, %(explanation)s, %(created_at)s)
"""

_SAVE = """
UPDATE tasks SET status = %(status)s, attempt = %(attempt)s, reason = %(reason)s, explanation = %(explanation)s,
    started_at = %(started_at)s, dispatched_at = %(dispatched_at)s, ended_at = %(ended_at)s
WHERE id = %(id)s
"""

_TRANSITION = """
INSERT INTO task_transitions (task_id, attempt, before, after, actor, reason, changed_at) VALUES (%s, %s, %s, %s, %s, %s, %s)
"""

_WAITING = TASK + "WHERE t.status = 'waiting' ORDER BY t.rank, t.created_at, t.id FOR UPDATE OF t"

_DEPENDENCIES = """
SELECT d.task_id::text, t.id::text, t.status, t.reason
FROM task_dependencies d JOIN tasks t ON t.id = d.depends_on
WHERE d.task_id = ANY(%s::uuid[]) ORDER BY t.created_at
"""

_RUNNING = TASK + "WHERE t.status IN ('running', 'awaiting_approval') ORDER BY t.started_at"

_CANCELED = (
    TASK
    + """
WHERE t.status = 'canceled' AND t.ended_at > %s
  AND EXISTS (SELECT FROM task_trades r WHERE r.task_id = t.id AND r.intended_at IS NOT NULL)
"""
)

_ANSWERS = """
SELECT step, symbol, output FROM task_steps
WHERE task_id = %(id)s AND attempt = %(attempt)s AND output IS NOT NULL ORDER BY started_at, step, symbol
"""

_COST = """
SELECT count(*) AS calls, coalesce(sum(c.tokens), 0) AS tokens, coalesce(sum(c.cost), 0) AS usd
FROM deliberations d JOIN deliberation_calls c ON c.deliberation_id = d.id
WHERE d.task_id = %(id)s AND d.attempt = %(attempt)s
"""

_ADD_TRADE = """
INSERT INTO task_trades (task_id, attempt, leg, symbol, side, amount, price, worst_price, share, why,
    mode)
VALUES (%(task_id)s, %(attempt)s, %(leg)s, %(symbol)s, %(side)s, %(amount)s, %(price)s, %(worst_price)s, %(share)s, %(why)s,
    %(mode)s)
"""

# Numbers travel as text inside JSON, because JSON readers make floats of them.
_OUTCOMES = """
SELECT s.id::text AS signal_id, l.state AS plan,
    coalesce((SELECT jsonb_agg(jsonb_build_object('stage', stage, 'approved', approved, 'policy_version', policy_version,
                                                  'checks', checks) ORDER BY stage DESC)
              FROM decisions WHERE signal_id = s.id), '[]') AS decisions,
    coalesce((SELECT jsonb_agg(jsonb_build_object('id', id, 'state', state, 'amount', amount::text, 'filled', filled::text,
                                                  'cost', cost::text, 'reason', reason,
                                                  'cancel_requested', cancel_requested_at IS NOT NULL) ORDER BY sequence)
              FROM orders WHERE proposal_id = p.id AND purpose IN ('trade', 'slice')), '[]') AS orders,
    coalesce((SELECT jsonb_agg(jsonb_build_object('order_id', f.order_id, 'price', f.price::text, 'amount', f.amount::text,
                                                  'fee', f.fee::text, 'fee_currency', f.fee_currency,
                                                  'slippage', f.slippage::text) ORDER BY f.as_of, f.trade_id)
              FROM fills f JOIN orders o ON o.id = f.order_id
              WHERE o.proposal_id = p.id AND o.purpose IN ('trade', 'slice')), '[]') AS fills
FROM signals s LEFT JOIN proposals p ON p.signal_id = s.id LEFT JOIN order_plans l ON l.proposal_id = p.id
WHERE s.id = ANY(%s::uuid[])
"""

# the question stands as it was asked first; only the token under which the flow waits may be another
_ASK = """
INSERT INTO task_approvals AS a (id, task_id, attempt, question, reasons, token, asked_at, expires_at)
VALUES (%(id)s, %(task_id)s, %(attempt)s, %(question)s, %(reasons)s, %(token)s, %(asked_at)s, %(expires_at)s)
ON CONFLICT (task_id, attempt) DO UPDATE SET token = EXCLUDED.token, answered_at = NULL
RETURNING id::text, task_id::text, attempt, question, reasons, token, asked_at, expires_at, verdict, actor, reason
"""

_TRACK_RECORDS = """
SELECT function, count(*) FILTER (WHERE status = 'started' AND started_at > now() - interval '10 minutes') AS at_work,
    count(*) FILTER (WHERE status <> 'started') AS ended, count(*) FILTER (WHERE status = 'done') AS answered
FROM task_steps WHERE started_at > %s GROUP BY function
"""

# money counts in the books that trade at this moment: paper beside real money would be neither
_FIGURES = """
WITH period AS (
    SELECT as_of, equity, units FROM equity_snapshots JOIN trading_modes USING (venue, account)
    WHERE taken_at BETWEEN %(since)s AND %(until)s
), ordered AS (
    SELECT state FROM orders JOIN trading_modes USING (venue, account) WHERE intended_at BETWEEN %(since)s AND %(until)s
), filled AS (
    SELECT symbol, price, amount, fee, fee_currency FROM fills JOIN trading_modes USING (venue, account)
    WHERE applied_at BETWEEN %(since)s AND %(until)s
)
SELECT
    (SELECT count(*) FROM signals WHERE raised_at BETWEEN %(since)s AND %(until)s) AS signals,
    (SELECT count(*) FROM decisions WHERE stage = 'risk' AND NOT approved AND decided_at BETWEEN %(since)s AND %(until)s)
        AS refused_risk,
    (SELECT count(*) FROM decisions WHERE stage = 'compliance' AND NOT approved AND decided_at BETWEEN %(since)s AND %(until)s)
        AS refused_compliance,
    (SELECT count(*) FROM ordered) AS orders,
    (SELECT count(*) FROM ordered WHERE state = 'rejected') AS rejected,
    (SELECT count(*) FROM filled) AS fills,
    (SELECT coalesce(jsonb_object_agg(quote, volume::text), '{}') FROM (
        SELECT split_part(symbol, '/', 2) AS quote, sum(price * amount) AS volume FROM filled GROUP BY 1) v) AS volumes,
    (SELECT coalesce(jsonb_object_agg(fee_currency, fee::text), '{}') FROM (
        SELECT fee_currency, sum(fee) AS fee FROM filled WHERE fee <> 0 GROUP BY 1) f) AS fees,
    (SELECT count(*) FROM tasks WHERE status = 'succeeded' AND ended_at BETWEEN %(since)s AND %(until)s) AS tasks_done,
    (SELECT count(*) FROM tasks WHERE status = 'rejected' AND ended_at BETWEEN %(since)s AND %(until)s) AS tasks_rejected,
    (SELECT count(*) FROM tasks WHERE status = 'failed' AND ended_at BETWEEN %(since)s AND %(until)s) AS tasks_failed,
    (SELECT count(*) FROM breakers WHERE state <> 'closed') AS breakers,
    (SELECT count(*) FROM compliance_flags WHERE state <> 'cleared') AS flags,
    first.equity::text AS equity_before, first.units::text AS units_before,
    last.equity::text AS equity_after, last.units::text AS units_after,
    (SELECT coalesce(sum(value), 0)::text FROM transfers JOIN trading_modes USING (venue, account)
     WHERE valued_as_of > first.as_of AND valued_as_of <= last.as_of) AS moved
FROM (SELECT) one
LEFT JOIN (SELECT * FROM period ORDER BY as_of LIMIT 1) first ON true
LEFT JOIN (SELECT * FROM period ORDER BY as_of DESC LIMIT 1) last ON true
"""


class TaskTransaction(PostgresTransaction):
    """Implements `tasks.ports.TaskTransaction`."""

    def newest_policy(self) -> StoredPolicy | None:
        row = self.connection.execute(
            "SELECT version, body FROM policies WHERE name = 'tasks' ORDER BY version DESC LIMIT 1"
        ).fetchone()
        return None if row is None else StoredPolicy(row["version"], row["body"])

    def hold_key(self, requested_by: str, idempotency_key: str) -> Task | None:
        name = f"task:{len(requested_by)}:{requested_by}:{idempotency_key}"
        self.connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (name,))
        row = self.connection.execute(
            TASK + "WHERE t.requested_by = %s AND t.idempotency_key = %s", (requested_by, idempotency_key)
        ).fetchone()
        return None if row is None else task_of(row)

    def add_task(self, task: Task, actor: str) -> None:
        self.connection.execute(_ADD, columns_of(task))
        self.connection.cursor().executemany(
            "INSERT INTO task_dependencies (task_id, depends_on) VALUES (%s, %s)",
            [(task.id, other) for other in task.depends_on],
        )
        self._record(None, task, actor, task.created_at)

    def unknown(self, task_ids: Sequence[str]) -> list[str]:
        rows = self.connection.execute(
            "SELECT wanted.id FROM unnest(%s::text[]) AS wanted (id)"
            " WHERE NOT EXISTS (SELECT FROM tasks t WHERE t.id::text = wanted.id)",
            (list(task_ids),),
        )
        return [row["id"] for row in rows]

    def task(self, task_id: str, *, held: bool = False) -> Task:
        hold = " FOR UPDATE OF t" if held else ""
        row = self.connection.execute(TASK + "WHERE t.id::text = %s" + hold, (task_id,)).fetchone()
        if row is None:
            raise NotFound("task", task_id)
        return task_of(row)

    def save_task(self, before: Task, after: Task, actor: str, at: datetime) -> None:
        self.connection.execute(_SAVE, columns_of(after))
        self._record(before.status, after, actor, at)

    def hold_dispatch(self) -> None:
        self.connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('tasks:dispatch', 0))")

    def waiting(self) -> Sequence[tuple[Task, Sequence[tuple[str, TaskStatus, str]]]]:
        tasks = [task_of(row) for row in self.connection.execute(_WAITING).fetchall()]
        known: dict[str, list[tuple[str, TaskStatus, str]]] = {task.id: [] for task in tasks}
        for row in self.connection.execute(_DEPENDENCIES, (list(known),)):
            known[row["task_id"]].append((row["id"], TaskStatus(row["status"]), row["reason"]))
        return [(task, known[task.id]) for task in tasks]

    def running(self) -> Sequence[Task]:
        return [task_of(row) for row in self.connection.execute(_RUNNING).fetchall()]

    def unconfirmed_since(self, now: datetime) -> Sequence[str]:
        rows = self.connection.execute(
            "SELECT id::text FROM tasks WHERE status = 'unconfirmed' AND confirm_by <= %s ORDER BY id", (now,)
        )
        return [row["id"] for row in rows]

    def canceled_at_work(self, since: datetime) -> Sequence[Task]:
        return [task_of(row) for row in self.connection.execute(_CANCELED, (since,)).fetchall()]

    def mark_dispatched(self, task_id: str, attempt: int, at: datetime | None) -> None:
        self.connection.execute(
            "UPDATE tasks SET dispatched_at = %s WHERE id = %s AND attempt = %s", (at, task_id, attempt)
        )

    def story(self, task_id: str) -> Story:
        task = self.task(task_id)
        keys = {"id": task.id, "attempt": task.attempt}
        answers = {(r["step"], r["symbol"]): r["output"] for r in self.connection.execute(_ANSWERS, keys)}
        approval = self.connection.execute(
            APPROVAL + "WHERE task_id = %(id)s AND attempt = %(attempt)s", keys
        ).fetchone()
        cost = self.connection.execute(_COST, keys).fetchone()
        assert cost is not None  # an aggregate always answers
        trades = self.trades(task.id, task.attempt)
        by_signal = self.outcomes([trade.signal_id for trade in trades if trade.signal_id])
        return Story(
            task=task,
            answers=answers,
            approval=None if approval is None else approval_of(approval),
            trades=tuple(trades),
            outcomes={t.leg: by_signal[t.signal_id] for t in trades if t.signal_id and t.signal_id in by_signal},
            cost=Cost(**cost),
        )

    def add_trades(self, task: Task, trades: Sequence[PlannedTrade]) -> Sequence[RaisedTrade]:
        self.task(task.id, held=True)
        known = self.trades(task.id, task.attempt)
        if known:
            return known
        keys = {"task_id": task.id, "attempt": task.attempt}
        rows = [{**asdict(trade), **keys, "side": trade.side.value} for trade in trades]
        self.connection.cursor().executemany(_ADD_TRADE, rows)
        return self.trades(task.id, task.attempt)

    def trades(self, task_id: str, attempt: int | None = None) -> Sequence[RaisedTrade]:
        wanted = {"id": task_id, "attempt": attempt}
        rows = self.connection.execute(
            TRADE
            + "WHERE task_id = %(id)s AND (%(attempt)s::integer IS NULL OR attempt = %(attempt)s) ORDER BY attempt, leg",
            wanted,
        )
        return [trade_of(row) for row in rows]

    def save_trade(self, task: Task, trade: RaisedTrade) -> None:
        self.connection.execute(
            "UPDATE task_trades SET intended_at = %s, signal_id = %s, refusal = %s"
            " WHERE task_id = %s AND attempt = %s AND leg = %s",
            (trade.intended_at, trade.signal_id, trade.refusal, task.id, task.attempt, trade.leg),
        )

    def outcomes(self, signal_ids: Sequence[str]) -> Mapping[str, TradeOutcome]:
        if not signal_ids:
            return {}
        rows = self.connection.execute(_OUTCOMES, (list(signal_ids),)).fetchall()
        return {row["signal_id"]: outcome_of(row) for row in rows}

    def ask(self, approval: Approval) -> Approval:
        values = {**asdict(approval), "reasons": list(approval.reasons)}
        row = self.connection.execute(_ASK, values).fetchone()
        assert row is not None  # the statement returns the row that it wrote
        return approval_of(row)

    def approval(self, approval_id: str, *, held: bool = False) -> Approval:
        hold = " FOR UPDATE" if held else ""
        row = self.connection.execute(APPROVAL + "WHERE id::text = %s" + hold, (approval_id,)).fetchone()
        if row is None:
            raise NotFound("approval", approval_id)
        return approval_of(row)

    def save_verdict(self, approval: Approval, at: datetime) -> None:
        self.connection.execute(
            "UPDATE task_approvals SET verdict = %s, actor = %s, reason = %s, decided_at = %s WHERE id = %s",
            (approval.verdict, approval.actor, approval.reason, at, approval.id),
        )

    def approvals_due(self, now: datetime) -> Sequence[str]:
        rows = self.connection.execute(
            "SELECT id::text FROM task_approvals WHERE verdict IS NULL AND answered_at IS NULL AND expires_at <= %s ORDER BY id",
            (now,),
        )
        return [row["id"] for row in rows]

    def unanswered(self) -> Sequence[Approval]:
        rows = self.connection.execute(APPROVAL + "WHERE verdict IS NOT NULL AND answered_at IS NULL ORDER BY asked_at")
        return [approval_of(row) for row in rows]

    def mark_answered(self, approval_id: str, at: datetime) -> None:
        self.connection.execute("UPDATE task_approvals SET answered_at = %s WHERE id = %s", (at, approval_id))

    def due_flows(self, dues: Mapping[str, datetime], now: datetime) -> Mapping[str, datetime]:
        self.connection.execute(
            "INSERT INTO task_schedules (name, next_due) SELECT * FROM unnest(%s::text[], %s::timestamptz[])"
            " ON CONFLICT DO NOTHING",
            (list(dues), list(dues.values())),
        )
        rows = self.connection.execute(
            "SELECT name, next_due FROM task_schedules WHERE name = ANY(%s) AND next_due <= %s", (list(dues), now)
        )
        return {row["name"]: row["next_due"] for row in rows}

    def set_due(self, name: str, next_due: datetime) -> None:
        self.connection.execute("UPDATE task_schedules SET next_due = %s WHERE name = %s", (next_due, name))

    def track_records(self, since: datetime) -> Mapping[str, TrackRecord]:
        rows = self.connection.execute(_TRACK_RECORDS, (since,))
        return {row["function"]: TrackRecord(row["at_work"], row["ended"], row["answered"]) for row in rows}

    def figures(self, since: datetime, until: datetime) -> Mapping[str, Any]:
        row = self.connection.execute(_FIGURES, {"since": since, "until": until}).fetchone()
        assert row is not None  # a SELECT of scalars always gives a row
        return row

    def _record(self, before: TaskStatus | None, after: Task, actor: str, at: datetime) -> None:
        known = None if before is None else before.value
        self.connection.execute(
            _TRANSITION, (after.id, after.attempt, known, after.status.value, actor, after.reason, at)
        )
