"""Who is heard after the blind round: the strongest dissenter, then the one it disputes. Pure.

Tainted roles neither challenge nor are challenged, nor do they count in the disagreement: what they say starts no argument. Gates
may dispute others; nobody argues with a gate, and where one has a veto, or is silent, there is nothing left to argue about.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from volexswarm.deliberation.desk import DESK, Role
from volexswarm.deliberation.domain import Answer, Opinion
from volexswarm.deliberation.verdict import direction_of, is_veto


@dataclass(frozen=True)
class Pair:
    """A challenger and the one it disputes."""

    challenger: str
    target: str


def disagreement(panel: Mapping[str, Answer], weights: Mapping[str, float]) -> float:
    """How far the untainted are from one mind: 0 all the same, 1 half for buying and half for selling.

    The standard deviation of their directions (1, 0, -1), weighed by strength.
    """
    votes = [(_strength(role, opinion, weights), direction_of(opinion.stance)) for role, opinion in _untainted(panel)]
    total = math.fsum(strength for strength, _ in votes)
    if not total:
        return 0.0
    mean = math.fsum(strength * direction for strength, direction in votes) / total
    return math.sqrt(max(0.0, math.fsum(strength * (direction - mean) ** 2 for strength, direction in votes) / total))


def next_pair(
    panel: Mapping[str, Answer], weights: Mapping[str, float], threshold: float, absent: Collection[str] = ()
) -> Pair | None:
    """Who is heard next; None when the team is of one mind enough, or nobody is there to be disputed.

    Roles in `absent` have no seat: what they would say is in no panel, and their silence is no veto.
    """
    vetoed = any(is_veto(role, panel.get(role.name)) for role in DESK if role.name not in absent)
    if vetoed or disagreement(panel, weights) <= threshold:
        return None
    lead = _lead(panel, weights)
    dissenters = [(role, o) for role, o in _untainted(panel) if direction_of(o.stance) != lead]
    targets = [(role, o) for role, o in _untainted(panel) if direction_of(o.stance) == lead and not role.gate]
    if not dissenters or not targets:
        return None
    challenger, opinion = max(dissenters, key=lambda vote: _strength(vote[0], vote[1], weights))
    named = next((role for role, _ in targets if role.name == opinion.objection_to), None)
    strongest, _ = max(targets, key=lambda vote: _strength(vote[0], vote[1], weights))
    return Pair(challenger.name, (named or strongest).name)


def _lead(panel: Mapping[str, Answer], weights: Mapping[str, float]) -> int:
    """The direction with most strength behind it; waiting, where it is a draw."""
    masses = {0: 0.0, 1: 0.0, -1: 0.0}
    for role, opinion in _untainted(panel):
        masses[direction_of(opinion.stance)] += _strength(role, opinion, weights)
    return max(masses, key=lambda direction: masses[direction])


def _untainted(panel: Mapping[str, Answer]) -> list[tuple[Role, Opinion]]:
    """Those with an opinion that they are sure of at least a little."""
    spoken = [(role, answer) for role in DESK if isinstance(answer := panel.get(role.name), Opinion)]
    return [(role, opinion) for role, opinion in spoken if not role.tainted and opinion.confidence]


def _strength(role: Role, opinion: Opinion, weights: Mapping[str, float]) -> float:
    return weights.get(role.name, 1.0) * opinion.confidence
