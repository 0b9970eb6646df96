"""Studies of the past: backtests, searches for parameters, searches for strategies. None of them is anything that happened.

`mode` says where the candles come from: in mode `simulated` the market itself is made up. Periods are market time.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime

from volexswarm.messages import Money
from volexswarm.views.shape import Mode, View

StudyStatus = Literal["running", "done"]


class StudyFigure(View):
    """A number, or null and the reason why there is none."""

    value: float | None
    reason: str | None


class Backtest(View):
    """A strategy over closed candles; `figures` by name, shares are of the equity. `words` tells it in one sentence."""

    id: str
    requested_by: str
    venue: str
    mode: Mode
    simulated: bool
    symbol: str
    timeframe: str
    strategy: str
    parameters: dict[str, Any]
    since: AwareDatetime
    until: AwareDatetime
    candles: int
    figures: dict[str, StudyFigure]
    words: str
    made_at: AwareDatetime


class SupposedTrade(View):
    """A trade that the backtest supposes; money and prices in quote currency, `cost` and `proceeds` with fees."""

    opened_at: AwareDatetime
    closed_at: AwareDatetime
    amount: Money
    entry_price: Money
    exit_price: Money
    cost: Money
    proceeds: Money
    fees: Money
    result: Money
    entry_reason: str
    exit_reason: str


class SupposedPosition(View):
    """What is still held at the end of a backtest."""

    opened_at: AwareDatetime
    amount: Money
    entry_price: Money
    cost: Money


class CurvePoint(View):
    """Equity at a candle's close, in quote currency."""

    at: AwareDatetime
    equity: float


class BacktestDetail(View):
    """A backtest with what it assumes, its trades, and its curve.

    Of a long curve about a thousand points are shown, the last among them. `unfilled` counts purchases that were not made;
    `policy_version` is the risk policy's.
    """

    backtest: Backtest
    policy_version: int
    assumptions: list[str]
    unfilled: dict[str, int]
    trades: list[SupposedTrade]
    open_trade: SupposedPosition | None
    curve: list[CurvePoint]


class Fared(View):
    """How parameters did on some candles; `sharpe` of a year, null with the reason."""

    sharpe: float | None
    reason: str | None
    total_return: float
    trades: int


class FoldFinding(View):
    """The best of a fold's search on what it saw (to `split`) and on what came afterwards; `default`: the defaults then."""

    since: AwareDatetime
    split: AwareDatetime
    until: AwareDatetime
    trials: int
    best: dict[str, Any] | None
    in_sample: Fared | None
    out_of_sample: Fared | None
    default: Fared


class Finding(View):
    """What a search found. Returns out of sample are compounded over the folds.

    `efficiency` is the Sharpe ratio out of sample by that in sample; `deflated_sharpe` the probability that the proposal is above
    what luck gives the best of so many trials.
    """

    folds: list[FoldFinding]
    trials: int
    unjudged: int
    proposal: dict[str, Any] | None
    out_of_sample_return: float | None
    out_of_sample_trades: int
    default_return: float
    in_sample_sharpe: float | None
    out_of_sample_sharpe: float | None
    efficiency: float | None
    overfit_risk: Literal["low", "medium", "high", "unknown"]
    deflated_sharpe: float | None
    cut_short: bool
    warnings: list[str]


class Optimization(View):
    """A search for better parameters; `result` and `words` are null while it is running."""

    id: str
    requested_by: str
    discovery_id: str | None
    venue: str
    mode: Mode
    simulated: bool
    symbol: str
    timeframe: str
    strategy: str
    since: AwareDatetime
    until: AwareDatetime
    candles: int
    budget_runs: int
    runs: int
    status: StudyStatus
    result: Finding | None
    words: str | None
    started_at: AwareDatetime
    finished_at: AwareDatetime | None


class SearchTrial(View):
    """One backtest of a search, on what the fold's search could see."""

    fold: int
    number: int
    parameters: dict[str, Any]
    sharpe: float | None
    reason: str | None
    total_return: float
    trades: int


class OptimizationDetail(View):
    """A search with every trial, by fold and number."""

    optimization: Optimization
    trials: list[SearchTrial]


class Candidate(View):
    """What a search at one place came to on unseen candles; `draft` is the strategy that was drafted of it, if any.

    `deflated_sharpe` is the probability that it is more than the luckiest of all candidates; 0.95 and more is convincing.
    """

    template: str
    symbol: str
    timeframe: str
    optimization_id: str
    parameters: dict[str, Any] | None
    out_of_sample_return: float | None
    sharpe: float | None
    trades: int
    trials: int
    overfit_risk: str
    deflated_sharpe: float | None
    draft: str | None


class Discovered(View):
    """Candidates, the best first, and places that could not be searched, with the reason."""

    candidates: list[Candidate]
    left_out: dict[str, str]
    trials: int
    warnings: list[str]


class Discovery(View):
    """A search for strategies; `result` and `words` are null while it is running."""

    id: str
    requested_by: str
    venue: str
    mode: Mode
    simulated: bool
    symbols: list[str]
    days: int
    until: AwareDatetime
    status: StudyStatus
    result: Discovered | None
    words: str | None
    started_at: AwareDatetime
    finished_at: AwareDatetime | None
