"""Real-time data agent: trades in, closed candles out."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.batch import BatchResponse, each_message
from chalicelib.runtime.observability import observed
from chalicelib.runtime.wakers import woken
from volexswarm.messages import TickBatch

blueprint = Blueprint(__name__)


@woken(blueprint, "market-data")
@observed("market-data")
def on_ticks(event: Any) -> BatchResponse:
    """Store trades once, build and close candles."""
    return each_message(event, TickBatch, wiring.market_data_agent().ingest)
