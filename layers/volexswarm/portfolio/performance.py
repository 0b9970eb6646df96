"""How the account has fared: returns, risk, and what its closed trades say. Pure, in float64: these are statistics, not money.

All returns are read from the worth of a unit (`units.py`): deposits and withdrawals are no gain and no loss, and the return from
any moment to any other is the ratio of two worths. A figure that the data cannot carry is None, with a reason; never 0, NaN or
infinity. A day has 24 hours and a year 365 days: these markets never close.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import fmean, stdev

YEAR = timedelta(days=365)
MINIMUM_RETURNS = 30
"""Fewer say nothing about volatility: with 30, its relative standard error is still an eighth (1 / sqrt(2 × 29))."""
MINIMUM_SPAN = timedelta(days=30)
"""What happened in less is not extrapolated to a year."""

_LEAST_GROWTH, _MOST_GROWTH = 1e-9, 1e9
_STEPS = 1000


@dataclass(frozen=True)
class Point:
    """The account at a moment of market time: its equity, and the worth of one of its units (> 0)."""

    as_of: datetime
    equity: float
    worth: float


@dataclass(frozen=True)
class CashFlow:
    """Money that came (`value` > 0) or went, in the currency of the equity, in the books from `as_of` on."""

    as_of: datetime
    value: float


@dataclass(frozen=True)
class Figure:
    """A number, or None and the reason why there is none."""

    value: float | None
    reason: str | None = None


@dataclass(frozen=True)
class Drawdown:
    """The deepest fall, as a share of the peak before it. `recovered_at` is None while it lasts."""

    share: float
    peak_at: datetime
    trough_at: datetime
    recovered_at: datetime | None


@dataclass(frozen=True)
class TradeSums:
    """Sums over closed trades, in one currency, net of fees in base and quote. One that came to nothing is no win and no loss.

    `lost` and `largest_loss` are positive or 0; `held` is the sum of the holding times.
    """

    count: int
    wins: int
    losses: int
    won: float
    lost: float
    largest_win: float
    largest_loss: float
    held: timedelta


def simple_return(curve: Sequence[Point], flows: Sequence[CashFlow]) -> Figure:
    """Profit as a share of what there was: (end − start − sum of flows) / start."""
    if (gap := _too_short(curve)) is not None:
        return gap
    if curve[0].equity <= 0:
        return _none("the period began with an empty account")
    return _figure(lambda: (_profit(curve, flows)) / curve[0].equity)


def time_weighted_return(curve: Sequence[Point]) -> Figure:
    """Return of the trading alone: the product of the sub-periods' growths between flows, less 1.

    A sub-period's growth is its last equity before the flow by its first after the flow before. That product is the ratio of the
    worths of a unit at the end and at the beginning. Source: CFA Institute, GIPS Standards (2020), time-weighted return.
    """
    return _too_short(curve) or _figure(lambda: _growth(curve) - 1)


def annual_return(curve: Sequence[Point]) -> Figure:
    """The time-weighted return compounded to a year: growth ^ (year / span) − 1. From 30 days on."""
    if (gap := _too_short(curve)) is not None:
        return gap
    span = _span(curve)
    if span < MINIMUM_SPAN:
        return _none(f"{_days(span)} are too few to speak of a year: at least {MINIMUM_SPAN.days} days")
    return _figure(lambda: math.pow(_growth(curve), YEAR / span) - 1)


def money_weighted_return(curve: Sequence[Point], flows: Sequence[CashFlow]) -> Figure:
    """Return on the money as it was there: the one rate at which start and flows grow to the end, over the whole period.

    The growth g that solves start × g + sum of flow × g ^ ((end − flow's time) / span) = end, by bisection between 1e-9 and 1e9;
    less 1. Source: CFA Institute, GIPS Standards (2020), money-weighted return (the internal rate of return).
    """
    growth = _money_growth(curve, flows)
    return growth if growth.value is None else Figure(growth.value - 1)


def money_weighted_annual(curve: Sequence[Point], flows: Sequence[CashFlow]) -> Figure:
    """The money-weighted return compounded to a year, which spreadsheets call XIRR. From 30 days on."""
    growth = _money_growth(curve, flows)
    if growth.value is None:
        return growth
    known, span = growth.value, _span(curve)
    if span < MINIMUM_SPAN:
        return _none(f"{_days(span)} are too few to speak of a year: at least {MINIMUM_SPAN.days} days")
    return _figure(lambda: math.pow(known, YEAR / span) - 1)


def returns(grid: Sequence[Point], step: timedelta) -> list[float]:
    """Growth less 1 from each point to the next, where that is one step later: a gap is no period.

    Parameters
    ----------
    grid : sequence of Point
        The last point of each step of market time that has any, oldest first.
    step : timedelta
        Length of a period.
    """
    numbered = [(int(point.as_of.timestamp() // step.total_seconds()), point.worth) for point in grid]
    return [later / earlier - 1 for (before, earlier), (after, later) in pairwise(numbered) if after == before + 1]


def volatility(series: Sequence[float], step: timedelta) -> Figure:
    """Standard deviation of the returns (n − 1) in a year: times the root of the periods in it."""
    return _too_few(series) or _figure(lambda: stdev(series) * math.sqrt(YEAR / step))


def sharpe(series: Sequence[float], step: timedelta, risk_free: float = 0.0) -> Figure:
    """Mean return above the risk-free one by its standard deviation, times the root of the periods in a year.

    `risk_free` is a year's rate, spread over its periods evenly. Source: Sharpe (1994), The Sharpe Ratio.
    """
    if (gap := _too_few(series)) is not None:
        return gap
    deviation = stdev(series)
    if deviation == 0:
        return _none("the returns do not vary")
    return _figure(lambda: _excess(series, step, risk_free) / deviation * math.sqrt(YEAR / step))


def sortino(series: Sequence[float], step: timedelta, risk_free: float = 0.0) -> Figure:
    """As Sharpe's ratio, by the downside deviation: the root of the mean of min(0, return − risk-free) squared, over all returns.

    Source: Sortino and Price (1994), Performance Measurement in a Downside Risk Framework.
    """
    if (gap := _too_few(series)) is not None:
        return gap
    target = risk_free * (step / YEAR)
    downside = math.sqrt(fmean(min(0.0, one - target) ** 2 for one in series))
    if downside == 0:
        return _none("no return was below the risk-free one")
    return _figure(lambda: _excess(series, step, risk_free) / downside * math.sqrt(YEAR / step))


def max_drawdown(curve: Sequence[Point]) -> Drawdown | None:
    """The deepest fall of a unit's worth from the highest before it: 1 − worth / peak. None if it never fell."""
    deepest: Drawdown | None = None
    peak: Point | None = None
    for point in curve:
        if peak is None or point.worth >= peak.worth:
            peak = point
        elif deepest is None or 1 - point.worth / peak.worth > deepest.share:
            deepest = Drawdown(1 - point.worth / peak.worth, peak.as_of, point.as_of, None)
    if deepest is None:
        return None
    return Drawdown(deepest.share, deepest.peak_at, deepest.trough_at, _recovery(curve, deepest))


def calmar(curve: Sequence[Point]) -> Figure:
    """The annual return by the deepest drawdown. Source: Young (1991), Calmar Ratio: A Smoother Tool."""
    annual, fall = annual_return(curve), max_drawdown(curve)
    if annual.value is None:
        return annual
    if fall is None:
        return _none("there was no drawdown")
    known, share = annual.value, fall.share
    return _figure(lambda: known / share)


def win_rate(trades: TradeSums) -> Figure:
    """Closed trades that won, as a share of all."""
    return _no_trade(trades) or _figure(lambda: trades.wins / trades.count)


def profit_factor(trades: TradeSums) -> Figure:
    """What the winners won by what the losers lost."""
    return _no_trade(trades) or (_figure(lambda: trades.won / trades.lost) if trades.losses else _none("no trade lost"))


def expectancy(trades: TradeSums) -> Figure:
    """What a closed trade came to on average: (won − lost) / count. Source: Tharp (1998), Trade Your Way to Financial Freedom."""
    return _no_trade(trades) or _figure(lambda: (trades.won - trades.lost) / trades.count)


def average_win(trades: TradeSums) -> Figure:
    """What a winner won on average."""
    return _figure(lambda: trades.won / trades.wins) if trades.wins else _none("no trade won")


def average_loss(trades: TradeSums) -> Figure:
    """What a loser lost on average, as a positive number."""
    return _figure(lambda: trades.lost / trades.losses) if trades.losses else _none("no trade lost")


def average_holding(trades: TradeSums) -> Figure:
    """Seconds of market time from purchase to sale, on average over closed trades."""
    return _no_trade(trades) or _figure(lambda: trades.held.total_seconds() / trades.count)


def _none(reason: str) -> Figure:
    return Figure(None, reason)


def _figure(compute: Callable[[], float]) -> Figure:
    """What is computed, unless it is beyond all numbers."""
    try:
        value = compute()
    except OverflowError:
        value = math.inf
    return Figure(value) if math.isfinite(value) else _none("it is beyond what a number can hold")


def _days(span: timedelta) -> str:
    return f"{span.total_seconds() / 86_400:.1f} days"


def _too_short(curve: Sequence[Point]) -> Figure | None:
    if len(curve) < 2 or _span(curve) <= timedelta(0):
        return _none("the account was valued fewer than two times in the period")
    return None


def _too_few(series: Sequence[float]) -> Figure | None:
    if len(series) < MINIMUM_RETURNS:
        return _none(f"{len(series)} returns in a row are too few: at least {MINIMUM_RETURNS}")
    return None


def _no_trade(trades: TradeSums) -> Figure | None:
    return None if trades.count else _none("no trade was closed in the period")


def _span(curve: Sequence[Point]) -> timedelta:
    return curve[-1].as_of - curve[0].as_of


def _growth(curve: Sequence[Point]) -> float:
    return curve[-1].worth / curve[0].worth


def _profit(curve: Sequence[Point], flows: Sequence[CashFlow]) -> float:
    return curve[-1].equity - curve[0].equity - math.fsum(flow.value for flow in _within(curve, flows))


def _within(curve: Sequence[Point], flows: Sequence[CashFlow]) -> Iterator[CashFlow]:
    """What came or went after the first point, up to the last: what came before is in the first point's equity."""
    return (flow for flow in flows if curve[0].as_of < flow.as_of <= curve[-1].as_of)


def _excess(series: Sequence[float], step: timedelta, risk_free: float) -> float:
    return fmean(series) - risk_free * (step / YEAR)


def _recovery(curve: Sequence[Point], fall: Drawdown) -> datetime | None:
    peak = next(point.worth for point in curve if point.as_of == fall.peak_at)
    return next((point.as_of for point in curve if point.as_of > fall.trough_at and point.worth >= peak), None)


def _money_growth(curve: Sequence[Point], flows: Sequence[CashFlow]) -> Figure:
    """The growth over the period that start and flows share."""
    if (gap := _too_short(curve)) is not None:
        return gap
    start, end, span = curve[0], curve[-1], _span(curve)
    terms = [(start.equity, 1.0)]
    terms += [(flow.value, (end.as_of - flow.as_of) / span) for flow in _within(curve, flows)]

    def surplus(growth: float) -> float:
        return math.fsum(value * growth**left for value, left in terms) - end.equity

    brackets = _sign_changes(surplus)
    if not brackets:
        return _none("no rate makes of start and flows what there was in the end")
    if len(brackets) > 1:
        return _none("more than one rate makes of start and flows what there was in the end")
    return Figure(_bisect(surplus, *brackets[0]))


def _sign_changes(function: Callable[[float], float]) -> list[tuple[float, float]]:
    """Where it changes its sign, on a logarithmic grid of growths; 1 is one of them."""
    ratio = math.log(_MOST_GROWTH / _LEAST_GROWTH) / _STEPS
    grid = [math.exp(ratio * (step - _STEPS / 2)) for step in range(_STEPS + 1)]
    signs = [(growth, math.copysign(1.0, value)) for growth in grid if (value := function(growth))]
    # a root on the grid itself lies between its neighbours
    return [(before, after) for (before, sign), (after, other) in pairwise(signs) if sign != other]


def _bisect(function: Callable[[float], float], low: float, high: float) -> float:
    rising = function(high) > 0
    for _ in range(200):
        middle = math.sqrt(low * high)
        if middle in (low, high):
            break
        low, high = (low, middle) if (function(middle) > 0) is rising else (middle, high)
    return math.sqrt(low * high)
