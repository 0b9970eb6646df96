"""What compliance looks at besides the proposal."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Activity:
    """The account's other trades before a proposal, in market time; each is counted once, whatever rows it has left.

    A trade is an approved proposal with what of it was executed or may still be, or an order that was placed past us and known
    by its fills. `value_of_day` in quote currency, over all symbols of that quote currency; the counts are of one symbol.
    """

    trades_of_hour: int
    trades_of_day: int
    value_of_day: Decimal
