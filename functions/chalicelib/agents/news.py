"""News sentiment agent: says what the headlines of the last days amount to. Items come in by the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.hearing import testimony
from chalicelib.runtime.steps import step

blueprint = Blueprint(__name__)


@step(blueprint, "news-sentiment")
def on_task(event: Mapping[str, Any]) -> dict[str, Any]:
    """Testify about a symbol."""
    return testimony(event, wiring.news_agent().testify)
