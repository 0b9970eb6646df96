"""What balances are worth in one currency, by the markets there are; a missing price is named and never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from volexswarm.portfolio.arithmetic import to_finest, wide
from volexswarm.portfolio.model import Valuation


class Leg(NamedTuple):
    """One conversion: base into quote at the symbol's price, or back at its inverse."""

    symbol: str
    inverse: bool


def value(
    balances: Mapping[str, Decimal], symbols: Sequence[str], marks: Mapping[str, Decimal], currency: str
) -> Valuation:
    """Sum of all balances in `currency`.

    Parameters
    ----------
    balances : mapping
        Amount by asset.
    symbols : sequence
        Markets that may be used: directly, the other way round, or two in a row.
    marks : mapping
        Price by symbol, quote per base, > 0; what is missing here leaves the equity unknown.
    currency : str
        What to value in.
    """
    routes = {asset: route(asset, currency, symbols) for asset, amount in sorted(balances.items()) if amount}
    known = {asset: legs for asset, legs in routes.items() if legs is not None}
    missing = sorted({leg.symbol for legs in known.values() for leg in legs if leg.symbol not in marks})
    values = {
        asset: _convert(balances[asset], legs, marks)
        for asset, legs in known.items()
        if all(leg.symbol in marks for leg in legs)
    }
    with wide():
        equity = None if missing else sum(values.values(), Decimal(0))
    return Valuation(
        currency=currency,
        equity=equity,
        cash=balances.get(currency, Decimal(0)),
        values=values,
        missing=tuple(missing),
        outside=tuple(asset for asset, legs in routes.items() if legs is None),
    )


def route(asset: str, currency: str, symbols: Sequence[str]) -> tuple[Leg, ...] | None:
    """The conversions from asset to currency, at most two; None if there is no way. Of several the first by name."""
    if asset == currency:
        return ()
    legs = _legs(asset, symbols)
    for leg, reached in legs:
        if reached == currency:
            return (leg,)
    for first, between in legs:
        for second, reached in _legs(between, symbols):
            if reached == currency:
                return first, second
    return None


def _legs(asset: str, symbols: Sequence[str]) -> list[tuple[Leg, str]]:
    found = []
    for symbol in sorted(symbols):
        base, quote = symbol.split("/")
        if asset in (base, quote):
            found.append((Leg(symbol, inverse=asset == quote), base if asset == quote else quote))
    return found


def _convert(amount: Decimal, legs: Sequence[Leg], marks: Mapping[str, Decimal]) -> Decimal:
    if not legs:
        return amount
    with wide():
        for leg in legs:
            amount = amount / marks[leg.symbol] if leg.inverse else amount * marks[leg.symbol]
    return to_finest(amount)
