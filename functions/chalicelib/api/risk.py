"""Risk: how things stand, what would be decided, and circuit breakers reset by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from chalicelib.api.endpoint import Call, Input, Resource
from chalicelib.api.inputs import Reason, Symbol, key_of
from chalicelib.runtime import wiring
from volexswarm.messages import OrderType, Protection, Side
from volexswarm.risk.breakers import Breaker
from volexswarm.risk.oversight import Question
from volexswarm.risk.report import Report
from volexswarm.risk.tail import Tail
from volexswarm.security.roles import Permission
from volexswarm.views.risk import Breakers, BreakerView, ExposureLine, LimitUse, RiskOpinion, RiskView, TailRisk

resource = Resource(__name__)
blueprint = resource.blueprint

Positive = Annotated[Decimal, Field(gt=0, max_digits=30, decimal_places=18, allow_inf_nan=False)]

_DECIMALS = 8


class AssessRequest(Input):
    """A trade to be judged. `amount` in base currency; without one it is sized as a strategy's would be.

    `price` for types with a limit, `trigger_price` for those that wait for one. `protection` how the position is to be left.
    """

    symbol: Symbol
    side: Side
    amount: Positive | None = None
    type: OrderType = OrderType.MARKET
    price: Positive | None = None
    trigger_price: Positive | None = None
    protection: Protection | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.price is not None) != self.type.has_limit:
            raise ValueError(
                f"price: {'a price' if self.type.has_limit else 'no price'}, since the type is {self.type}"
            )
        if (self.trigger_price is not None) != self.type.has_trigger:
            wanted = "a price" if self.type.has_trigger else "none"
            raise ValueError(f"trigger_price: {wanted}, since the type is {self.type}")
        return self


class ResetRequest(Input):
    """Why a circuit breaker may be closed."""

    reason: Reason


@resource.route("GET", "/risk", RiskView, permission=Permission.TRADE_READ)
def risk(_: Call[Any, Any, Any]) -> RiskView:
    """Exposures, value at risk, drawdown, losses, and how much of each limit is used."""
    return _view(wiring.oversight().report())


@resource.route("GET", "/breakers", Breakers, permission=Permission.TRADE_READ)
def breakers(_: Call[Any, Any, Any]) -> Breakers:
    """Circuit breakers that have tripped before, and how they stand."""
    found = wiring.oversight().report()
    return Breakers(account=found.account, as_of=found.as_of, breakers=[_breaker(one) for one in found.breakers])


@resource.route(
    "POST",
    "/breakers/{breaker}/reset",
    BreakerView,
    permission=Permission.SYSTEM_CONTROL,
    body=ResetRequest,
    failures=(404, 409),
)
def reset(call: Call[Any, ResetRequest, Any], breaker: str) -> BreakerView:
    """Close a circuit breaker by hand: the next trade is not stopped by it, unless it trips again."""
    key = key_of("circuit breaker", breaker)
    return _breaker(wiring.oversight().reset(key, actor=call.caller.username, reason=call.body.reason))


@resource.route("POST", "/risk/assess", RiskOpinion, permission=Permission.TRADE_READ, body=AssessRequest)
def assess(call: Call[Any, AssessRequest, Any]) -> RiskOpinion:
    """What risk would decide about a trade at this moment: every check, and the size.

    Nothing is stored and nothing is sent.
    """
    wanted = call.body
    decision = wiring.oversight().consider(
        Question(
            symbol=wanted.symbol,
            side=wanted.side,
            amount=wanted.amount,
            order_type=wanted.type,
            limit_price=wanted.price,
            trigger_price=wanted.trigger_price,
            protection=wanted.protection,
        ),
        asked_by=call.caller.username,
    )
    found, verdict = decision.assessment, decision.verdict
    return RiskOpinion(
        symbol=wanted.symbol,
        side=wanted.side,
        approved=verdict.approved,
        reason=verdict.reason,
        policy_version=verdict.policy_version,
        amount=found.amount,
        stop_price=found.stop_price,
        protection=found.protection,
        sizing=found.sizing,
        checks=list(verdict.checks),
        simulated=decision.situation.state.mode != "live",
        as_of=decision.situation.as_of,
    )


def _view(found: Report) -> RiskView:
    return RiskView(
        mode=found.mode,
        simulated=found.mode != "live",
        venue=wiring.settings().venue,
        account=found.account,
        halt=found.halt,
        currency=found.currency,
        as_of=found.as_of,
        policy_version=found.policy_version,
        equity=found.equity,
        peak=found.peak,
        drawdown=found.drawdown,
        gross=found.gross,
        net=found.net,
        exposures=[ExposureLine(**line.__dict__) for line in found.lines],
        clusters=[list(cluster) for cluster in found.clusters],
        tail=None if found.tail is None else _tail(found.tail),
        limits=[
            LimitUse(**use.check.model_dump(include={"name", "setting", "limit", "value", "passed"}), used=use.used)
            for use in found.uses
        ],
        breakers=[_breaker(breaker) for breaker in found.breakers],
        missing=list(found.missing),
    )


def _tail(found: Tail) -> TailRisk:
    figures = ("value_at_risk", "historical", "parametric", "shortfall", "historical_shortfall", "parametric_shortfall")
    amounts = {name: round(Decimal(getattr(found, name)), _DECIMALS) for name in figures}
    return TailRisk(confidence=Decimal(str(found.confidence)), hours=found.hours, **amounts)


def _breaker(breaker: Breaker) -> BreakerView:
    return BreakerView(
        id=breaker.id,
        kind=breaker.kind.value,
        scope=breaker.scope,
        state=breaker.state,
        reason=breaker.reason,
        since=breaker.since,
        until=breaker.until,
        cooldown_seconds=breaker.cooldown.total_seconds(),
        probe_id=breaker.probe_id,
    )
