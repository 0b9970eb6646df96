"""Meta agent's deliberation: a question and what was gathered in, the team's ruling out."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.steps import step
from volexswarm.deliberation.summons import Summons

blueprint = Blueprint(__name__)


@step(blueprint, "meta-deliberate")
def on_question(event: dict[str, Any]) -> dict[str, Any]:
    """Have the team deliberate; called again, it goes on where it was, or gives the ruling that there is."""
    summons = Summons.read(event)
    ruling = wiring.coordinator().deliberate(summons.question, summons.testimonies, summons.limits, summons.deadline)
    return ruling.model_dump(mode="json")
