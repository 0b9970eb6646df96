"""Meta agent's task flows: starts tasks, does the steps that are no specialist's, and looks after what waits."""

from __future__ import annotations

from functools import partial
from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.batch import BatchResponse, each_message, seconds_left
from chalicelib.runtime.chores import each_chore
from chalicelib.runtime.observability import observed
from chalicelib.runtime.steps import step
from chalicelib.runtime.wakers import woken
from volexswarm.errors import require
from volexswarm.messages import TaskChanged

blueprint = Blueprint(__name__)


@woken(blueprint, "meta-tasks")
@observed("meta-tasks")
def on_tasks(event: Any) -> BatchResponse:
    """Start what may start, as each change of a task may be the one that it waited for."""
    return each_message(event, TaskChanged, wiring.dispatcher().on_change)


@step(blueprint, "meta-steps")
def on_step(event: dict[str, Any]) -> dict[str, Any]:
    """Do the step of the state machine that the event names."""
    steps = wiring.task_steps()
    require(event["step"] in steps, "step", event["step"], f"one of {', '.join(steps)}")
    return steps[event["step"]](event)


@woken(blueprint, "meta-keeper")
@observed("meta-keeper")
def on_schedule(event: Any) -> None:
    """End what nobody confirmed or approved in time, submit and start what is due, judge what was foretold, clean up."""
    upkeep = wiring.task_upkeep()
    each_chore(
        upkeep.expire_unconfirmed,
        upkeep.expire_approvals,
        upkeep.answer_flows,
        upkeep.withdraw_orders,
        wiring.task_schedules().tick,
        wiring.dispatcher().look_after,
        wiring.calibration().settle,
        wiring.step_record().forget,
        seconds_left=partial(seconds_left, event),
    )
