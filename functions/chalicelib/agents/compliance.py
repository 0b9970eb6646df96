"""Compliance agent: a proposal in, an order or a refusal out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint

from chalicelib.runtime import wiring
from chalicelib.runtime.batch import BatchResponse, each_message
from chalicelib.runtime.hearing import testimony
from chalicelib.runtime.observability import observed
from chalicelib.runtime.steps import step
from chalicelib.runtime.wakers import woken
from volexswarm.messages import TradeProposed

blueprint = Blueprint(__name__)


@woken(blueprint, "compliance")
@observed("compliance")
def on_proposals(event: Any) -> BatchResponse:
    """Hold each proposal against the rules of the desk."""
    return each_message(event, TradeProposed, wiring.compliance_agent().review)


@step(blueprint, "compliance-voice")
def on_task(event: Mapping[str, Any]) -> dict[str, Any]:
    """Say whether the rules would let a trade of a symbol pass."""
    return testimony(event, wiring.compliance_voice().testify)
