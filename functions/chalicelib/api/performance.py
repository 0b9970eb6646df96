"""How the account has fared: equity over time, returns and ratios, and whose doing it was."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.api.endpoint import Call, Input, Resource
from chalicelib.runtime import wiring
from volexswarm.security.roles import Permission
from volexswarm.views.performance import Attribution, EquityHistory, Performance, Period

resource = Resource(__name__)
blueprint = resource.blueprint


class Over(Input):
    """A period of market time that ends with the newest valuation."""

    period: Period = Period.MONTH


@resource.route("GET", "/portfolio/history", EquityHistory, permission=Permission.TRADE_READ, query=Over)
def history(call: Call[Over, Any, Any]) -> EquityHistory:
    """The equity over the period, at most 500 points."""
    return wiring.performance_reader().history(call.query.period)


class Measured(Over):
    """A period, and what money earns without risk."""

    risk_free: Annotated[float, Field(ge=-0.5, le=1, description="a year's rate: 0.04 is four percent")] = 0.0


@resource.route("GET", "/performance", Performance, permission=Permission.TRADE_READ, query=Measured)
def performance(call: Call[Measured, Any, Any]) -> Performance:
    """Returns, ratios, drawdown and what the closed trades say.

    A figure that the data cannot carry is null, with its reason. Deposits and withdrawals are no gain and no loss.
    """
    return wiring.performance_reader().performance(call.query.period, call.query.risk_free)


class Divided(Over):
    """A period, and what the result is divided by."""

    by: Literal["strategy", "symbol", "agent"] = "strategy"


@resource.route("GET", "/attribution", Attribution, permission=Permission.TRADE_READ, query=Divided)
def attribution(call: Call[Divided, Any, Any]) -> Attribution:
    """Realised and unrealised result and fees by strategy, symbol or agent: the shares add up to the total."""
    return wiring.performance_reader().attribution(call.query.by, call.query.period)
