"""What strategies have earned, and what they say together. Pure, float64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Side
from volexswarm.playbook.model import Saying, Strategy, TrackRecord

STANDS_FOR = 20
"""Candles of its own timeframe for which a strategy's last word stands; afterwards it has nothing to say."""


def track_record(results: Sequence[float]) -> TrackRecord | None:
    """The record that closed trades tell; None without any.

    Parameters
    ----------
    results : sequence of float
        Result of each closed trade, net of fees, as a share of what it cost. One without gain is no win.
    """
    if not results:
        return None
    won = sum(result for result in results if result > 0)
    lost = -sum(result for result in results if result < 0)
    return TrackRecord(
        trades=len(results),
        win_rate=sum(1 for result in results if result > 0) / len(results),
        expectancy=sum(results) / len(results),
        profit_factor=won / lost if lost else None,
    )


def stance(strategies: Sequence[Strategy], sayings: Mapping[str, Saying], as_of: datetime) -> float:
    """What strategies say together, -1 (all sell, surely) to 1: mean of side times confidence, a silent one counting as 0.

    `sayings` by strategy; those of later than `as_of` (market time) must not be among them.
    """
    if not strategies:
        return 0.0
    return sum(_voice(strategy, sayings.get(strategy.id), as_of) for strategy in strategies) / len(strategies)


def stands(strategy: Strategy, saying: Saying, as_of: datetime) -> bool:
    """Whether the strategy's last word still counts."""
    return as_of - saying.as_of <= STANDS_FOR * Timeframe(strategy.timeframe).length


def _voice(strategy: Strategy, saying: Saying | None, as_of: datetime) -> float:
    if saying is None or not stands(strategy, saying, as_of):
        return 0.0
    return saying.confidence if saying.side is Side.BUY else -saying.confidence
