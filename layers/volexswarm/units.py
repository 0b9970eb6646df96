"""The account counted in units, as a fund counts its shares: transfers change how many there are, trading what one is worth.

The worth of a unit (equity divided by units) is therefore the account's growth with deposits and withdrawals taken out: peak,
drawdown and time-weighted return are read from it without knowing of any transfer.
"""

from __future__ import annotations

from decimal import Decimal

from volexswarm.arithmetic import to_finest, wide
from volexswarm.errors import require

ZERO, ONE = Decimal(0), Decimal(1)


def units_after(units: Decimal | None, equity: Decimal, flow: Decimal, last_worth: Decimal | None) -> Decimal:
    """Units once transfers worth `flow` are part of the equity; the worth of a unit is the same with and without them.

    Parameters
    ----------
    units : Decimal or None
        How many there were; None before the first valuation, which makes one of each unit of currency.
    equity : Decimal
        What the account is worth with the transfers in it.
    flow : Decimal
        What came (positive) or went (negative), at the same prices.
    last_worth : Decimal or None
        What a unit was last worth while there were any. From there an account goes on that had been emptied.

    Raises
    ------
    InvalidInput
        If units are negative.
    """
    require(units is None or units >= 0, "units", units, "none, or a number that is not negative")
    if units is not None and not flow:
        return units
    before = equity - flow
    with wide():
        if units and before > 0:
            return to_finest(max(ZERO, units * equity / before))
        return to_finest(max(ZERO, equity) / (last_worth or ONE))
