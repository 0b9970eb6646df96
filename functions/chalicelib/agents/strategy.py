"""Strategy agent: says what the active strategies hold of a symbol. Their lives are moved on by the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.hearing import testimony
from chalicelib.runtime.steps import step

blueprint = Blueprint(__name__)


@step(blueprint, "strategy")
def on_task(event: Mapping[str, Any]) -> dict[str, Any]:
    """Testify about a symbol."""
    return testimony(event, wiring.strategy_agent().testify)
