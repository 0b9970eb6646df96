"""Optimize agent: searches for better parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.steps import step

blueprint = Blueprint(__name__)


@step(blueprint, "optimize")
def on_task(event: Mapping[str, Any]) -> dict[str, Any]:
    """Search the parameters that the task asks for; a search that outlasts the call goes on in the next."""
    from volexswarm.optimize.model import Search  # noqa: PLC0415 - with the first job

    wanted = Search.of_task(
        event["task_id"], event["attempt"], event["step"], event["request"], wiring.settings().venue
    )
    return asdict(wiring.optimize_agent().optimize(wanted))
