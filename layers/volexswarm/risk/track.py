"""How a strategy has fared: what its own closed trades say about its odds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

ZERO = Decimal(0)

LENGTH = 200
"""So many closed trades are looked at, the newest: a strategy is judged by what it does lately."""


@dataclass(frozen=True)
class TrackRecord:
    """Odds of a strategy. `payoff` is the average win divided by the average loss; None as long as it has never lost.

    `unpriced` more trades have closed, of which nobody can say what they came to.
    """

    trades: int
    win_rate: Decimal
    payoff: Decimal | None
    unpriced: int = 0


def track_record(results: Sequence[Decimal | None]) -> TrackRecord:
    """The odds that closed trades tell.

    Parameters
    ----------
    results : sequence of Decimal or None
        Result of each closed trade, net of fees, as a share of what it cost; None where a fee has no price. One without gain is
        no win.
    """
    returns = [value for value in results if value is not None]
    unpriced = len(results) - len(returns)
    wins = [value for value in returns if value > 0]
    losses = [-value for value in returns if value < 0]
    rate = Decimal(len(wins)) / len(returns) if returns else ZERO
    if not losses:
        return TrackRecord(len(returns), rate, None, unpriced)
    win = sum(wins, ZERO) / len(wins) if wins else ZERO
    return TrackRecord(len(returns), rate, win / (sum(losses, ZERO) / len(losses)), unpriced)
