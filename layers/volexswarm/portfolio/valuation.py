"""The account's equity: the sum of its balances at their prices, and what is not part of it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from volexswarm.arithmetic import to_finest, wide
from volexswarm.portfolio.model import Valuation
from volexswarm.valuation import Markets


def value(
    balances: Mapping[str, Decimal],
    flows: Mapping[str, Decimal],
    markets: Markets,
    mids: Mapping[str, Decimal],
    currency: str,
) -> Valuation:
    """Sum of all balances in `currency`, and how much of it came from outside since the last valuation.

    Parameters
    ----------
    balances : mapping
        Amount by asset.
    flows : mapping
        What came and went apart from trading and is part of no valuation yet, by asset.
    markets : Markets
        The markets that may be used.
    mids : mapping
        Price by symbol, quote per base, > 0; what is missing here leaves the equity unknown.
    currency : str
        What to value in.
    """
    held = {asset: amount for asset, amount in balances.items() if amount}
    marks = markets.mark({*held, *flows}, currency, mids)
    outside = tuple(asset for asset in marks.missing if markets.route(asset, currency) is None)
    missing = tuple(asset for asset in marks.missing if asset not in outside)
    with wide():
        values = {asset: to_finest(held[asset] * price) for asset, price in marks.prices.items() if asset in held}
        equity = None if missing else sum(values.values(), Decimal(0))
        flow = sum((flows[asset] * price for asset, price in marks.prices.items() if asset in flows), Decimal(0))
    return Valuation(
        currency=currency,
        equity=equity,
        cash=balances.get(currency, Decimal(0)),
        flow=to_finest(flow),
        values=values,
        prices=marks.prices,
        missing=missing,
        outside=outside,
    )
