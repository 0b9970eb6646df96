"""How good each role's forecasts were, and what its vote weighs for it. Pure: bounded, and shrunk to 1 while little is known.

A stance to buy or sell foretells the price of a horizon later: `0.5 + confidence / 2` that it goes that way. Waiting foretells
nothing, and neither do risk and compliance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from volexswarm.deliberation.course import panel
from volexswarm.deliberation.desk import DESK
from volexswarm.deliberation.domain import Opinion, Turn
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


@dataclass(frozen=True)
class Forecast:
    """What a role said of the price: the probability that it is higher at the horizon; `model` is who spoke for the role."""

    role: str
    probability: float
    model: str


@dataclass(frozen=True)
class DueForecast:
    """A forecast whose moment has come: the prices then and now, None where there was no candle nearby."""

    deliberation_id: str
    role: str
    probability: float
    price: Decimal | None
    later_price: Decimal | None


@dataclass(frozen=True)
class Judgement:
    """Whether a forecast came true, and its Brier score."""

    hit: bool
    brier: float


def forecasts(turns: Sequence[Turn]) -> list[Forecast]:
    """What the forecasting roles finally said, in the desk's order; who waits or is silent foretells nothing."""
    said, spoke = panel(turns), {turn.role: turn.recorded.model for turn in turns}
    found = [(role.name, said.get(role.name)) for role in DESK if role.forecasts]
    opinions = [(role, answer) for role, answer in found if isinstance(answer, Opinion)]
    rises = [(role, probability_of_rise(opinion)) for role, opinion in opinions]
    return [Forecast(role, probability, spoke[role]) for role, probability in rises if probability is not None]


def judged(due: DueForecast) -> Judgement | None:
    """How it came out; None if a price is missing, or has not moved."""
    if due.price is None or due.later_price is None or due.price == due.later_price:
        return None
    rose = due.later_price > due.price
    return Judgement(hit=rose == (due.probability > 0.5), brier=brier(due.probability, rose))


def probability_of_rise(opinion: Opinion) -> float | None:
    """What the opinion says of the price's rising; None if it foretells nothing."""
    direction = direction_of(opinion.stance)
    return 0.5 + direction * opinion.confidence / 2 if direction and opinion.confidence else None


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
