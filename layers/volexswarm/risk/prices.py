"""What prices have done hour by hour: returns, correlation, volatility and trend, from hourly closes alone. Pure.

Analytics are float64, as no money is counted here; the base layer has no numpy, so what is dear is computed once for as long as
the hours are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import expm1, log, sqrt
from operator import mul

HOURS_PER_DAY = 24

GAIN_UNIT = 10**9

LEAST_IN_COMMON = 24
"""Fewer returns than of a day correlate by chance."""


class PriceHistory:
    """Hourly closes of assets in one currency, all over the same hours.

    Parameters
    ----------
    closes : mapping
        By asset, one close per hour, oldest first; None where nothing was traded in that hour. All are equally long.

    A quiet asset keeps its price: its return of an hour without a trade is 0. An hour in which nothing at all was traded is a
    hole in the feed, and no return is taken over it. `observations` is the number of returns; an asset that came later has fewer.
    """

    def __init__(self, closes: Mapping[str, Sequence[float | None]]) -> None:
        seen = [any(column) for column in zip(*closes.values(), strict=True)]
        self._hours = [hour for hour in range(1, len(seen)) if seen[hour - 1] and seen[hour]]
        self._closes = {asset: _carried(values) for asset, values in closes.items()}
        self._beginnings = {asset: self._first_return(values) for asset, values in self._closes.items()}
        self._late = {asset: first for asset, first in self._beginnings.items() if first > 0}
        self._returns: dict[str, Sequence[float]] = {}
        self._gains: dict[str, Sequence[int]] = {}
        self._volatilities: dict[tuple[str, int | None], float | None] = {}
        self._scores: dict[tuple[str, int], Sequence[float] | None] = {}
        self._clusters: dict[tuple[str, float], frozenset[str]] = {}
        self._correlations: dict[tuple[str, str], float | None] = {}

    @property
    def observations(self) -> int:
        return len(self._hours)

    def close(self, asset: str) -> float | None:
        """The newest close."""
        values = self._closes.get(asset)
        return values[-1] if values else None

    def beginning(self, assets: Iterable[str]) -> int:
        """Index of the first return that all of the assets have; `observations` if there is none."""
        wanted = frozenset(assets)  # most have all the hours: a thousand are not to be looked at one by one
        if not wanted <= self._beginnings.keys():
            return self.observations
        return max([first for asset, first in self._late.items() if asset in wanted], default=0)

    def returns(self, asset: str) -> Sequence[float]:
        """Log returns; 0 before the asset's own beginning."""
        if asset not in self._returns:
            logs = [0.0 if close is None else log(close) for close in self._closes.get(asset, ())]
            first = self._beginning(asset)
            own = [logs[hour] - logs[hour - 1] for hour in self._hours[first:]]
            self._returns[asset] = [0.0] * first + own
        return self._returns[asset]

    def gains(self, asset: str) -> Sequence[int]:
        """What a thousand millions of value would have gained, hour by hour, in whole units."""
        if asset not in self._gains:
            self._gains[asset] = [int(expm1(value) * GAIN_UNIT) for value in self.returns(asset)]
        return self._gains[asset]

    def lacking(self, assets: Iterable[str], least: int) -> tuple[str, ...]:
        """Those of the assets that have fewer than `least` returns."""
        return tuple(sorted(asset for asset in assets if self.observations - self._beginning(asset) < least))

    def volatility(self, asset: str, hours: int | None = None) -> float | None:
        """Standard deviation of the last `hours` log returns, or of all there are; None with too few."""
        if (asset, hours) not in self._volatilities:
            own = self.returns(asset)[self._beginning(asset) :]
            enough = len(own) >= max(2, hours or 0)
            self._volatilities[asset, hours] = deviation(own if hours is None else own[-hours:]) if enough else None
        return self._volatilities[asset, hours]

    def average(self, asset: str, hours: int) -> float | None:
        """Mean of the last `hours` closes; None with fewer."""
        known = [value for value in self._closes.get(asset, ())[-hours:] if value is not None]
        return sum(known) / hours if len(known) == hours else None

    def correlation(self, one: str, other: str) -> float | None:
        """Pearson's, of the hourly log returns that both have; None with too few of them, or where one never moved."""
        pair = (one, other) if one < other else (other, one)
        if pair not in self._correlations:
            start = self.beginning(pair)
            first, second = self._score(one, start), self._score(other, start)
            unknown = first is None or second is None
            self._correlations[pair] = None if unknown else sum(map(mul, first or (), second or ()))
        return self._correlations[pair]

    def cluster(self, asset: str, limit: float) -> frozenset[str]:
        """The asset and all whose correlation with it, or with another of the cluster, is ±`limit` or beyond."""
        if (asset, limit) not in self._clusters:
            found, waiting, rest = {asset}, [asset], self._closes.keys() - {asset}
            while waiting and rest:
                member = waiting.pop()
                near = {other for other in rest if abs(self.correlation(member, other) or 0.0) >= limit}
                found |= near
                rest -= near
                waiting += near
            self._clusters |= dict.fromkeys(((member, limit) for member in found), frozenset(found))
        return self._clusters[asset, limit]

    def _first_return(self, closes: Sequence[float | None]) -> int:
        known = (place for place, hour in enumerate(self._hours) if closes[hour - 1] is not None)
        return next(known, self.observations)

    def _beginning(self, asset: str) -> int:
        return self._beginnings.get(asset, self.observations)

    def _score(self, asset: str, start: int) -> Sequence[float] | None:
        """Returns less their mean, at length one: the product of two such rows is their correlation."""
        key = (asset, start)
        if key not in self._scores:
            values = self.returns(asset)[start:]
            self._scores[key] = _unit(values) if len(values) >= LEAST_IN_COMMON else None
        return self._scores[key]


def deviation(values: Sequence[float]) -> float:
    """Standard deviation of a sample of at least two."""
    mean = sum(values) / len(values)
    return sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _carried(values: Sequence[float | None]) -> Sequence[float | None]:
    carried: list[float | None] = []
    for value in values:
        carried.append(value if value is not None or not carried else carried[-1])
    return carried


def _unit(values: Sequence[float]) -> Sequence[float] | None:
    mean = sum(values) / len(values)
    centred = [value - mean for value in values]
    length = sqrt(sum(map(mul, centred, centred)))
    return [value / length for value in centred] if length > 0 else None
