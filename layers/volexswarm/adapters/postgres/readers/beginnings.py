"""Ids by their beginnings: people copy as much of one as they can see."""

from __future__ import annotations

import re
from collections.abc import Sequence

from volexswarm.errors import Conflict, NotFound

MIN_PREFIX = 4


def bounds(key: str) -> dict[str, str] | None:
    """The lowest and highest UUID that begin with this text: a range that the primary key's index answers."""
    digits = key.replace("-", "").lower()
    if not re.fullmatch(rf"[0-9a-f]{{{MIN_PREFIX},32}}", digits):
        return None
    return {"low": digits.ljust(32, "0"), "high": digits.ljust(32, "f")}


def the_one(kind: str, key: str, ids: Sequence[str]) -> str:
    """The only id that was found. Raises NotFound, or Conflict if there are several."""
    if not ids:
        raise NotFound(kind, key)
    if len(ids) > 1:
        raise Conflict(f"several {kind}s begin with {key}: give more of the id, for example {ids[0]}")
    return ids[0]
