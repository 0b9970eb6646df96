"""What the analysts' rules share: reading numbers from a brief with the evidence for them, sizing a wish, making an opinion."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from volexswarm.deliberation.desk import PORTFOLIO
from volexswarm.deliberation.domain import RATIONALE_LENGTH, Abstention, Brief, Opinion, Silence
from volexswarm.messages import Side, Stance

STANDARD_SHARE: Final = 0.05
"""Share of the equity that a sure opinion would trade where the task names no target."""


class Numbers:
    """An agent's features, remembering which of them were used: those are the evidence."""

    def __init__(self, brief: Brief, agent: str) -> None:
        found = brief.testimony(agent)
        self._agent = agent
        self._features = {} if found is None else found.features
        self._evidence = () if found is None else tuple(one for one in found.evidence if not one.tainted)
        self.used: list[str] = []
        given = next((t for t in brief.testimonies if t.agent == agent), None)
        self.missing = f"{agent} said nothing" if given is None else given.missing

    def get(self, name: str) -> float | None:
        """The number, None if it is not known."""
        value = self._features.get(name)
        if value is not None and (cited := f"{self._agent}:{name}") not in self.used:
            self.used.append(cited)
        return value

    def failed_checks(self) -> str:
        """The checks that a trade would fail, each with what was found and the limit, after a colon; empty if none was told."""
        failed = [one for one in self._evidence if one.kind == "check"]
        self.used += [one.id for one in failed if one.id not in self.used]
        return f": {'; '.join(one.text for one in failed)}" if failed else ""

    def silence(self, needed: str) -> Abstention:
        """There is too little to judge by."""
        return Abstention(why=Silence.NO_DATA, reason=(self.missing or f"needs {needed}")[:RATIONALE_LENGTH])

    def nothing(self, name: str, otherwise: str) -> Abstention:
        """The number shows that there is nothing to judge; why in the words of its evidence, `otherwise` where it has none."""
        words = {one.id: one.text for one in self._evidence}
        reason = words.get(f"{self._agent}:{name}", otherwise)
        return Abstention(why=Silence.NOTHING, reason=reason[:RATIONALE_LENGTH])


def opinion(stance: Stance, confidence: float, size_frac: float, rationale: str, evidence: Iterable[str]) -> Opinion:
    """An opinion with its numbers within bounds and rounded, so that it reads the same wherever it was computed."""
    return Opinion(
        stance=stance,
        confidence=round(min(1.0, max(0.0, confidence)), 4),
        size_frac=round(min(1.0, max(0.0, size_frac)), 6),
        rationale=rationale[:RATIONALE_LENGTH],
        evidence=tuple(evidence)[:20],
    )


def lean(score: float, least: float) -> Stance:
    """Buy from `least` on, sell from `-least` on, hold between."""
    return Stance.BUY if score >= least else Stance.SELL if score <= -least else Stance.HOLD


def squash(value: float) -> float:
    """Any number to between -1 and 1, without a jump."""
    return math.tanh(value)


def wished(brief: Brief) -> Stance | None:
    """The side that the task wants to trade."""
    wish = brief.question.wish
    return None if wish is None else Stance.BUY if wish is Side.BUY else Stance.SELL


def share_for(brief: Brief, stance: Stance, confidence: float) -> float:
    """Share of the equity to trade: what the target asks for, else the standard by confidence; no more than is held, to sell."""
    if stance not in (Stance.BUY, Stance.SELL):
        return 0.0
    portfolio = brief.testimony(PORTFOLIO)
    held = None if portfolio is None else portfolio.features.get("position_share")
    target = brief.question.target_share
    if target is not None and held is not None:
        return max(0.0, target - held if stance is Stance.BUY else held - target)
    share = STANDARD_SHARE * confidence
    return share if stance is Stance.BUY or held is None else min(share, max(0.0, held))


def weighed(parts: Iterable[tuple[float, float | None]]) -> float | None:
    """Mean of the values that are known, by weight; None if none is."""
    known = [(weight, value) for weight, value in parts if value is not None]
    total = math.fsum(weight for weight, _ in known)
    return math.fsum(weight * value for weight, value in known) / total if total else None
