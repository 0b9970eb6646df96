"""What is stored of strategies and signals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from volexswarm.messages import Side


@dataclass(frozen=True)
class StoredStrategy:
    """`template` and `parameters` as somebody wrote them into the database: not validated yet."""

    id: str
    template: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class StoredSignal:
    """What a strategy wanted at a moment of market time, and why."""

    id: str
    strategy_id: str
    side: Side
    confidence: float
    reason: str
    as_of: datetime
