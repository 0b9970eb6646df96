"""The optimize agent: searches a strategy's parameters by backtests, and goes on where a call before was cut off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from volexswarm.backtest import history
from volexswarm.backtest.model import Assumptions, Outcome
from volexswarm.clock import Clock
from volexswarm.errors import NotYet
from volexswarm.messages import Event, JobProgressed
from volexswarm.optimize.drawing import following
from volexswarm.optimize.model import Finding, Search, Study, Trial
from volexswarm.optimize.ports import OptimizationTransaction
from volexswarm.optimize.space import Space
from volexswarm.optimize.walk import FOLDS, WalkForward, least_candles
from volexswarm.ports import Store

SOURCE = "optimize"

MOST = 20_000
"""Candles that are searched on."""
LONGEST = timedelta(minutes=15)
"""Of wall time, after which a search ends with what it has."""
RESERVE = 20.0
"""Seconds of a call that are kept for judging what was found."""
_TELLINGS = 10


class OptimizeAgent:
    """Searches parameters.

    Parameters
    ----------
    store : Store[OptimizationTransaction]
    clock : Clock
        Wall time.
    seconds_left : callable
        How much remains of the call.
    assumptions : Assumptions
        What the candles don't tell.
    """

    def __init__(
        self,
        *,
        store: Store[OptimizationTransaction],
        clock: Clock,
        seconds_left: Callable[[], float],
        assumptions: Assumptions | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._seconds_left = seconds_left
        self._assumptions = assumptions or Assumptions()

    def optimize(self, wanted: Search) -> Outcome:
        """Search to the end, in as many calls as it takes.

        Raises
        ------
        NotYet
            If the call's time is over before the search is: what was tried is stored, the next call goes on.
        InvalidInput
            If there are too few or too many candles.
        Conflict
            If no risk policy is in force.
        Unavailable
            If nothing is known of the market yet, or the database can't be asked.
        """
        with self._store.transaction() as tx:
            if (known := tx.outcome(wanted.id)) is not None:
                return known
        study, walk, trials = self._opened(wanted)
        space, runs = Space(study.strategy), _shares(study.budget_runs)
        cut_short, longest = False, 0.0
        for fold, number in _course(runs):
            if len([trial for trial in trials if trial.fold == fold]) > number:
                continue
            if cut_short := self._clock.now() - study.started_at > LONGEST:
                break
            before = self._seconds_left()
            if before < RESERVE + 3 * longest:
                raise NotYet(f"{len(trials)} of {study.budget_runs} runs are done", timedelta(seconds=1))
            own = [trial for trial in trials if trial.fold == fold]
            trial = walk.trial(fold, number, following(space, study.seed, fold, own, runs[fold]))
            trials.append(trial)
            self._keep(wanted, study, trial, len(trials))
            longest = max(longest, before - self._seconds_left())
        return self._finished(study, walk.finding(trials, cut_short=cut_short))

    def _opened(self, wanted: Search) -> tuple[Study, WalkForward, list[Trial]]:
        """The search as it stands: begun in this call or in one before."""
        space = Space(wanted.strategy)
        with self._store.transaction() as tx:
            known = tx.study(wanted.id)
            version, policy = tx.risk_policy(None if known is None else known.policy_version)
            past = history.take(
                tx,
                wanted.venue,
                wanted.symbol,
                wanted.timeframe if known is None else known.timeframe,
                wanted.days,
                least=least_candles(space),
                most=MOST,
                until=wanted.until if known is None else known.until,
            )
            study = known or Study(
                id=wanted.id,
                requested_by=wanted.task_id,
                discovery_id=wanted.discovery_id,
                venue=past.venue,
                symbol=past.symbol,
                timeframe=past.timeframe,
                strategy=wanted.strategy,
                since=past.since,
                until=past.until,
                candles=len(past.candles),
                seed=wanted.seed,
                budget_runs=max(wanted.runs, FOLDS),
                policy_version=version,
                started_at=self._clock.now(),
            )
            if known is None:
                tx.add_study(study)
            trials = list(tx.trials(wanted.id))
        return study, WalkForward(past, space, policy, self._assumptions), trials

    def _keep(self, wanted: Search, study: Study, trial: Trial, done: int) -> None:
        with self._store.transaction() as tx:
            tx.add_trial(study.id, trial)
            if done % max(1, study.budget_runs // _TELLINGS) == 0:
                told = JobProgressed(
                    task_id=wanted.task_id,
                    attempt=wanted.attempt,
                    step=wanted.step,
                    job_id=study.id,
                    done=done,
                    of=study.budget_runs,
                    detail=f"{study.strategy} on {study.symbol}, candles of {study.timeframe}",
                )
                identity = f"{study.id}/{trial.fold}/{trial.number}"
                now = self._clock.now()
                tx.publish(Event.root(told, source=SOURCE, subject=study.id, identity=identity, time=now))

    def _finished(self, study: Study, finding: Finding) -> Outcome:
        with self._store.transaction() as tx:
            tx.finish(study.id, finding, words(study, finding), self._clock.now())
            stored = tx.outcome(study.id)
        assert stored is not None  # it was stored just before, by this call or by another
        return stored


def words(study: Study, finding: Finding) -> str:
    """The search in one sentence."""
    where = f"{finding.trials} runs of {study.strategy} on {study.symbol}, {study.candles} candles of {study.timeframe}"
    if finding.proposal is None or finding.out_of_sample_return is None:
        return f"{where}: none could be judged in the newest fold, so no parameters are proposed"
    own = ", ".join(f"{name} {value}" for name, value in finding.proposal.items())
    return (
        f"{where}: {own} is the best; what was chosen so brought {finding.out_of_sample_return:+.2%} on candles that the search"
        f" had not seen, the defaults {finding.default_return:+.2%}; risk of overfitting {finding.overfit_risk}"
    )


def _shares(runs: int) -> Sequence[int]:
    """How many of the runs each fold has: the newest ones one more where they can't be parted evenly."""
    return [runs // FOLDS + (fold >= FOLDS - runs % FOLDS) for fold in range(FOLDS)]


def _course(runs: Sequence[int]) -> list[tuple[int, int]]:
    """Every trial, fold and number, in the order in which they are made: all folds come along at the same pace."""
    return [(fold, number) for number in range(max(runs)) for fold in range(FOLDS) if number < runs[fold]]
