"""How much to buy: as much as the smallest of several budgets allows, and never more.

All budgets are amounts in base currency; money and prices are in one currency. Divisions round down, so that a size never
exceeds its budget by a last digit.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_DOWN, Context, Decimal

from volexswarm.errors import require
from volexswarm.risk.model import ZERO

STEP = Decimal("0.00000001")  # finer than any venue's amount step; execution rounds down to the venue's own
_DOWN = Context(prec=40, rounding=ROUND_DOWN)
_UP = Context(prec=40, rounding=ROUND_CEILING)


def fixed_fraction(equity: Decimal, risk: Decimal, stop_distance: Decimal) -> Decimal:
    """Amount that loses the share `risk` of equity when the price moves by `stop_distance` (> 0) against it."""
    require(stop_distance > 0, "stop_distance", stop_distance, "a price difference above zero")
    return _DOWN.divide(max(ZERO, equity) * risk, stop_distance)


def volatility_target(equity: Decimal, target: Decimal, volatility: Decimal, price: Decimal) -> Decimal:
    """Amount whose value moves by the share `target` of equity when the price makes its typical move.

    `volatility` (> 0) is that typical move in one candle as a share of the price.
    """
    require(volatility > 0, "volatility", volatility, "a share of the price above zero")
    return affordable(max(ZERO, equity) * target, volatility * price)


def fractional_kelly(win_rate: Decimal, payoff: Decimal, fraction: Decimal, cap: Decimal) -> Decimal:
    """Share of equity to risk on one trade, by the Kelly criterion scaled down: f = (b·p − q) / b × fraction, at most `cap`.

    Parameters
    ----------
    win_rate : Decimal
        p, the probability of a winning trade, 0 to 1, from closed trades only; q = 1 − p.
    payoff : Decimal
        b, the average win divided by the average loss, ≥ 0.
    fraction, cap : Decimal
        Part of full Kelly to use, and the most to risk; both 0 to 1.

    Returns
    -------
    Decimal
        0 to `cap`. 0 whenever the edge is not positive: without an edge nothing is bet.

    Raises
    ------
    InvalidInput
        If win_rate, fraction or cap is outside [0, 1], or payoff is negative.

    References
    ----------
    Kelly (1956), A New Interpretation of Information Rate.
    """
    for name, share in (("win_rate", win_rate), ("fraction", fraction), ("cap", cap)):
        require(0 <= share <= 1, name, share, "a share from 0 to 1")
    require(payoff >= 0, "payoff", payoff, "an average win over an average loss, 0 or more")
    if payoff == 0:
        return ZERO
    edge = win_rate - _UP.divide(1 - win_rate, payoff)
    return min(cap, max(ZERO, edge) * fraction)


def affordable(room: Decimal, price: Decimal) -> Decimal:
    """Amount whose value at this price (> 0) fits into the room; 0 where there is none."""
    require(price > 0, "price", price, "a price above zero")
    return _DOWN.divide(max(ZERO, room), price)


def smallest(least_value: Decimal, price: Decimal) -> Decimal:
    """The least amount, on the step, that is worth at least `least_value`."""
    require(price > 0, "price", price, "a price above zero")
    return max(STEP, _UP.quantize(_UP.divide(least_value, price), STEP))


def tightest(budgets: Mapping[str, Decimal]) -> tuple[str, Decimal]:
    """The name of the smallest budget, and its amount rounded down to the step."""
    name = min(budgets, key=lambda budget: budgets[budget])
    return name, _DOWN.quantize(budgets[name], STEP)
