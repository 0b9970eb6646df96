"""A seeded market that looks real: volatility regimes, clustering, jumps, a common factor, volume that follows moves.

Volatility is a product: a three-state semi-Markov regime, three mean-reverting processes of log-volatility (10 days, a day, an
hour), and the hour of the day. The price moves every simulated second; within it, anonymous takers trade against the
maker's ladder, more of them when the market moves.
"""

from dataclasses import dataclass
from math import cos, exp, log, pi, sqrt
from random import Random

from simexchange.engine.exchange import Exchange
from simexchange.engine.filters import MarketRules
from simexchange.engine.orders import Side
from simexchange.engine.units import ONE
from simexchange.market.maker import Ladder, ladder_for

SECOND = 1_000
HOUR_SECONDS = 3600.0
REGIMES = ((0.6, 60.0), (1.0, 48.0), (1.9, 10.0))  # volatility multiple, mean dwell in hours
LOG_VOL = ((240.0, 0.42), (24.0, 0.25), (1.0, 0.25))  # reversion time in hours, standard deviation
SEASON, SEASON_PEAK_HOUR = 0.11, 15.0
JUMPS_PER_HOUR, JUMP_SIZE = 1.2 / 24, 3.0  # size in hourly standard deviations
FACTOR_SHARE = 0.6  # share of variance that all symbols have in common
VOL_STEP_SECONDS = 60


class Volatility:
    """The multiple of normal volatility that rules now; moves once a simulated minute."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._regime = 1
        self._dwell_hours = rng.expovariate(1 / REGIMES[1][1])
        self._log = [rng.gauss(0, sd) for _, sd in LOG_VOL]

    def step(self, hours: float, hour_of_day: float) -> float:
        """Let `hours` pass and return the multiple."""
        self._dwell_hours -= hours
        if self._dwell_hours <= 0:
            self._regime = self._rng.choice([i for i in range(len(REGIMES)) if i != self._regime])
            self._dwell_hours = self._rng.expovariate(1 / REGIMES[self._regime][1])
        for i, (reversion, sd) in enumerate(LOG_VOL):
            keep = exp(-hours / reversion)
            self._log[i] = self._log[i] * keep + self._rng.gauss(0, sd * sqrt(1 - keep * keep))
        season = 1 + SEASON * cos(2 * pi * (hour_of_day - SEASON_PEAK_HOUR) / 24)
        variance = sum(sd * sd for _, sd in LOG_VOL)
        return float(REGIMES[self._regime][0] * exp(sum(self._log) - variance / 2) * season)


@dataclass(slots=True)
class Asset:
    """One symbol's price process. `hourly_volatility` is the normal standard deviation of an hour's log return."""

    rules: MarketRules
    price: float
    hourly_volatility: float
    ladder: Ladder
    trade_size: float
    activity: float = 1.0
    volatility: float = 0.0
    surprise: float = 0.0


@dataclass(frozen=True, slots=True)
class AssetSpec:
    """What a synthetic symbol starts from. `trade_value` is the typical value of a trade in quote."""

    rules: MarketRules
    price: float
    hourly_volatility: float
    trade_value: float


class SyntheticMarket:
    """Drives an exchange with generated prices and takers. The same seed and start give the same market.

    Parameters
    ----------
    specs : list of AssetSpec
        The symbols.
    start_ms : int
        Simulated time of the first second.
    seed : str
        Seed of everything random here.
    trades_per_second : float
        Mean number of taker orders per simulated second and symbol in a calm market.
    """

    def __init__(self, specs: list[AssetSpec], start_ms: int, seed: str, trades_per_second: float) -> None:
        self._rng = Random(seed)  # noqa: S311 - a market, not a secret
        self._second_ms = start_ms - start_ms % SECOND
        self._rate = trades_per_second
        self._seconds = 0
        self._common = Volatility(self._rng)
        self._assets = [_asset(spec) for spec in specs]
        self._queue: list[tuple[int, Asset, float]] = []
        self._next = self._second_ms + SECOND

    @property
    def next_ms(self) -> int | None:
        """The next taker's time, or the end of the second."""
        return self._queue[-1][0] if self._queue else self._next

    def open(self, exchange: Exchange) -> None:
        """Quote around the first prices."""
        for asset in self._assets:
            self._requote(exchange, asset, asset.price, self._second_ms)

    def step(self, exchange: Exchange) -> None:
        """The next taker trades; or, when the second is over, prices move."""
        if not self._queue:
            self._move()
            return
        time_ms, asset, price = self._queue.pop()
        self._requote(exchange, asset, price, time_ms)
        side = Side.BUY if self._rng.random() < 0.5 + 0.2 * max(-1.0, min(1.0, asset.surprise)) else Side.SELL
        size = self._rng.lognormvariate(-0.7, 1.2) * asset.trade_size
        quantity = max(asset.rules.step, asset.rules.whole_steps(int(size)))
        exchange.take(asset.rules.symbol, side, quantity, time_ms)

    def settle(self, exchange: Exchange) -> None:
        """Nothing is ever put off here."""

    def _move(self) -> None:
        """One second: new prices, and the takers that trade on the way there."""
        second = self._next
        if self._seconds % VOL_STEP_SECONDS == 0:
            self._update_volatility(second)
        self._seconds += 1
        self._next += SECOND
        factor = self._rng.gauss(0, 1)
        for asset in self._assets:
            self._move_asset(asset, factor, second)
        self._queue.sort(key=lambda event: event[0], reverse=True)

    def _update_volatility(self, now_ms: int) -> None:
        hour = now_ms / 3_600_000 % 24
        multiple = self._common.step(VOL_STEP_SECONDS / HOUR_SECONDS, hour)
        for asset in self._assets:
            asset.volatility = asset.hourly_volatility * multiple
            asset.activity = multiple

    def _move_asset(self, asset: Asset, factor: float, second: int) -> None:
        shock = sqrt(FACTOR_SHARE) * factor + sqrt(1 - FACTOR_SHARE) * self._rng.gauss(0, 1)
        if self._rng.random() < JUMPS_PER_HOUR / HOUR_SECONDS:
            shock += self._rng.gauss(0, JUMP_SIZE) * sqrt(HOUR_SECONDS)
        before = asset.price
        asset.price = before * exp(asset.volatility / sqrt(HOUR_SECONDS) * shock)
        asset.surprise = 0.9 * asset.surprise + 0.1 * shock
        expected = self._rate * asset.activity * exp(0.35 * min(4.0, abs(shock)) - 0.35)
        for _ in range(_poisson(expected, self._rng)):
            part = self._rng.random()
            self._queue.append((second + int(part * SECOND), asset, before + (asset.price - before) * part))

    def _requote(self, exchange: Exchange, asset: Asset, price: float, now_ms: int) -> None:
        bids, asks = asset.ladder.around(int(price * ONE), self._rng)
        exchange.quote(asset.rules.symbol, bids, asks, now_ms)


def _asset(spec: AssetSpec) -> Asset:
    trade_size = spec.trade_value / spec.price * ONE
    ladder = ladder_for(spec.rules, int(spec.price * ONE), int(trade_size * 10))
    return Asset(spec.rules, spec.price, spec.hourly_volatility, ladder, trade_size)


def _poisson(mean: float, rng: Random) -> int:
    """A Poisson number; `mean` is small here, so that counting waiting times is quick."""
    count, left = 0, -log(1 - rng.random())
    while left < mean:
        count += 1
        left -= log(1 - rng.random())
    return count
