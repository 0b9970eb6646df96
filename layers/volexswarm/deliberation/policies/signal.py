"""Signal: weighs indicators against each other: averages and MACD follow, RSI and the bands warn at their ends."""

from __future__ import annotations

from typing import Final

from volexswarm.agents import SIGNAL
from volexswarm.deliberation.domain import Abstention, Brief, Opinion
from volexswarm.deliberation.policies.wording import Numbers, lean, opinion, share_for, squash, weighed
from volexswarm.messages import Stance

HALF_LIFE: Final = 6.0
"""Candles after which a raised signal counts half."""
LEAST_LEAN: Final = 0.15
OVERBOUGHT: Final = 70.0
OVERSOLD: Final = 30.0


def judge(brief: Brief) -> Opinion | Abstention:
    """The indicators' weighed mean, each between -1 and 1."""
    numbers = Numbers(brief, SIGNAL.name)
    parts = {
        "averages": (3.0, _squashed(numbers.get("ma_spread"))),
        "MACD": (2.5, _squashed(numbers.get("macd_hist"), 2.0)),
        "RSI": (1.5, _at_its_ends(numbers.get("rsi_14"))),
        "bands": (1.0, _beyond(numbers.get("bollinger_position"))),
        "last signal": (3.0, _faded(numbers)),
    }
    score = weighed(parts.values())
    if score is None:
        return numbers.silence("at least one indicator")
    stance = lean(score, LEAST_LEAN)
    confidence = min(0.95, 1.5 * abs(score)) if stance is not Stance.HOLD else 0.3
    said = ", ".join(f"{name} {value:+.2f}" for name, (_, value) in parts.items() if value is not None)
    words = f"{said}: together {score:+.2f}, {stance.value}."
    return opinion(stance, confidence, share_for(brief, stance, confidence), words, numbers.used)


def _squashed(value: float | None, scale: float = 1.0) -> float | None:
    return None if value is None else squash(scale * value)


def _at_its_ends(rsi: float | None) -> float | None:
    """Positive where oversold, negative where overbought; between the ends it says nothing."""
    if rsi is None:
        return None
    if rsi < OVERSOLD:
        return (OVERSOLD - rsi) / OVERSOLD
    return -(rsi - OVERBOUGHT) / (100.0 - OVERBOUGHT) if rsi > OVERBOUGHT else 0.0


def _beyond(position: float | None) -> float | None:
    """What lies outside the bands is expected to come back."""
    if position is None:
        return None
    return -squash(position - 1.0) if position > 1.0 else squash(-1.0 - position) if position < -1.0 else 0.0


def _faded(numbers: Numbers) -> float | None:
    side, age, confidence = (numbers.get(name) for name in ("last_side", "last_age", "last_confidence"))
    if side is None or age is None or confidence is None or not side:
        return None
    faded: float = 0.5 ** (max(0.0, age) / HALF_LIFE)
    return side * confidence * faded
