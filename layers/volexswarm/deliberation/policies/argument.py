"""How a policy analyst answers an objection: it keeps its view, or gives way towards waiting. It is never talked into a trade."""

from __future__ import annotations

from typing import Final

from volexswarm.deliberation.domain import Objection, Opinion
from volexswarm.deliberation.policies.wording import opinion
from volexswarm.messages import Stance

OUTWEIGHS: Final = 1.5
"""So many times as sure must the other be, for a role to give way."""


def argue(standing: Opinion, objection: Objection) -> Opinion:
    """Hold to the standing opinion, or change to waiting when a surer role says otherwise on evidence of its own."""
    other = objection.opinion
    new = set(other.evidence) - set(standing.evidence)
    outweighed = (
        bool(new) and other.stance is not standing.stance and other.confidence >= OUTWEIGHS * standing.confidence
    )
    if outweighed and standing.stance is not Stance.HOLD:
        surer = f"({other.confidence:.2f} against {standing.confidence:.2f})"
        return opinion(
            Stance.HOLD,
            standing.confidence / 2,
            0.0,
            f"{objection.role} is surer {surer} and rests on other facts: I wait.",
            standing.evidence,
        )
    against = None if other.stance is standing.stance else objection.role
    return standing.model_copy(update={"objection_to": against})
