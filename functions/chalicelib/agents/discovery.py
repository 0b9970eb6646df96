"""Strategy discovery agent: looks for strategies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.steps import step

blueprint = Blueprint(__name__)


@step(blueprint, "strategy-discovery")
def on_task(event: Mapping[str, Any]) -> dict[str, Any]:
    """Look for strategies where the task wants them; what outlasts the call goes on in the next."""
    from volexswarm.discovery.model import Expedition  # noqa: PLC0415 - with the first job

    request = event["request"]
    wanted = Expedition(
        task_id=event["task_id"],
        attempt=event["attempt"],
        step=event["step"],
        venue=wiring.settings().venue,
        symbols=tuple(dict.fromkeys(request["symbols"])),
        days=request["days"],
    )
    return asdict(wiring.discovery_agent().discover(wanted))
