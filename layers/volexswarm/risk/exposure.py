"""How much of the equity hangs on prices: the value of everything held or on its way in, by asset, sector and cluster. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from functools import cached_property

from volexswarm.risk.model import ZERO, Holdings
from volexswarm.valuation import Marks


class Exposure:
    """What is held or on its way in, in the valuation currency, which is itself no exposure. Everything must have a price.

    Debts count as negative. Each figure is computed once.

    Parameters
    ----------
    holdings : Holdings
    held : mapping
        Value of what is held, by asset, by these marks.
    marks : Marks
    """

    def __init__(self, holdings: Holdings, held: Mapping[str, Decimal], marks: Marks) -> None:
        self.currency = marks.currency
        self._holdings = holdings
        self._held = held
        self._marks = marks

    @cached_property
    def amounts(self) -> Mapping[str, Decimal]:
        """In units of each asset."""
        amounts = self._holdings.committed()
        amounts.pop(self.currency, None)
        return amounts

    @cached_property
    def values(self) -> Mapping[str, Decimal]:
        """In the valuation currency, by asset."""
        values, amounts, brought = dict(self._held), self.amounts, sorted(self._holdings.brought())
        for asset in (self.currency, *brought):
            values.pop(asset, None)
        return values | self._marks.values({asset: amounts[asset] for asset in brought if asset in amounts})

    @cached_property
    def _debts(self) -> Mapping[str, Decimal]:
        return {asset: value for asset, value in self.values.items() if value < ZERO}

    @cached_property
    def gross(self) -> Decimal:
        """Sum of all values, debts counted as positive."""
        return self.net - 2 * sum(self._debts.values(), ZERO)

    @cached_property
    def net(self) -> Decimal:
        """Sum of all values, debts taken off."""
        return sum(self.values.values(), ZERO)

    def of(self, assets: Collection[str]) -> Decimal:
        """Gross value of some assets."""
        return sum((abs(self.values.get(asset, ZERO)) for asset in assets), ZERO)

    def above(self, least: Decimal) -> frozenset[str]:
        """The assets worth at least so much."""
        owed = [asset for asset, value in self._debts.items() if -value >= least]
        return frozenset([asset for asset, value in self.values.items() if value >= least]).union(owed)

    def of_sector(self, sector: str, sectors: Mapping[str, str]) -> Decimal:
        """Gross value of the assets that are mapped to a sector."""
        return self.of([asset for asset in self.values if sectors.get(asset) == sector])
