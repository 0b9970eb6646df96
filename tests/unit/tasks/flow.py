"""The steps of a task's flow over a world in memory, and the answers that specialists would give."""

from __future__ import annotations

from typing import Any

from tests.fakes.tasks import TaskWorld
from tests.fakes.transaction import START
from volexswarm.messages import Ruling, Testimony
from volexswarm.tasks.asking import Asking
from volexswarm.tasks.ending import Ending
from volexswarm.tasks.model import Task
from volexswarm.tasks.prepare import Preparation
from volexswarm.tasks.previewing import Previewing
from volexswarm.tasks.proposal import Proposal
from volexswarm.tasks.raising import Raising
from volexswarm.tasks.router import Router


class Steps:
    """Every step of a world, as the state machine calls them; answers are kept, as the record does."""

    def __init__(self, world: TaskWorld) -> None:
        self.world = world
        store, clock = world.store, world.clock
        previewing = Previewing(store=store, previews=world.previews)
        raising = Raising(store=store, trader=world.trader, clock=clock)
        ending = Ending(store=store, clock=clock)
        preparation = Preparation(
            store=store, account=world.account, clock=clock, router=Router(store=store, clock=clock, calibration=dict)
        )
        self._steps = {
            "prepare": preparation.prepare,
            "propose": Proposal(store=store, account=world.account).propose,
            "risk": previewing.risk,
            "compliance": previewing.compliance,
            "appraise": previewing.appraise,
            "approval": Asking(store=store, flows=world.flows, clock=clock).ask,
            "execute": raising.execute,
            "settle": raising.settle,
            "explain": ending.explain,
            "notify": ending.notify,
            "fail": ending.fail,
        }

    def do(self, step: str, task: Task, **given: Any) -> dict[str, Any]:
        answer = self._steps[step]({"step": step, "task_id": task.id, "attempt": task.attempt, **given})
        self.world.state.answers[step, ""] = answer
        return answer

    def rules(self, symbol: str, action: str, size: float = 1.0, **fields: Any) -> None:
        """The team has deliberated on a symbol."""
        self.world.state.answers["deliberate", symbol] = ruling(symbol, action, size, **fields)

    def planned(self, task: Task) -> dict[str, Any]:
        """Propose by the rulings that there are."""
        rulings = [answer for (step, _), answer in self.world.state.answers.items() if step == "deliberate"]
        return self.do("propose", task, rulings=rulings)

    def end(self, task: Task) -> Task:
        """Explain and notify."""
        self.do("notify", task, explained=self.do("explain", task))
        return self.world.now(task.id)


def ruling(symbol: str, action: str, size: float = 1.0, **fields: Any) -> dict[str, Any]:
    values = {"deliberation_id": "d1", "symbol": symbol, "action": action, "size_frac": size if action != "hold" else 0}
    values |= {"confidence": 0.7, "degraded": False, "explanation": "score +0.61 is above 0.20"}
    return Ruling(**values | fields).model_dump(mode="json")


def speaks(agent: str, symbol: str, **features: float) -> dict[str, Any]:
    missing = None if features else "no data"
    return Testimony(agent=agent, symbol=symbol, as_of=START, features=features, missing=missing).model_dump(
        mode="json"
    )
