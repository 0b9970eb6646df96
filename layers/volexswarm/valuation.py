"""What currencies are worth in one of them, by the markets there are: directly, the other way round, or over one hop.

Risk, compliance and the books value by this one rule, so that they never disagree about the equity. Pure: whoever calls brings
the prices, and decides which are fresh enough. What has no price is named, never guessed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from volexswarm.arithmetic import wide

_ONE = Decimal(1)


class Leg(NamedTuple):
    """One conversion: base into quote at the symbol's price, or back at its inverse."""

    symbol: str
    inverse: bool


@dataclass(frozen=True)
class Marks:
    """Prices of currencies in `currency`; `missing` are those wanted that have none."""

    currency: str
    prices: Mapping[str, Decimal]
    missing: tuple[str, ...]

    def values(self, assets: Mapping[str, Decimal]) -> dict[str, Decimal]:
        """What the amounts are worth, by asset, where they are not 0. Only to be asked about what is not missing."""
        prices = self.prices
        return {asset: amount * prices[asset] for asset, amount in assets.items() if amount}


class Markets:
    """The markets that may be used to value by.

    Parameters
    ----------
    symbols : iterable of str
        As `BTC/USDT`. Each must be a base and a quote.
    """

    def __init__(self, symbols: Iterable[str]) -> None:
        self._symbols = frozenset(symbols)
        self._routes: defaultdict[str, dict[str, tuple[Leg, ...] | None]] = defaultdict(dict)
        self._direct: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def route(self, asset: str, currency: str) -> tuple[Leg, ...] | None:
        """The conversions from asset to currency, at most two; None if there is no way.

        It depends on the markets alone, not on which of them has a price at the moment: an asset's value does not jump from one
        route to another. The direct market wins; of several hops the first by name.
        """
        return self._routes_to(currency, {asset})[asset]

    def _routes_to(self, currency: str, assets: set[str]) -> Mapping[str, tuple[Leg, ...] | None]:
        """The routes of these assets, and of those that were asked for before: an account of a thousand asks often."""
        routes, direct = self._routes[currency], self._direct[currency]
        for asset in assets.difference(routes):
            legs = routes[asset] = self._found(asset, currency)
            if legs is not None and len(legs) == 1 and not legs[0].inverse:
                direct[asset] = legs[0].symbol
        return routes

    def _found(self, asset: str, currency: str) -> tuple[Leg, ...] | None:
        if asset == currency:
            return ()
        direct = self._leg(asset, currency)
        if direct is not None:
            return (direct,)
        for leg, reached in self._legs[asset]:
            second = self._leg(reached, currency)
            if second is not None:
                return leg, second
        return None

    def needed(self, wanted: Iterable[str], currency: str) -> set[str]:
        """Symbols whose prices it takes to value the wanted currencies."""
        assets = set(wanted)
        routes = self._routes_to(currency, assets)
        direct = self._direct[currency]
        symbols = set(filter(None, map(direct.get, assets)))
        symbols.update(leg.symbol for asset in assets.difference(direct) for leg in routes[asset] or ())
        return symbols

    def mark(self, wanted: Iterable[str], currency: str, mids: Mapping[str, Decimal]) -> Marks:
        """Price each wanted currency in `currency`.

        Parameters
        ----------
        wanted : iterable of str
            Currencies.
        currency : str
            What to value in; its own price is 1.
        mids : mapping
            Price by symbol, quote per base, > 0: the middle of bid and ask.
        """
        assets = set(wanted)
        routes, direct = self._routes_to(currency, assets), self._direct[currency]
        prices = {currency: _ONE}
        missing = []
        for asset in assets:
            symbol = direct.get(asset)
            price = _price(routes[asset], mids) if symbol is None else mids.get(symbol)
            if price is None:
                missing.append(asset)
            else:
                prices[asset] = price
        return Marks(currency, prices, tuple(sorted(missing)))

    def _leg(self, asset: str, currency: str) -> Leg | None:
        for symbol, inverse in ((f"{asset}/{currency}", False), (f"{currency}/{asset}", True)):
            if symbol in self._symbols:
                return Leg(symbol, inverse)
        return None

    @cached_property
    def _legs(self) -> Mapping[str, list[tuple[Leg, str]]]:
        """The conversions out of each currency, and where they lead, in the order of the symbols' names."""
        legs: defaultdict[str, list[tuple[Leg, str]]] = defaultdict(list)
        for symbol in sorted(self._symbols):
            base, quote = symbol.split("/")
            legs[base].append((Leg(symbol, inverse=False), quote))
            legs[quote].append((Leg(symbol, inverse=True), base))
        return legs


def _price(legs: Sequence[Leg] | None, mids: Mapping[str, Decimal]) -> Decimal | None:
    if legs is None or any(leg.symbol not in mids for leg in legs):
        return None
    price = _ONE
    with wide():
        for leg in legs:
            price = price / mids[leg.symbol] if leg.inverse else price * mids[leg.symbol]
    return price
