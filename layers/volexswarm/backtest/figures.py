"""A run in figures: the formulas are the portfolio's own. Pure, float64."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pandas as pd

from volexswarm.backtest.model import ClosedTrade, Run
from volexswarm.portfolio import performance
from volexswarm.portfolio.performance import Figure, Point, TradeSums

STEPS = tuple(timedelta(minutes=minutes) for minutes in (24 * 60, 60, 15, 5, 1))
"""Of which returns are taken, the longest first."""


def points(run: Run) -> list[Point]:
    """The equity curve; a unit is worth its share of what there was at the beginning."""
    if not run.equity:
        return []
    start = run.equity[0]
    return [Point(moment, value, value / start) for moment, value in zip(run.times, run.equity, strict=True)]


def period(span: timedelta) -> timedelta:
    """The step of the returns of which volatility and ratios are made: the longest of which the span holds enough."""
    return next((step for step in STEPS if span >= performance.MINIMUM_RETURNS * step), STEPS[-1])


def series(curve: Sequence[Point]) -> tuple[list[float], timedelta]:
    """The returns from step to step, and the step."""
    if not curve:
        return [], STEPS[-1]
    step = period(curve[-1].as_of - curve[0].as_of)
    last: dict[int, Point] = {}
    for point in curve:
        last[int(point.as_of.timestamp() // step.total_seconds())] = point
    return performance.returns(list(last.values()), step), step


def sharpe(run: Run) -> Figure:
    """The year's Sharpe ratio of the run."""
    found, step = series(points(run))
    return performance.sharpe(found, step)


def figures(run: Run, candles: pd.DataFrame) -> dict[str, Figure]:
    """Every figure by its name; one that the run can't carry is None and says why. Shares are of the equity unless said.

    `candles` are those of the run.
    """
    curve, sums = points(run), trade_sums(run.trades)
    found, step = series(curve)
    fall = performance.max_drawdown(curve)
    return {
        "total_return": performance.time_weighted_return(curve),
        "annual_return": performance.annual_return(curve),
        "hold_return": _hold(candles),
        "volatility": performance.volatility(found, step),
        "sharpe": performance.sharpe(found, step),
        "sortino": performance.sortino(found, step),
        "max_drawdown": Figure(0.0 if fall is None else fall.share),
        "calmar": performance.calmar(curve),
        "trades": Figure(float(sums.count)),
        "win_rate": performance.win_rate(sums),
        "profit_factor": performance.profit_factor(sums),
        "expectancy": performance.expectancy(sums),
        "return_on_stake": _on_stake(run.trades),
        "average_win": performance.average_win(sums),
        "average_loss": performance.average_loss(sums),
        "average_holding": performance.average_holding(sums),
        "exposure": Figure(run.held / len(run.times)) if run.times else Figure(None, "there are no candles"),
        "fees": Figure(float(run.fees)),
    }


def trade_sums(trades: Sequence[ClosedTrade]) -> TradeSums:
    """The sums over closed trades that the figures are made of."""
    results = [float(trade.result) for trade in trades]
    wins = [result for result in results if result > 0]
    losses = [-result for result in results if result < 0]
    return TradeSums(
        count=len(results),
        wins=len(wins),
        losses=len(losses),
        won=sum(wins),
        lost=sum(losses),
        largest_win=max(wins, default=0.0),
        largest_loss=max(losses, default=0.0),
        held=sum((trade.closed_at - trade.opened_at for trade in trades), timedelta(0)),
    )


def _on_stake(trades: Sequence[ClosedTrade]) -> Figure:
    """Mean result of a closed trade as a share of what it cost."""
    if not trades:
        return Figure(None, "no trade was closed in the period")
    return Figure(sum(float(trade.result / trade.cost) for trade in trades) / len(trades))


def _hold(candles: pd.DataFrame) -> Figure:
    """What holding the market from the first close to the last would have brought, without costs."""
    closes = candles["close"]
    return Figure(float(closes.iloc[-1] / closes.iloc[0]) - 1) if len(closes) else Figure(None, "there are no candles")
