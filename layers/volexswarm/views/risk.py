"""Risk as a person reads it: what is exposed, how much of each limit is used, the circuit breakers, and what would be decided."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from volexswarm.messages import Check, Money, Protection, Side
from volexswarm.views.shape import Mode, View


class ExposureLine(View):
    """What is held or being bought of one asset, in the valuation currency; `share` of equity."""

    asset: str
    value: Money
    share: Money
    sector: str | None


class TailRisk(View):
    """What a day may cost, in the valuation currency.

    A day's loss exceeds `value_at_risk` with probability 1 − `confidence`; `shortfall` is the mean loss of such days. Each is the
    worse of both ways, by the last `hours` hourly returns of what is held.
    """

    confidence: Money
    hours: int
    value_at_risk: Money
    historical: Money
    parametric: Money
    shortfall: Money
    historical_shortfall: Money
    parametric_shortfall: Money


class LimitUse(View):
    """One limit, what was found, and how much of it is used: 1 at the limit, null where that can't be told."""

    name: str
    setting: str | None
    limit: str
    value: str
    passed: bool
    used: Money | None


class BreakerView(View):
    """A circuit breaker that has tripped before; times of market time. `until` its cooldown lasts."""

    id: str
    kind: str
    scope: str
    state: Literal["closed", "open", "half_open"]
    reason: str
    since: AwareDatetime
    until: AwareDatetime | None
    cooldown_seconds: float
    probe_id: str | None


class Breakers(View):
    """Every circuit breaker that has tripped before. All others are closed."""

    account: str
    as_of: AwareDatetime
    breakers: list[BreakerView]


class RiskView(View):
    """The account's risk at a moment of market time. What can't be had is null or left out, and `missing` says why."""

    mode: Mode
    simulated: bool
    venue: str
    account: str
    halt: str | None
    currency: str
    as_of: AwareDatetime
    policy_version: int
    equity: Money | None
    peak: Money | None
    drawdown: Money | None
    gross: Money | None
    net: Money | None
    exposures: list[ExposureLine]
    clusters: list[list[str]]
    tail: TailRisk | None
    limits: list[LimitUse]
    breakers: list[BreakerView]
    missing: list[str]


class RiskOpinion(View):
    """What risk would decide about a trade at this moment. Nothing was stored or sent."""

    symbol: str
    side: Side
    approved: bool
    reason: str
    policy_version: int
    amount: Money | None
    stop_price: Money | None
    protection: Protection | None
    sizing: str
    checks: list[Check]
    simulated: bool
    as_of: AwareDatetime
