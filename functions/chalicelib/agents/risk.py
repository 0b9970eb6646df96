"""Risk agent: a signal in, a sized proposal or a refusal out."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.batch import BatchResponse, each_message
from chalicelib.runtime.observability import observed
from chalicelib.runtime.wakers import woken
from volexswarm.messages import SignalRaised

blueprint = Blueprint(__name__)


@woken(blueprint, "risk")
@observed("risk")
def on_signals(event: Any) -> BatchResponse:
    """Size each signal and hold it against the limits."""
    return each_message(event, SignalRaised, wiring.risk_agent().assess)
