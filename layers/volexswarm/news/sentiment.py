"""What several scored headlines say together. Pure.

A headline's weight halves every twelve hours of market time. Headlines of one origin weigh together no more than its youngest
one alone: who publishes a hundred has one voice. What concerns the whole market weighs half as much as what names the symbol.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from volexswarm.news.model import Item

HALF_LIFE = timedelta(hours=12)
WINDOW = timedelta(hours=72)
GENERAL_WEIGHT = 0.5


@dataclass(frozen=True)
class Sentiment:
    """`score` from -1 to 1; `dispersion` standard deviation of the headlines' scores, by weight; `age` of the youngest one."""

    score: float
    dispersion: float
    items: int
    origins: int
    age: timedelta


def sentiment(items: Sequence[Item], as_of: datetime) -> Sentiment | None:
    """The weighted mean of the items of the 72 hours that end at `as_of` (market time); None if there is none.

    Items of later are not looked at.
    """
    known = [item for item in items if as_of - WINDOW < item.published_at <= as_of]
    if not known:
        return None
    weights = _weights(known, as_of)
    total = sum(weights)
    score = sum(weight * item.score for weight, item in zip(weights, known, strict=True)) / total
    spread = sum(weight * (item.score - score) ** 2 for weight, item in zip(weights, known, strict=True)) / total
    return Sentiment(
        score=max(-1.0, min(1.0, score)),
        dispersion=sqrt(spread),
        items=len(known),
        origins=len({_voice(item) for item in known}),
        age=as_of - max(item.published_at for item in known),
    )


def _weights(items: Sequence[Item], as_of: datetime) -> list[float]:
    own = [
        0.5 ** ((as_of - item.published_at) / HALF_LIFE) * (1.0 if item.symbols else GENERAL_WEIGHT) for item in items
    ]
    by_voice: defaultdict[str, list[float]] = defaultdict(list)
    for item, weight in zip(items, own, strict=True):
        by_voice[_voice(item)].append(weight)
    shares = {voice: max(weights) / sum(weights) for voice, weights in by_voice.items()}
    return [weight * shares[_voice(item)] for item, weight in zip(items, own, strict=True)]


def _voice(item: Item) -> str:
    return item.origin.casefold()
