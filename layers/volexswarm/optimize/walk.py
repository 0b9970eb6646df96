"""Walks forward through a history: searches on what came before, judges on what came after. Pure but for the time it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from volexswarm.backtest import figures
from volexswarm.backtest.decisions import decisions
from volexswarm.backtest.model import Assumptions, History, Run
from volexswarm.backtest.simulation import Simulation
from volexswarm.market.timeframes import Timeframe
from volexswarm.optimize import overfit
from volexswarm.optimize.drawing import best
from volexswarm.optimize.model import Fared, Finding, Fold, FoldFinding, Moments, Parameters, Trial
from volexswarm.optimize.space import Space
from volexswarm.portfolio import performance
from volexswarm.risk.policy import RiskPolicy
from volexswarm.strategies.registry import build

FOLDS = 3
MINIMUM_TRADES = 5
"""With fewer closed trades a ratio is luck."""
LEAST_TEST = 40
"""Candles that a fold is judged on, at least."""


def warm_up(space: Space) -> int:
    """Candles before the first that any parameters of the space could decide on, so that all trade the same period."""
    return build(space.template, space.farthest, Timeframe.M1).warm_up


def least_candles(space: Space) -> int:
    """How many candles a search needs."""
    return warm_up(space) + (2 * FOLDS) * LEAST_TEST


def folds(candles: int, reserve: int) -> Sequence[Fold]:
    """Three folds that roll on: each sees half of the candles after the reserve, and is judged on the next sixth."""
    length = candles - reserve
    edges = [reserve + length * part // (2 * FOLDS) for part in range(2 * FOLDS + 1)]
    return [Fold(edges[number], edges[number + FOLDS], edges[number + FOLDS + 1]) for number in range(FOLDS)]


class WalkForward:
    """One template on one history."""

    def __init__(self, history: History, space: Space, policy: RiskPolicy, assumptions: Assumptions) -> None:
        self._history = history
        self._space = space
        self._simulation = Simulation(history, policy, assumptions)
        self.folds = folds(len(history.candles), warm_up(space))

    def trial(self, fold: int, number: int, parameters: Parameters) -> Trial:
        """Try parameters on what a fold's search may see."""
        seen = self.folds[fold]
        return Trial(fold, number, parameters, **vars(_fared(self._run(parameters, seen.begin, seen.split))))

    def finding(self, trials: Sequence[Trial], *, cut_short: bool) -> Finding:
        """What the trials of all folds come to."""
        by_fold = [[trial for trial in trials if trial.fold == fold] for fold in range(len(self.folds))]
        runs = [self._after(fold, best(own)) for fold, own in enumerate(by_fold)]
        found = [self._fold_finding(fold, own, run) for fold, (own, run) in enumerate(zip(by_fold, runs, strict=True))]
        judged = [one for one in found if one.out_of_sample is not None]
        inside = _mean([one.in_sample.sharpe for one in found if one.in_sample is not None])
        outside = _mean([one.out_of_sample.sharpe for one in judged if one.out_of_sample is not None])
        efficiency = overfit.efficiency(inside, outside)
        return Finding(
            folds=found,
            trials=len(trials),
            unjudged=sum(1 for trial in trials if trial.sharpe is None),
            proposal=found[-1].best,
            out_of_sample_return=_compounded([one.out_of_sample.total_return for one in judged if one.out_of_sample])
            if judged
            else None,
            out_of_sample_trades=sum(one.out_of_sample.trades for one in judged if one.out_of_sample),
            default_return=_compounded([one.default.total_return for one in found]),
            in_sample_sharpe=inside,
            out_of_sample_sharpe=outside,
            efficiency=efficiency,
            overfit_risk=overfit.risk(efficiency, outside),
            deflated_sharpe=self._deflated(len(self.folds) - 1, by_fold[-1]),
            moments=_moments([run for run in runs if run is not None]),
            cut_short=cut_short,
            warnings=_warnings(found, trials, cut_short=cut_short),
        )

    def _run(self, parameters: Parameters, begin: int, end: int) -> Run:
        strategy = build(self._space.template, parameters, self._history.timeframe)
        return self._simulation.run(decisions(strategy, self._history.candles, begin, end), begin, end)

    def _after(self, fold: int, chosen: Trial | None) -> Run | None:
        unseen = self.folds[fold]
        return None if chosen is None else self._run(chosen.parameters, unseen.split, unseen.end)

    def _fold_finding(self, fold: int, trials: Sequence[Trial], run: Run | None) -> FoldFinding:
        places, opened, chosen = self.folds[fold], self._history.candles.index, best(trials)
        return FoldFinding(
            since=opened[places.begin].to_pydatetime(),
            split=opened[places.split].to_pydatetime(),
            until=opened[places.end - 1].to_pydatetime() + self._history.timeframe.length,
            trials=len(trials),
            best=None if chosen is None else chosen.parameters,
            in_sample=None
            if chosen is None
            else Fared(chosen.sharpe, chosen.reason, chosen.total_return, chosen.trades),
            out_of_sample=None if run is None else _fared(run),
            default=_fared(self._run(self._space.defaults, places.split, places.end)),
        )

    def _deflated(self, fold: int, trials: Sequence[Trial]) -> float | None:
        chosen, seen = best(trials), self.folds[fold]
        if chosen is None:
            return None
        series, step = figures.series(figures.points(self._run(chosen.parameters, seen.begin, seen.split)))
        of_a_year = math.sqrt(performance.YEAR / step)
        found = overfit.moments(series)
        ratios = [trial.sharpe / of_a_year for trial in trials if trial.sharpe is not None]
        return None if found is None else overfit.deflated_sharpe(found, ratios)


def _fared(run: Run) -> Fared:
    ratio, trades = figures.sharpe(run), len(run.trades)
    total = run.equity[-1] / run.equity[0] - 1 if run.equity else 0.0
    if trades < MINIMUM_TRADES:
        return Fared(None, f"{trades} closed trades: at least {MINIMUM_TRADES} are needed", total, trades)
    return Fared(ratio.value, ratio.reason, total, trades)


def _moments(runs: Sequence[Run]) -> Moments | None:
    """Of the returns of all runs, one after the other; None where their steps differ."""
    found = [figures.series(figures.points(run)) for run in runs]
    if len({step for _, step in found}) != 1:
        return None
    return overfit.moments([one for series, _ in found for one in series])


def _mean(ratios: Sequence[float | None]) -> float | None:
    known = [ratio for ratio in ratios if ratio is not None]
    return fmean(known) if known else None


def _compounded(returns: Sequence[float]) -> float:
    return math.prod(1 + one for one in returns) - 1


def _warnings(found: Sequence[FoldFinding], trials: Sequence[Trial], *, cut_short: bool) -> Sequence[str]:
    told = [f"The best of {len(trials)} trials is better than it will be: some of what it won was luck."]
    if cut_short:
        told.append("Time ran out before the runs did: the search is not complete.")
    unjudged = sum(1 for trial in trials if trial.sharpe is None)
    if unjudged:
        told.append(f"{unjudged} of {len(trials)} trials could not be judged, most for want of trades.")
    silent = sum(1 for one in found if one.out_of_sample is None or one.out_of_sample.sharpe is None)
    if silent:
        told.append(f"In {silent} of {len(found)} folds the time after could not be judged.")
    return told
