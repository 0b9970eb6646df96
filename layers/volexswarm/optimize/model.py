"""A search, its trials, and what came of it. Statistics are float64; Sharpe ratios are of a year unless said."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import NAMESPACE

Parameters = Mapping[str, Any]

RUNS = 45
"""Backtests of a search for which none are given."""
OverfitRisk = Literal["low", "medium", "high", "unknown"]


@dataclass(frozen=True)
class Search:
    """A search that is wanted. `timeframe` None: the longest with enough candles; `until` (market time) None: to the present.

    `runs` backtests at most, over all folds; `seed` makes its draws the same each time.
    """

    id: str
    task_id: str
    attempt: int
    step: str
    venue: str
    strategy: str
    symbol: str
    timeframe: Timeframe | None
    days: int
    runs: int
    seed: str
    until: datetime | None = None
    discovery_id: str | None = None

    @classmethod
    def of_task(cls, task_id: str, attempt: int, step: str, request: Mapping[str, Any], venue: str) -> Search:
        """What a task of kind `optimize` asks for; the same attempt has the same search."""
        timeframe = request.get("timeframe")
        key = str(uuid.uuid5(NAMESPACE, f"optimization/{task_id}/{attempt}"))
        return cls(
            id=key,
            task_id=task_id,
            attempt=attempt,
            step=step,
            venue=venue,
            strategy=request["strategy"],
            symbol=request["symbol"],
            timeframe=None if timeframe is None else Timeframe(timeframe),
            days=request["days"],
            runs=request.get("budget_runs") or RUNS,
            seed=key,
        )


@dataclass(frozen=True)
class Study:
    """A search that has begun: on which candles, and by which policy. `started_at` is wall time."""

    id: str
    requested_by: str
    discovery_id: str | None
    venue: str
    symbol: str
    timeframe: Timeframe
    strategy: str
    since: datetime
    until: datetime
    candles: int
    seed: str
    budget_runs: int
    policy_version: int
    started_at: datetime


@dataclass(frozen=True)
class Trial:
    """One backtest of a search, on the candles that the search may see. Without a `sharpe` the `reason` says why."""

    fold: int
    number: int
    parameters: Parameters
    sharpe: float | None
    reason: str | None
    total_return: float
    trades: int


@dataclass(frozen=True)
class Fold:
    """Places of candles: the search sees those from `begin` to before `split`, and is judged on those to before `end`."""

    begin: int
    split: int
    end: int


@dataclass(frozen=True)
class Fared:
    """How parameters did on some candles."""

    sharpe: float | None
    reason: str | None
    total_return: float
    trades: int


@dataclass(frozen=True)
class FoldFinding:
    """The best of a fold's search, on what it saw and on what came afterwards; `default` is how the defaults did then.

    `best` and what follows from it are None where no trial could be judged. Times are market time.
    """

    since: datetime
    split: datetime
    until: datetime
    trials: int
    best: Parameters | None
    in_sample: Fared | None
    out_of_sample: Fared | None
    default: Fared


@dataclass(frozen=True)
class Moments:
    """Of a series of returns: its Sharpe ratio per step (not of a year), skewness, kurtosis (3 for a normal one), and length."""

    sharpe: float
    skewness: float
    kurtosis: float
    observations: int


@dataclass(frozen=True)
class Finding:
    """What a search found.

    `proposal` are the best parameters of the newest fold, None where nothing could be judged; `out_of_sample_return` compounds
    what each fold's best did afterwards, `default_return` what the defaults did; `efficiency` is the mean Sharpe ratio out of
    sample by that in sample; `deflated_sharpe` the probability that the proposal's in-sample ratio is above what luck gives the
    best of so many trials. `moments` are of the returns out of sample. `cut_short`: time ran out before the runs did.
    """

    folds: Sequence[FoldFinding]
    trials: int
    unjudged: int
    proposal: Parameters | None
    out_of_sample_return: float | None
    out_of_sample_trades: int
    default_return: float
    in_sample_sharpe: float | None
    out_of_sample_sharpe: float | None
    efficiency: float | None
    overfit_risk: OverfitRisk
    deflated_sharpe: float | None
    moments: Moments | None
    cut_short: bool
    warnings: Sequence[str]
