"""The market maker: a ladder of quotes on both sides of a price, on a fixed grid so that most quotes stay where they are."""

from dataclasses import dataclass
from random import Random

from simexchange.engine.filters import MarketRules


@dataclass(slots=True)
class Ladder:
    """Quotes around a price.

    Parameters
    ----------
    rules : MarketRules
        The market's grid.
    gap : int
        Distance between levels, a multiple of the tick.
    size : int
        Typical quantity of the best level; deeper levels are larger.
    levels : int
        Levels per side.
    """

    rules: MarketRules
    gap: int
    size: int
    levels: int = 10

    def around(self, price: int, rng: Random) -> tuple[dict[int, int], dict[int, int]]:
        """Bids and asks, as price → quantity. Every price is on the tick and above 0; bids lie below `price`, asks above."""
        best_bid = (price - self.gap // 2) // self.gap * self.gap
        best_ask = max(best_bid + self.gap, -(-(price + self.gap // 2) // self.gap) * self.gap)
        rungs = range(self.levels)
        bids = {best_bid - i * self.gap: self._quantity(i, rng) for i in rungs if best_bid - i * self.gap > 0}
        asks = {best_ask + i * self.gap: self._quantity(i, rng) for i in rungs}
        return bids, asks

    def _quantity(self, rung: int, rng: Random) -> int:
        quantity = int(self.size * (1 + 0.3 * rung) * rng.uniform(0.6, 1.4))
        return max(self.rules.step, self.rules.whole_steps(quantity))


def ladder_for(rules: MarketRules, price: int, size: int) -> Ladder:
    """A ladder with levels half a basis point apart, at least one tick."""
    gap = max(1, round(price * 5e-5 / rules.tick)) * rules.tick
    return Ladder(rules, gap, max(size, rules.step))
