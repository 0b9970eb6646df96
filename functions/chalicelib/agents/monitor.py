"""Monitor agent: counts events, checks every part's health, sends again what was not sent."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.batch import BatchResponse, each_message
from chalicelib.runtime.chores import each_chore
from chalicelib.runtime.observability import observed
from chalicelib.runtime.wakers import woken
from volexswarm.messages import Payload

blueprint = Blueprint(__name__)


@woken(blueprint, "monitor-events")
@observed("monitor-events")
def on_events(event: Any) -> BatchResponse:
    """Count each event by who sent it and what it is."""
    return each_message(event, Payload, wiring.monitor_agent().record)


@woken(blueprint, "monitor-keeper")
@observed("monitor-keeper")
def on_schedule(_event: Any) -> None:
    """Republish, check, clean up, escalate flags that nobody has answered."""
    monitor = wiring.monitor_agent()
    each_chore(monitor.republish, monitor.check_health, monitor.prune, wiring.flag_desk().escalate_unanswered)
