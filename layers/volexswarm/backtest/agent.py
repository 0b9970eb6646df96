"""The backtest agent: runs a strategy over stored candles, and keeps what came of it."""

from __future__ import annotations

from volexswarm.backtest import figures, history, simulation
from volexswarm.backtest.decisions import decisions
from volexswarm.backtest.model import Assumptions, Backtest, Commission, History, Outcome, Run
from volexswarm.backtest.ports import BacktestTransaction
from volexswarm.clock import Clock
from volexswarm.market.timeframes import Timeframe
from volexswarm.portfolio.performance import Figure
from volexswarm.ports import Store
from volexswarm.strategies.parameters import parse
from volexswarm.strategies.registry import build

LEAST = 100
"""Candles that must be left to decide on, after the strategy's warm-up."""
MOST = 50_000
"""Candles that one call can simulate."""


class BacktestAgent:
    """Runs strategies over history.

    Parameters
    ----------
    store : Store[BacktestTransaction]
    clock : Clock
        Wall time, for the record.
    assumptions : Assumptions
        What the candles don't tell.
    """

    def __init__(self, store: Store[BacktestTransaction], clock: Clock, assumptions: Assumptions | None = None) -> None:
        self._store = store
        self._clock = clock
        self._assumptions = assumptions or Assumptions()

    def backtest(self, wanted: Commission) -> Outcome:
        """Run and store a backtest, once for each attempt of a task: asked again, the stored one is told.

        Raises
        ------
        InvalidInput
            If a parameter does not fit, or there are too few or too many candles.
        Conflict
            If no risk policy is in force.
        Unavailable
            If nothing is known of the market yet, or the database can't be asked.
        """
        parameters = parse(wanted.strategy, wanted.parameters)
        # the same whatever the candles' length
        warm_up = build(wanted.strategy, wanted.parameters, Timeframe.M1).warm_up
        with self._store.transaction() as tx:
            if (known := tx.outcome(wanted.backtest_id)) is not None:
                return known
            version, policy = tx.risk_policy()
            past = history.take(
                tx, wanted.venue, wanted.symbol, wanted.timeframe, wanted.days, least=LEAST + warm_up, most=MOST
            )
        strategy = build(wanted.strategy, wanted.parameters, past.timeframe)
        begin, end = warm_up - 1, len(past.candles)
        found = decisions(strategy, past.candles, begin, end)
        run = simulation.Simulation(past, policy, self._assumptions).run(found, begin, end)
        told = figures.figures(run, past.candles.iloc[begin:])
        backtest = Backtest(
            id=wanted.backtest_id,
            requested_by=wanted.task_id,
            venue=past.venue,
            symbol=past.symbol,
            timeframe=past.timeframe,
            strategy=wanted.strategy,
            parameters=parameters.model_dump(),
            since=past.since,
            until=past.until,
            candles=len(past.candles),
            policy_version=version,
            assumptions=simulation.in_words(policy, self._assumptions),
            figures=told,
            run=run,
            words=_words(wanted, past, run, told),
            made_at=self._clock.now(),
        )
        with self._store.transaction() as tx:
            tx.add_backtest(backtest)
            stored = tx.outcome(backtest.id)
        assert stored is not None  # it was stored just before, by this call or by another
        return stored


def _words(wanted: Commission, past: History, run: Run, told: dict[str, Figure]) -> str:
    count = len(run.trades)
    trades = "no trade was closed" if not count else f"{count} trade{'s' if count > 1 else ''} closed"
    rated = "" if told["win_rate"].value is None else f", {told['win_rate'].value:.0%} of them won"
    return (
        f"{wanted.strategy} on {past.symbol} over {len(past.candles)} candles of {past.timeframe}:"
        f" {share(told['total_return'])} of the equity after costs, {trades}{rated};"
        f" holding the market brought {share(told['hold_return'])}"
    )


def share(figure: Figure) -> str:
    """A figure as a share in words; why there is none if there is none."""
    return f"unknown ({figure.reason})" if figure.value is None else f"{figure.value:+.2%}"
