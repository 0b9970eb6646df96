"""What the task reader would show of the tasks in memory, with one step and one ruling of its own."""

from __future__ import annotations

from typing import Any

from tests.fakes.tasks import TaskWorld
from tests.fakes.transaction import START
from volexswarm.adapters.postgres.readers.beginnings import the_one
from volexswarm.adapters.task_views import seen, view_of
from volexswarm.errors import NotFound
from volexswarm.messages import Ruling
from volexswarm.tasks.model import RaisedTrade
from volexswarm.views.shape import Page
from volexswarm.views.tasks import Approval, AskedTrade, Task, TaskCost, TaskStep, TaskStory, TaskTransition

DELIBERATION = "de11be7a" * 8
RULING = Ruling(
    deliberation_id=DELIBERATION,
    symbol="ETH/USDT",
    action="buy",
    size_frac=0.1,
    confidence=0.62,
    dissent=("news-sentiment",),
    degraded=False,
    explanation="Buy 10.00% of the equity, confidence 0.62: four of six speak for it.\nresearch buy 0.70: it rises",
)


class FakeTaskReader:
    """`views.ports.TaskReader` over a TaskWorld."""

    def __init__(self, world: TaskWorld) -> None:
        self._world = world

    def tasks(self, status: Any, kind: Any, symbol: str | None, limit: int, cursor: str | None) -> Page[Task]:
        found = [
            view_of(task)
            for task in self._world.state.tasks.values()
            if status in (None, task.status)
            and kind in (None, task.kind)
            and (symbol is None or symbol in task.request.markets)
        ]
        return Page(items=found[:limit], next=None)

    def task_id(self, key: str) -> str:
        return the_one("task", key, [task_id for task_id in self._world.state.tasks if task_id.startswith(key)])

    def approval_id(self, key: str) -> str:
        return the_one("approval", key, [one for one in self._world.state.approvals if one.startswith(key)])

    def story(self, key: str) -> TaskStory:
        story = self._world.state.story(self.task_id(key))
        task = view_of(story.task)
        step = TaskStep(
            attempt=1,
            step="gather.research",
            symbol="ETH/USDT",
            function="research",
            status="done",
            detail="it rises",
            runs=1,
            started_at=START,
            ended_at=START,
            seconds=0.25,
            input={},
            output={},
        )
        became = TaskTransition(
            attempt=1, before=None, after=task.status, actor=task.requested_by, reason=task.reason, changed_at=START
        )
        return TaskStory(
            task=task,
            explanation=["anna asked: buy 0.5 ETH."],
            transitions=[became],
            steps=[step],
            approval=self.approval(story.approval.id) if story.approval else None,
            rulings=[RULING],
            trades=[],
            cost=TaskCost(calls=0, tokens=0, usd=0.0),
            simulated=True,
        )

    def approvals(self, limit: int, cursor: str | None, *, open_only: bool) -> Page[Approval]:
        every = [self.approval(one) for one in self._world.state.approvals]
        return Page(items=[one for one in every if not open_only or one.verdict is None][:limit], next=None)

    def approval(self, approval_id: str) -> Approval:
        if approval_id not in self._world.state.approvals:
            raise NotFound("approval", approval_id)
        found = self._world.state.approvals[approval_id]
        task = self._world.state.tasks[found.task_id]
        fields = {name: value for name, value in found.__dict__.items() if name != "token"}
        decided_at = START if found.verdict else None
        fields |= {"understood": task.understood, "requested_by": task.requested_by, "decided_at": decided_at}
        trades = [self._asked(trade) for trade in self._world.state.trades(task.id, task.attempt)]
        return Approval(**fields, trades=trades)

    def _asked(self, trade: RaisedTrade) -> AskedTrade:
        names = ("symbol", "side", "amount", "price", "worst_price")
        asked = AskedTrade(**{name: getattr(trade, name) for name in names})
        return seen(asked, self._world.trader.market.get(trade.symbol))
