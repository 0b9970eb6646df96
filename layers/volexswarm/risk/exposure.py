"""How much of the equity hangs on prices: the value of everything held or being bought, by asset, sector and cluster. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from functools import cached_property

from volexswarm.risk.model import ZERO, Holdings
from volexswarm.valuation import Marks


class Exposure:
    """What is held or being bought, in the valuation currency, which is itself no exposure. Everything must have a price.

    Debts count as negative. Each figure is computed once.
    """

    def __init__(self, holdings: Holdings, marks: Marks) -> None:
        self.currency = marks.currency
        self._committed = holdings.committed()
        self._prices = marks.prices

    @cached_property
    def amounts(self) -> Mapping[str, Decimal]:
        """In units of each asset."""
        return {asset: amount for asset, amount in self._committed.items() if amount and asset != self.currency}

    @cached_property
    def values(self) -> Mapping[str, Decimal]:
        """In the valuation currency, by asset."""
        prices = self._prices
        return {asset: amount * prices[asset] for asset, amount in self.amounts.items()}

    @cached_property
    def gross(self) -> Decimal:
        """Sum of all values, debts counted as positive."""
        return self.net - 2 * sum([value for value in self.values.values() if value < 0], ZERO)

    @cached_property
    def net(self) -> Decimal:
        """Sum of all values, debts taken off."""
        return sum(self.values.values(), ZERO)

    def of(self, assets: Collection[str]) -> Decimal:
        """Gross value of some assets."""
        return sum((abs(self.values.get(asset, ZERO)) for asset in assets), ZERO)

    def above(self, least: Decimal) -> frozenset[str]:
        """The assets worth at least so much."""
        return frozenset([asset for asset, value in self.values.items() if value >= least or -value >= least])

    def of_sector(self, sector: str, sectors: Mapping[str, str]) -> Decimal:
        """Gross value of the assets that are mapped to a sector."""
        return self.of([asset for asset in self.values if sectors.get(asset) == sector])
