"""News: the sentiment of the items as scored by code, worth less the older, fewer and more contradictory they are.

It reads numbers only: no headline's words reach a rule.
"""

from __future__ import annotations

from typing import Final

from volexswarm.agents import NEWS
from volexswarm.deliberation.domain import Abstention, Brief, Opinion
from volexswarm.deliberation.policies.wording import Numbers, lean, opinion, share_for
from volexswarm.messages import Stance

HALF_LIFE_HOURS: Final = 12.0
ENOUGH_ITEMS: Final = 5.0
LEAST_LEAN: Final = 0.15


def judge(brief: Brief) -> Opinion | Abstention:
    """Sentiment × freshness × how many × how much of one mind. Without any news: no opinion."""
    numbers = Numbers(brief, NEWS.name)
    sentiment, items = numbers.get("sentiment"), numbers.get("items")
    if items is not None and not items:
        return numbers.nothing("items", f"there is no news of {brief.question.symbol}")
    if sentiment is None or items is None:
        return numbers.silence("a scored sentiment")
    age, dispersion = numbers.get("age_hours") or 0.0, numbers.get("dispersion") or 0.0
    worth = (
        0.5 ** (max(0.0, age) / HALF_LIFE_HOURS)
        * min(1.0, items / ENOUGH_ITEMS)
        * (1.0 - min(1.0, max(0.0, dispersion)))
    )
    stance = lean(sentiment * worth, LEAST_LEAN)
    confidence = abs(sentiment) * worth if stance is not Stance.HOLD else 0.2 * worth
    words = f"Sentiment {sentiment:+.2f} of {items:.0f} items, the youngest {age:.0f} h old, worth {worth:.2f}: {stance.value}."
    return opinion(stance, confidence, share_for(brief, stance, confidence), words, numbers.used)
