"""What makes circuit breakers trip: prices, spread, data, exchange and strategies, each held against its limit. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from math import log, sqrt

from volexswarm.messages import Quote, Side
from volexswarm.policies import percent
from volexswarm.risk.breakers import Finding, Kind
from volexswarm.risk.model import Bar, Surroundings
from volexswarm.risk.policy import RiskPolicy
from volexswarm.risk.prices import deviation

ACCOUNT = "account"
"""The scope of a breaker that stops buying altogether."""

_HOUR = timedelta(hours=1)
_LEAST_RETURNS = 3

Reading = tuple[Decimal | None, str]
"""What was measured, in the unit of the limit, and the same in words; None where it can't be told."""


@dataclass(frozen=True)
class Scene:
    """A symbol at the moment of a decision to trade on `side`.

    `quote` the usable one; `quote_age` of whatever quote there is; `bars` closed candles of the breakers' window, each
    `bar_length` long; `usual_volatility` standard deviation of an hour's log return.
    """

    symbol: str
    side: Side
    quote: Quote | None
    quote_age: timedelta | None
    bars: Sequence[Bar]
    bar_length: timedelta
    usual_volatility: float | None
    surroundings: Surroundings


def findings(policy: RiskPolicy, scene: Scene) -> tuple[Finding, ...]:
    """What each breaker sees. What can't be told trips none, but for data that are not there."""
    readings: dict[Kind, Callable[[RiskPolicy, Scene], Reading]] = {
        Kind.PRICE_MOVE: _price_move,
        Kind.VOLATILITY: _volatility,
        Kind.SPREAD: _spread,
        Kind.STALE_DATA: _staleness,
        Kind.EXCHANGE_ERRORS: _errors,
        Kind.DISAGREEMENT: _disagreement,
    }
    return tuple(_finding(policy, scene, kind, reading) for kind, reading in readings.items())


def limit_of(policy: RiskPolicy, kind: Kind) -> Decimal | None:
    """At what a breaker trips, in the unit of what it measures; None where it is switched off."""
    setting = getattr(policy, kind.setting)
    return None if setting is None else Decimal(setting)


def _finding(policy: RiskPolicy, scene: Scene, kind: Kind, read: Callable[[RiskPolicy, Scene], Reading]) -> Finding:
    limit = limit_of(policy, kind)
    measure, words = read(policy, scene)
    beyond = measure is not None and limit is not None and measure > limit
    missing = kind is Kind.STALE_DATA and scene.quote_age is None and limit is not None
    return Finding(
        kind, ACCOUNT if kind is Kind.EXCHANGE_ERRORS else scene.symbol, limit, measure, words, beyond or missing
    )


def _price_move(policy: RiskPolicy, scene: Scene) -> Reading:
    if scene.quote is None or not scene.bars:
        return None, "no prices to compare"
    price = scene.quote.mid
    lowest, highest = min(bar.low for bar in scene.bars), max(bar.high for bar in scene.bars)
    if lowest <= 0:
        return None, "no prices to compare"
    move = max(abs(price / lowest - 1), abs(price / highest - 1))
    return _rounded(move), f"{percent(move)} within {policy.breaker_window} min"


def _volatility(_: RiskPolicy, scene: Scene) -> Reading:
    closes = [float(bar.close) for bar in scene.bars if bar.close > 0]
    returns = [log(after / before) for before, after in itertools.pairwise(closes)]
    if not scene.usual_volatility or len(returns) < _LEAST_RETURNS:
        return None, "too little history"
    hourly = deviation(returns) * sqrt(_HOUR / scene.bar_length)
    multiple = _rounded(Decimal(hourly / scene.usual_volatility))
    return multiple, f"{multiple:.2f} times the usual"


def _spread(_: RiskPolicy, scene: Scene) -> Reading:
    if scene.quote is None:
        return None, "no quote"
    spread = (scene.quote.ask - scene.quote.bid) / scene.quote.mid
    return _rounded(spread), percent(spread)


def _staleness(_: RiskPolicy, scene: Scene) -> Reading:
    if scene.quote_age is None:
        return None, "no quote"
    seconds = Decimal(f"{max(0.0, scene.quote_age.total_seconds()):.1f}")
    return seconds, f"{seconds} s"


def _errors(policy: RiskPolicy, scene: Scene) -> Reading:
    count = scene.surroundings.exchange_errors
    return Decimal(count), f"{count} within {policy.breaker_errors_window} min"


def _disagreement(policy: RiskPolicy, scene: Scene) -> Reading:
    voices = scene.surroundings.voices.values()
    if len(voices) < policy.breaker_voices:
        return None, f"{len(voices)} strategies spoke"
    opposite = sum(1 for side in voices if side is not scene.side)
    share = Decimal(opposite) / len(voices)
    return _rounded(share), f"{percent(share)}, {opposite} of {len(voices)} strategies, want the opposite"


def _rounded(value: Decimal) -> Decimal:
    return round(value, 8)
