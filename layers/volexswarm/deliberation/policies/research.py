"""Research: follows trend and returns beyond what volatility explains, in a market that can be traded."""

from __future__ import annotations

from typing import Final

from volexswarm.agents import RESEARCH
from volexswarm.deliberation.domain import Abstention, Brief, Opinion
from volexswarm.deliberation.policies.wording import Numbers, lean, opinion, share_for, squash, weighed
from volexswarm.messages import Stance

WIDEST_SPREAD: Final = 0.005
"""A market with a wider spread is not worth crossing."""
ENOUGH_HOURS: Final = 24.0
"""History from which on the view is held with full confidence."""
LEAST_LEAN: Final = 0.15


def judge(brief: Brief) -> Opinion | Abstention:
    """Trend, and returns of a day and a week in units of what volatility makes of such a span."""
    numbers = Numbers(brief, RESEARCH.name)
    trend = numbers.get("trend")
    volatility = numbers.get("volatility_1h")
    momentum = weighed(
        (
            (2.0, trend),
            (1.0, _unusual(numbers.get("return_1d"), volatility, 24)),
            (1.0, _unusual(numbers.get("return_7d"), volatility, 168)),
        )
    )
    if momentum is None:
        return numbers.silence("a trend, or returns with the volatility to compare them to")
    spread, hours = numbers.get("spread"), numbers.get("hours")
    if spread is not None and spread > WIDEST_SPREAD:
        words = f"The spread of {spread:.2%} eats what there is to be had."
        return opinion(Stance.HOLD, 0.6, 0.0, words, numbers.used)
    stance = lean(momentum, LEAST_LEAN)
    seen = 1.0 if hours is None else min(1.0, max(0.2, hours / ENOUGH_HOURS))
    confidence = (abs(momentum) if stance is not Stance.HOLD else 0.3) * seen
    known = "" if hours is None else f" over {hours:.0f} hours"
    words = f"Momentum {momentum:+.2f} from trend and returns{known}: {stance.value}."
    return opinion(stance, confidence, share_for(brief, stance, confidence), words, numbers.used)


def _unusual(change: float | None, hourly_volatility: float | None, hours: int) -> float | None:
    """The return in standard deviations of such a span, squashed; None unless both are known."""
    if change is None or not hourly_volatility or hourly_volatility < 0:
        return None
    return squash(change / (hourly_volatility * hours**0.5))
