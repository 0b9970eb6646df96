"""Strategy: says what the active strategies say, as sure as their record allows."""

from __future__ import annotations

from typing import Final

from volexswarm.agents import STRATEGY
from volexswarm.deliberation.domain import Abstention, Brief, Opinion
from volexswarm.deliberation.policies.wording import Numbers, lean, opinion, share_for
from volexswarm.messages import Stance

ENOUGH_TRADES: Final = 20.0
"""Closed trades from which on the record counts fully."""
UNPROVEN: Final = 0.5
"""How far a strategy without a record is believed."""
LEAST_LEAN: Final = 0.15


def judge(brief: Brief) -> Opinion | Abstention:
    """Their common stance, believed by their expectancy: one that has lost money is not followed. Without any: no opinion."""
    numbers = Numbers(brief, STRATEGY.name)
    active, stance_score = numbers.get("active"), numbers.get("stance")
    if active is None:
        return numbers.silence("how many strategies trade the symbol")
    if not active:
        return numbers.nothing("active", f"no strategy is active on {brief.question.symbol}")
    if stance_score is None:
        return opinion(Stance.HOLD, 0.1, 0.0, "The strategies say nothing yet.", numbers.used)
    belief, record = _belief(numbers)
    stance = lean(stance_score, LEAST_LEAN) if belief else Stance.HOLD
    confidence = abs(stance_score) * belief if stance is not Stance.HOLD else 0.3
    words = f"{active:.0f} active, together {stance_score:+.2f}; {record}: {stance.value}."
    return opinion(stance, confidence, share_for(brief, stance, confidence), words, numbers.used)


def _belief(numbers: Numbers) -> tuple[float, str]:
    """0 to 1, and the record in words."""
    trades, expectancy = numbers.get("trades") or 0.0, numbers.get("expectancy")
    if not trades or expectancy is None:
        return UNPROVEN, "no closed trade yet"
    seen = min(1.0, trades / ENOUGH_TRADES)
    proven = 1.0 if expectancy > 0 else 0.0
    record = f"expectancy {expectancy:+.2%} of the stake over {trades:.0f} trades"
    if (factor := numbers.get("profit_factor")) is not None:
        record += f", profit factor {factor:.2f}"
    return UNPROVEN + (proven - UNPROVEN) * seen, record
