"""What news is made of."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from volexswarm.messages import NAMESPACE

LONGEST_HEADLINE = 300
LONGEST_ORIGIN = 80


@dataclass(frozen=True)
class Item:
    """A headline that was taken. All its words are clean of control characters, and none of them is ours.

    `origin` is who published it; `symbols` that it speaks of, empty where it concerns the market as a whole; `fingerprint` is the
    same for the same words; `score` from -1 (bad for the price) to 1 by `scorer`, which names lexicon and version;
    `published_at` is market time, `received_at` wall time.
    """

    id: str
    origin: str
    headline: str
    url: str | None
    symbols: tuple[str, ...]
    fingerprint: str
    score: float
    scorer: str
    published_at: datetime
    received_at: datetime
    submitted_by: str


@dataclass(frozen=True)
class Draft:
    """News as somebody hands it in. Without `symbols` the headline is searched for what is traded."""

    origin: str
    headline: str
    published_at: datetime
    url: str | None = None
    symbols: tuple[str, ...] = ()


def item_id(fingerprint: str, published_at: datetime) -> str:
    """The same words of the same moment have the same id."""
    return str(uuid.uuid5(NAMESPACE, f"news/{fingerprint}/{published_at.isoformat()}"))
