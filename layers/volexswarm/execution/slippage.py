"""How much worse than decided a fill was."""

from __future__ import annotations

from decimal import Decimal

from volexswarm.arithmetic import wide
from volexswarm.messages import Side

_FINEST = Decimal("0.00000001")


def slippage(side: Side, price: Decimal, decision_price: Decimal) -> Decimal:
    """Share of the decision price (> 0) that a fill at this price lost to it; negative where it was better.

    Perold's implementation shortfall of one fill, without the fee: Perold, A. F. (1988), The Implementation Shortfall.
    """
    lost = price - decision_price if side is Side.BUY else decision_price - price
    with wide():
        return (lost / decision_price).quantize(_FINEST)
