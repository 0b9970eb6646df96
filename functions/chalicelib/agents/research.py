"""Research agent: says what a market is like, and writes reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.hearing import testimony
from chalicelib.runtime.steps import step

blueprint = Blueprint(__name__)


@step(blueprint, "research")
def on_task(event: Mapping[str, Any]) -> dict[str, Any]:
    """Testify about a symbol; or write the report that a job asks for."""
    agent = wiring.research_agent()
    if not event["step"].startswith("job."):
        return testimony(event, agent.testify)
    from volexswarm.research.agent import Assignment  # noqa: PLC0415 - with the first job

    report = agent.write(
        Assignment(
            task_id=event["task_id"],
            attempt=event["attempt"],
            venue=wiring.settings().venue,
            symbols=tuple(event["request"].get("symbols", ())),
        )
    )
    summary = {"symbols": list(report.symbols), "as_of": report.as_of.isoformat()}
    return {"id": report.id, "summary": summary, "words": report.words}
