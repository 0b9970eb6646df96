"""What a rule says when it speaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from volexswarm.messages import Side


@dataclass(frozen=True)
class Trigger:
    """A rule's own finding at the last candle. `strength` ≥ 0 says how decisive it is; 1 and more is as decisive as it gets."""

    side: Side
    strength: float
    reason: str
    indicators: Mapping[str, float]


@dataclass(frozen=True)
class Decision:
    """A wish to trade at the last candle's close.

    `confidence` 0.5 to 1; `stop_price` in quote currency, None where it would not be a price or no distance to one; `volatility`
    is the average true range of one candle as a share of the price.
    """

    side: Side
    confidence: float
    reason: str
    stop_price: float | None
    volatility: float
    indicators: Mapping[str, float] = field(default_factory=dict)
