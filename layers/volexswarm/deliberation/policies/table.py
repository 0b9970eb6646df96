"""Which rules speak for which role, in the blind round and when challenged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from volexswarm.agents import COMPLIANCE, NEWS, RESEARCH, RISK, SIGNAL, STRATEGY
from volexswarm.deliberation.domain import Abstention, Brief, Opinion
from volexswarm.deliberation.policies import compliance, news, research, risk, signal, strategy
from volexswarm.deliberation.policies.argument import argue
from volexswarm.deliberation.ports import Analyst
from volexswarm.errors import InvalidInput

ANALYSTS: Final[Mapping[str, Analyst]] = {
    RESEARCH.name: research.judge,
    NEWS.name: news.judge,
    SIGNAL.name: signal.judge,
    STRATEGY.name: strategy.judge,
    RISK.name: risk.judge,
    COMPLIANCE.name: compliance.judge,
}


def speak(role: str, brief: Brief) -> Opinion | Abstention:
    """The role's answer by its rules: to the facts, or to an objection if the brief holds one.

    Raises
    ------
    InvalidInput
        If there is no such role at the desk.
    """
    if role not in ANALYSTS:
        raise InvalidInput("role", role, f"one of {', '.join(ANALYSTS)}")
    if brief.standing is not None and brief.objection is not None:
        return argue(brief.standing, brief.objection)
    return ANALYSTS[role](brief)
