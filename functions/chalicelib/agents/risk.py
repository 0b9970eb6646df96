"""Risk agent: a signal in, a sized proposal or a refusal out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.batch import BatchResponse, each_message
from chalicelib.runtime.hearing import testimony
from chalicelib.runtime.observability import observed
from chalicelib.runtime.steps import step
from chalicelib.runtime.wakers import woken
from volexswarm.messages import SignalRaised

blueprint = Blueprint(__name__)


@woken(blueprint, "risk")
@observed("risk")
def on_signals(event: Any) -> BatchResponse:
    """Size each signal and hold it against the limits."""
    return each_message(event, SignalRaised, wiring.risk_agent().assess)


@step(blueprint, "risk-voice")
def on_task(event: Mapping[str, Any]) -> dict[str, Any]:
    """Say whether a trade of a symbol would pass, and what room the limits leave."""
    return testimony(event, wiring.risk_voice().testify)
