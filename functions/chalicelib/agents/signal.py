"""Signal agent: a closed candle in, signals of the active strategies out."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.batch import BatchResponse, each_message
from chalicelib.runtime.observability import observed
from chalicelib.runtime.wakers import woken
from volexswarm.messages import CandleClosed

blueprint = Blueprint(__name__)


@woken(blueprint, "signal")
@observed("signal")
def on_candles(event: Any) -> BatchResponse:
    """Evaluate the active strategies of the candle's symbol and timeframe."""
    return each_message(event, CandleClosed, wiring.signal_agent().evaluate)
