"""How good each role's forecasts were, and what its vote weighs for it. Pure: bounded, and shrunk to 1 while little is known.

A stance to buy or sell foretells the price of a horizon later: `0.5 + confidence / 2` that it goes that way. Waiting foretells
nothing, and neither do risk and compliance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from volexswarm.deliberation.domain import Opinion
from volexswarm.deliberation.verdict import direction_of

BELIEF: Final = 20.0
"""Forecasts after which the record counts half."""
LEAST_WEIGHT: Final = 0.5
MOST_WEIGHT: Final = 1.5
HORIZON_CANDLES: Final = 12
"""Candles of the question's timeframe after which a forecast is judged."""

_GUESS: Final = 0.25
"""Brier score of somebody who always says one half."""


@dataclass(frozen=True)
class TrackRecord:
    """Forecasts that were judged: how many, how many came true, and their mean Brier score (0 is perfect, 0.25 is a guess)."""

    forecasts: int
    hits: int
    brier: float

    @property
    def hit_rate(self) -> float | None:
        """None before any."""
        return self.hits / self.forecasts if self.forecasts else None


def probability_of_rise(opinion: Opinion) -> float | None:
    """What the opinion says of the price's rising; None if it foretells nothing."""
    direction = direction_of(opinion.stance)
    return 0.5 + direction * opinion.confidence / 2 if direction else None


def brier(probability: float, rose: bool) -> float:
    """Squared distance of the forecast from what came."""
    return (probability - (1.0 if rose else 0.0)) ** 2


def weight(record: TrackRecord) -> float:
    """What the role's vote weighs: 1 + skill, where skill is how much better than guessing, by how much of it was seen."""
    if not record.forecasts:
        return 1.0
    skill = 1.0 - record.brier / _GUESS
    seen = record.forecasts / (record.forecasts + BELIEF)
    return round(min(MOST_WEIGHT, max(LEAST_WEIGHT, 1.0 + seen * skill)), 6)
