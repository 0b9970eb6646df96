"""Value at risk and what lies beyond it: how much a day may cost, by what the held assets have done before. Pure.

The gains and losses that the present holdings would have made in each past hour are summed in integers: exact, in any order, so
that a sum that is brought up to date is the very one that is made anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, sqrt
from operator import add
from statistics import NormalDist

from volexswarm.risk.prices import GAIN_UNIT, HOURS_PER_DAY, PriceHistory, deviation

_VALUE_UNIT = 10**4
_UNIT = float(GAIN_UNIT * _VALUE_UNIT)


@dataclass(frozen=True)
class Tail:
    """Loss of one day, in the valuation currency, never negative.

    Value at risk is the loss that a day exceeds with probability 1 − confidence; shortfall the mean loss of the days that do.
    Historical: by the losses of past hours, the n-th smallest of them with n = ⌈confidence × hours⌉, and the mean of those at or
    beyond it. Parametric: z·σ and σ·φ(z) / (1 − confidence), of a normal distribution with mean 0 and the hours' standard
    deviation σ. Both are brought from an hour to a day by √24.

    References
    ----------
    Jorion (2006), Value at Risk, 3rd ed.; Rockafellar and Uryasev (2000), Optimization of Conditional Value-at-Risk.
    """

    confidence: float
    hours: int
    historical: float
    parametric: float
    historical_shortfall: float
    parametric_shortfall: float

    @property
    def value_at_risk(self) -> float:
        """The worse of both."""
        return max(self.historical, self.parametric)

    @property
    def shortfall(self) -> float:
        """The worse of both."""
        return max(self.historical_shortfall, self.parametric_shortfall)


def tail(results: Sequence[int], confidence: float) -> Tail:
    """The tail of at least two hourly results, as `Results` gives them; confidence 0.5 to below 1."""
    losses = sorted(-result / _UNIT for result in results)
    first = ceil(confidence * len(losses)) - 1
    beyond = losses[first:]
    normal, spread, day = NormalDist(), deviation(losses), sqrt(HOURS_PER_DAY)
    z = normal.inv_cdf(confidence)
    return Tail(
        confidence=confidence,
        hours=len(losses),
        historical=max(0.0, losses[first]) * day,
        parametric=z * spread * day,
        historical_shortfall=max(0.0, sum(beyond) / len(beyond)) * day,
        parametric_shortfall=spread * normal.pdf(z) / (1 - confidence) * day,
    )


class Results:
    """Gain and loss of holdings in each hour of a history, at the newest prices. Immutable: `of` gives another one.

    Parameters
    ----------
    history : PriceHistory
        Of every asset that will be held.
    """

    def __init__(
        self, history: PriceHistory, amounts: Mapping[str, Decimal] | None = None, sums: Sequence[int] | None = None
    ) -> None:
        self.history = history
        self._amounts = amounts or {}
        self.sums: Sequence[int] = [0] * history.observations if sums is None else sums

    def of(self, amounts: Mapping[str, Decimal]) -> Results:
        """The results of these amounts, by asset; only what differs from the present ones is computed."""
        before, sums, history = self._amounts, self.sums, self.history
        changed = [asset for asset, amount in amounts.items() if before.get(asset) != amount]
        changed += before.keys() - amounts.keys()
        if not changed:
            return self
        for asset in changed:
            value = _value(history, asset, amounts.get(asset)) - _value(history, asset, before.get(asset))
            sums = self._plus(sums, asset, value)
        return Results(history, dict(amounts), sums)

    def tail(self, beginning: int, confidence: float, bought: str, value: Decimal) -> Tail:
        """The tail of these results from an hour on, with `value` more of one asset."""
        sums = self._plus(self.sums, bought, int(value * _VALUE_UNIT))
        return tail(sums[beginning:], confidence)

    def _plus(self, sums: Sequence[int], asset: str, value: int) -> Sequence[int]:
        return list(map(add, sums, [value * gain for gain in self.history.gains(asset)])) if value else sums


def _value(history: PriceHistory, asset: str, amount: Decimal | None) -> int:
    close = history.close(asset)
    return 0 if amount is None or close is None else int(amount * Decimal(close) * _VALUE_UNIT)
