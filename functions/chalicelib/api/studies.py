"""Studies of the past: backtests, searches for parameters, searches for strategies. Tasks ask for them."""

from __future__ import annotations

from typing import Any

from chalicelib.api.endpoint import Call, Resource
from chalicelib.api.inputs import PageOf, key_of
from chalicelib.runtime import wiring
from volexswarm.security.roles import Permission
from volexswarm.views.shape import Page
from volexswarm.views.studies import Backtest, BacktestDetail, Discovery, Optimization, OptimizationDetail

resource = Resource(__name__)
blueprint = resource.blueprint


@resource.route("GET", "/backtests", Page[Backtest], permission=Permission.STRATEGY_READ, query=PageOf)
def backtests(call: Call[PageOf, Any, Any]) -> Page[Backtest]:
    """Backtests with their figures, newest first."""
    return wiring.study_reader().backtests(call.query.symbol, call.query.limit, call.query.cursor)


@resource.route("GET", "/backtests/{backtest}", BacktestDetail, permission=Permission.STRATEGY_READ, failures=(409,))
def backtest(call: Call[Any, Any, Any], backtest: str) -> BacktestDetail:  # noqa: ARG001
    """One backtest: what it assumes, its trades, and its curve."""
    return wiring.study_reader().backtest(key_of("backtest", backtest))


@resource.route("GET", "/optimizations", Page[Optimization], permission=Permission.STRATEGY_READ, query=PageOf)
def optimizations(call: Call[PageOf, Any, Any]) -> Page[Optimization]:
    """Searches for better parameters, those that run among them, newest first."""
    return wiring.study_reader().optimizations(call.query.symbol, call.query.limit, call.query.cursor)


@resource.route(
    "GET", "/optimizations/{optimization}", OptimizationDetail, permission=Permission.STRATEGY_READ, failures=(409,)
)
def optimization(call: Call[Any, Any, Any], optimization: str) -> OptimizationDetail:  # noqa: ARG001
    """One search with every trial: what it found in sample and out of sample, and how far that can be trusted."""
    return wiring.study_reader().optimization(key_of("optimization", optimization))


@resource.route("GET", "/discoveries", Page[Discovery], permission=Permission.STRATEGY_READ, query=PageOf)
def discoveries(call: Call[PageOf, Any, Any]) -> Page[Discovery]:
    """Searches for strategies, newest first."""
    return wiring.study_reader().discoveries(call.query.symbol, call.query.limit, call.query.cursor)


@resource.route("GET", "/discoveries/{discovery}", Discovery, permission=Permission.STRATEGY_READ, failures=(409,))
def discovery(call: Call[Any, Any, Any], discovery: str) -> Discovery:  # noqa: ARG001
    """One search for strategies: its candidates on unseen candles, its drafts, and its warnings."""
    return wiring.study_reader().discovery(key_of("discovery", discovery))
