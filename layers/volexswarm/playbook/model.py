"""What the playbook holds of a strategy, and what it has said and earned lately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from volexswarm.messages import Side, StrategyStatus


@dataclass(frozen=True)
class Strategy:
    """A template at work on one symbol's candles. `parameters` as somebody wrote them: not validated yet."""

    id: str
    template: str
    venue: str
    symbol: str
    timeframe: str
    parameters: Mapping[str, Any]
    status: StrategyStatus


@dataclass(frozen=True)
class Saying:
    """The last signal of a strategy, at a moment of market time."""

    strategy_id: str
    side: Side
    confidence: float
    as_of: datetime


@dataclass(frozen=True)
class TrackRecord:
    """How closed trades came out, each as a share of what it had cost, net of fees.

    `expectancy` is the mean; `profit_factor` what the winners won by what the losers lost, None as long as none has lost.
    """

    trades: int
    win_rate: float
    expectancy: float
    profit_factor: float | None
