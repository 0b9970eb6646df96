"""What trips a circuit breaker, and what can't be told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fakes.transaction import START
from volexswarm.messages import Quote, Side
from volexswarm.risk.breakers import Finding, Kind
from volexswarm.risk.conditions import Scene, findings
from volexswarm.risk.model import Bar, Surroundings
from volexswarm.risk.policy import RiskPolicy


def quote(bid: str, ask: str) -> Quote:
    return Quote(bid=Decimal(bid), ask=Decimal(ask), as_of=START, received_at=START)


def bars(*closes: str) -> list[Bar]:
    return [Bar(Decimal(close) + 1, Decimal(close) - 1, Decimal(close)) for close in closes]


CALM = Scene(
    symbol="BTC/USDT",
    side=Side.BUY,
    quote=quote("99.9", "100.1"),
    quote_age=timedelta(seconds=2),
    bars=bars("100", "100.1", "100", "100.1", "100"),
    bar_length=timedelta(minutes=1),
    usual_volatility=0.01,
    surroundings=Surroundings({}, 0),
)
VOICES = {"a": Side.SELL, "b": Side.SELL, "c": Side.SELL, "d": Side.SELL}


def found(kind: Kind, scene: Scene, **policy: object) -> Finding:
    (one,) = (finding for finding in findings(RiskPolicy.model_validate(policy), scene) if finding.kind is kind)
    return one


def test_a_calm_market_trips_nothing():
    assert [finding.kind for finding in findings(RiskPolicy(), CALM) if finding.tripped] == []


@pytest.mark.parametrize(
    ("kind", "change", "policy", "measure"),
    [
        # 100 now, after a low of 85: 17.6 % up; after a high of 120: 16.7 % down
        (Kind.PRICE_MOVE, {"bars": bars("86", "100")}, {}, "0.17647059"),
        (Kind.PRICE_MOVE, {"bars": bars("119", "100")}, {}, "0.16666667"),
        # minutes of ± 2 % are ± 15 % an hour: fifteen times the usual one percent
        (Kind.VOLATILITY, {"bars": bars("100", "102", "100", "102", "100")}, {}, None),
        (Kind.SPREAD, {"quote": quote("99", "101")}, {}, "0.02"),
        (Kind.STALE_DATA, {"quote_age": timedelta(seconds=61)}, {}, "61.0"),
        (Kind.STALE_DATA, {"quote": None, "quote_age": None}, {}, None),
        (Kind.EXCHANGE_ERRORS, {"surroundings": Surroundings({}, 6)}, {}, "6"),
        (Kind.DISAGREEMENT, {"surroundings": Surroundings(VOICES, 0)}, {}, "1"),
        (Kind.DISAGREEMENT, {"surroundings": Surroundings(VOICES | {"e": Side.BUY}, 0)}, {}, "0.8"),
    ],
)
def test_what_is_beyond_its_limit_trips(kind, change, policy, measure):
    finding = found(kind, replace(CALM, **change), **policy)
    assert finding.tripped
    assert finding.scope == ("account" if kind is Kind.EXCHANGE_ERRORS else "BTC/USDT")
    if measure is not None:
        assert finding.measure == Decimal(measure)
    switched_off = found(kind, replace(CALM, **change), **policy, **{kind.setting: None})
    assert not switched_off.tripped


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (Kind.PRICE_MOVE, {"bars": []}),
        (Kind.PRICE_MOVE, {"quote": None}),
        (Kind.VOLATILITY, {"usual_volatility": None}),
        (Kind.VOLATILITY, {"usual_volatility": 0.0}),
        (Kind.VOLATILITY, {"bars": bars("100", "150", "100")}),
        (Kind.SPREAD, {"quote": None}),
        # three voices are too few to disagree
        (Kind.DISAGREEMENT, {"surroundings": Surroundings(dict(list(VOICES.items())[:3]), 0)}),
    ],
)
def test_what_cannot_be_told_trips_nothing_and_has_no_measure(kind, change):
    finding = found(kind, replace(CALM, **change))
    assert (finding.tripped, finding.measure) == (False, None)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (Kind.SPREAD, {"quote": quote("99.5", "100.5")}),
        (Kind.STALE_DATA, {"quote_age": timedelta(seconds=60)}),
        (Kind.EXCHANGE_ERRORS, {"surroundings": Surroundings({}, 5)}),
        (Kind.DISAGREEMENT, {"surroundings": Surroundings({**VOICES, "d": Side.BUY}, 0)}),
    ],
)
def test_at_its_limit_it_holds(kind, change):
    finding = found(kind, replace(CALM, **change))
    assert not finding.tripped
    assert finding.measure == finding.limit
