"""Asks a person whether a task may trade, and lets the flow wait for the answer under its token."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from volexswarm.clock import Clock
from volexswarm.errors import Conflict
from volexswarm.messages import NAMESPACE, ApprovalAsked, Event, Ruling, TaskStatus
from volexswarm.ports import Store
from volexswarm.tasks.life import SYSTEM, move
from volexswarm.tasks.model import Approval, PlannedTrade, Story, Task
from volexswarm.tasks.policy import TasksPolicy
from volexswarm.tasks.ports import Flows, TaskTransaction
from volexswarm.tasks.prepare import required_policy
from volexswarm.tasks.record import SOURCE


class Asking:
    """Puts a task's question to a person.

    Parameters
    ----------
    store : Store[TaskTransaction]
    flows : Flows
        To answer at once what was decided before.
    clock : Clock
        Wall time.
    """

    def __init__(self, *, store: Store[TaskTransaction], flows: Flows, clock: Clock) -> None:
        self._store = store
        self._flows = flows
        self._clock = clock

    def ask(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Store and tell the question, once. A flow that asks again, under a new token, gets an answer that was given.

        Raises
        ------
        Unavailable
        Conflict
            If the task is not at work any more.
        """
        now = self._clock.now()
        with self._store.transaction() as tx:
            task = tx.task(event["task_id"], held=True)
            if task.status not in (TaskStatus.RUNNING, TaskStatus.AWAITING_APPROVAL):
                raise Conflict(f"task {task.id} is {task.status}: {task.reason}")
            wanted = self._approval(tx.story(task.id), required_policy(tx), event["token"])
            approval = tx.ask(wanted)
            if approval.verdict is None and task.status is TaskStatus.RUNNING:
                move(tx, task, TaskStatus.AWAITING_APPROVAL, actor=SYSTEM, reason=approval.question, at=now)
                tx.publish(_asked(approval, now))
        if approval.verdict is not None:
            self._flows.answer(event["token"], {"verdict": approval.verdict})
        return {"approval_id": approval.id, "words": approval.question}

    def _approval(self, story: Story, policy: TasksPolicy, token: str) -> Approval:
        task, now = story.task, self._clock.now()
        until = now + timedelta(minutes=policy.approval_minutes)
        trades = [trade for trade in story.trades if trade.refusal is None]
        return Approval(
            id=str(uuid.uuid5(NAMESPACE, f"approval/{task.id}/{task.attempt}")),
            task_id=task.id,
            attempt=task.attempt,
            question=_question(task, trades),
            reasons=tuple(_reasons(story)),
            token=token,
            asked_at=now,
            expires_at=until if task.deadline is None else min(until, task.deadline),
        )


def _question(task: Task, trades: Sequence[PlannedTrade]) -> str:
    money = " and ".join(dict.fromkeys(f"{trade.mode} money" for trade in trades))
    return f"May {' and '.join(trade.in_words for trade in trades)} be traded with {money} for {task.requested_by}?"


def _reasons(story: Story) -> list[str]:
    """What a person should know before answering."""
    appraisal = story.answer("appraise") or {}
    found = [f"asked for: {story.task.understood}", str(appraisal.get("words", ""))]
    found += [f"{trade.symbol}: {trade.bound_in_words}" for trade in story.trades if trade.refusal is None]
    for (step, symbol), answer in story.answers.items():
        if step == "deliberate":
            ruling = Ruling.model_validate(answer)
            found.append(f"{symbol}: {ruling.explanation}")
            found += [f"{symbol}: {agent} disagrees" for agent in ruling.dissent]
            if ruling.degraded:
                found.append(f"{symbol}: a model was replaced or a voice was missing")
    return [reason for reason in found if reason]


def _asked(approval: Approval, now: datetime) -> Event[ApprovalAsked]:
    fact = ApprovalAsked(
        task_id=approval.task_id,
        attempt=approval.attempt,
        approval_id=approval.id,
        question=approval.question,
        reasons=approval.reasons,
        expires_at=approval.expires_at,
    )
    return Event.root(fact, source=SOURCE, subject=fact.key, identity=approval.id, time=now)
