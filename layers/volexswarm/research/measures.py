"""What a series of closes says about a market. Pure, float64; None in a series where nothing was traded.

A measure of too little is None: nothing is estimated from what is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from math import log
from statistics import StatisticsError, correlation, fmean, stdev

LEAST_RETURNS = 12
LEAST_COMMON = 24
LEAST_USUAL = 48
HOURS_PER_DAY = 24

Closes = Sequence[float | None]


def change(closes: Closes, steps: int) -> float | None:
    """The last close by the one `steps` before it, less 1; None where either is not known."""
    if len(closes) <= steps:
        return None
    before, last = closes[-1 - steps], closes[-1]
    return None if before is None or last is None else last / before - 1


def trend(closes: Closes) -> float | None:
    """Mann and Kendall's tau: of all pairs of closes the share that rose less the share that fell, -1 to 1.

    It asks for the order of prices only, so that one jump does not make a trend.

    References
    ----------
    Mann (1945), Nonparametric Tests Against Trend; Kendall (1975), Rank Correlation Methods.
    """
    known = [close for close in closes if close is not None]
    if len(known) < LEAST_RETURNS:
        return None
    signs = [(later > earlier) - (later < earlier) for earlier, later in combinations(known, 2)]
    return sum(signs) / len(signs)


def log_returns(closes: Closes) -> list[float | None]:
    """From each close to the next; None where one of the two is not known: a hole is no period."""
    return [
        log(later / earlier) if earlier is not None and later is not None else None
        for earlier, later in pairwise(closes)
    ]


def volatility(returns: Closes) -> float | None:
    """Standard deviation (n - 1) of the returns that are known; None with fewer than 12."""
    known = [value for value in returns if value is not None]
    return stdev(known) if len(known) >= LEAST_RETURNS else None


def unrest(hourly: Closes) -> float | None:
    """The volatility of the last day in usual ones; None with fewer than 48 returns, or where nothing ever moved."""
    known = [value for value in hourly if value is not None]
    lately, usual = volatility(hourly[-HOURS_PER_DAY:]), volatility(hourly)
    if len(known) < LEAST_USUAL or lately is None or not usual:
        return None
    return lately / usual


def moving_together(one: Closes, other: Closes) -> float | None:
    """Pearson's correlation of two series of returns where both are known; None with fewer than 24, or if one never moves."""
    common = [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]
    if len(common) < LEAST_COMMON:
        return None
    try:
        return correlation(*zip(*common, strict=True))
    except StatisticsError:  # constant
        return None


def turnover_of_hour(turnovers: Closes) -> float | None:
    """What is traded in an hour, on average over the hours of the last day in which there was trade."""
    known = [value for value in turnovers[-HOURS_PER_DAY:] if value is not None]
    return fmean(known) if known else None
