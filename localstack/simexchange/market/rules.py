"""Tick, step and minimum for a market, derived from what it is worth, as exchanges choose them."""

from math import floor, log10

from simexchange.engine.filters import MarketRules
from simexchange.engine.units import DECIMALS, ONE, parse

DOLLARS = frozenset({"USDT", "USDC", "USD", "FDUSD", "TUSD"})
MIN_NOTIONAL = {"BTC": "0.0001", "ETH": "0.001", "BNB": "0.01"}


def rules_for_price(symbol: str, price: float) -> MarketRules:
    """Rules of a synthetic market whose price starts at `price`: about a dollar's worth per step, six digits of price."""
    decimals = min(DECIMALS - 1, max(2, 5 - floor(log10(price))))
    lot_decimals = min(DECIMALS - decimals, max(0, floor(log10(price)) + 1))
    return _rules(symbol, decimals, lot_decimals)


def rules_for_decimals(symbol: str, price_decimals: int, quantity_decimals: int) -> MarketRules:
    """Rules of a replayed market from the decimals seen in its file; the step grows where
    their product would need more than eight."""
    return _rules(symbol, price_decimals, min(quantity_decimals, DECIMALS - price_decimals))


def split_symbol(symbol: str) -> tuple[str, str]:
    """Base and quote of a unified symbol.

    Raises
    ------
    ValueError
        If it is not of the form BASE/QUOTE.
    """
    base, slash, quote = symbol.upper().partition("/")
    if not (slash and base.isalnum() and quote.isalnum()):
        raise ValueError(f"{symbol!r} is not a symbol: write BASE/QUOTE, such as BTC/USDT")
    return base, quote


def _rules(symbol: str, price_decimals: int, quantity_decimals: int) -> MarketRules:
    base, quote = split_symbol(symbol)
    minimum = "5" if quote in DOLLARS else MIN_NOTIONAL.get(quote, "0")
    return MarketRules(
        base, quote, 10 ** (DECIMALS - price_decimals), ONE // 10**quantity_decimals, min_notional=parse(minimum)
    )
