"""Meta agent's thinking: a question and what was gathered in, the team's ruling out; and a person's words, read by a model."""

from __future__ import annotations

import asyncio
from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.observability import observed
from chalicelib.runtime.steps import step
from chalicelib.runtime.wakers import woken
from volexswarm.deliberation.summons import Summons

blueprint = Blueprint(__name__)


READING = 18.0
"""Seconds that a model has to read a person's words: the API, which waits for it, has 29 in all."""


@woken(blueprint, "meta-read")
@observed("meta-read")
def on_words(event: dict[str, Any]) -> dict[str, Any]:
    """Read `words` by the configured model into an object of the `schema`; `read` is None where that can't be done."""
    clerk = wiring.model_voices().clerk()
    if clerk is None:
        return {"read": None, "model": None}
    read = asyncio.run(clerk.write(event["words"], event["schema"], event["known"], READING))
    return {"read": read, "model": clerk.name}


@step(blueprint, "meta-deliberate")
def on_question(event: dict[str, Any]) -> dict[str, Any]:
    """Have the team deliberate; called again, it goes on where it was, or gives the ruling that there is."""
    summons = Summons.read(event)
    ruling = wiring.coordinator().deliberate(summons.question, summons.testimonies, summons.limits, summons.deadline)
    return ruling.model_dump(mode="json")
