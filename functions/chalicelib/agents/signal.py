"""Signal agent: a closed candle in, signals of the active strategies out."""

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
from volexswarm.messages import CandleClosed

blueprint = Blueprint(__name__)


@woken(blueprint, "signal")
@observed("signal")
def on_candles(event: Any) -> BatchResponse:
    """Evaluate the active strategies of the candle's symbol and timeframe."""
    return each_message(event, CandleClosed, wiring.signal_agent().evaluate)


@step(blueprint, "signal-voice")
def on_task(event: Mapping[str, Any]) -> dict[str, Any]:
    """Say what indicators and strategies see in a symbol."""
    return testimony(event, wiring.signal_voice().testify)
