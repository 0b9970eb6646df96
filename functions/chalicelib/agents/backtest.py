"""Backtest agent: strategies over stored candles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.steps import step

blueprint = Blueprint(__name__)


@step(blueprint, "backtest")
def on_task(event: Mapping[str, Any]) -> dict[str, Any]:
    """Run the backtest that the task asks for."""
    from volexswarm.backtest.model import Commission  # noqa: PLC0415 - with the first job

    wanted = Commission.of_task(event["task_id"], event["attempt"], event["request"], wiring.settings().venue)
    return asdict(wiring.backtest_agent().backtest(wanted))
