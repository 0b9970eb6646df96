"""Amounts as whole numbers of 10^-8: the one place where text becomes money and money becomes text."""

from decimal import Decimal, InvalidOperation

DECIMALS = 8
ONE = 100_000_000


def parse(text: str) -> int:
    """Read a decimal number as whole units of 10^-8.

    Raises
    ------
    ValueError
        If the text is no finite decimal number, or has more than eight decimals.
    """
    try:
        scaled = Decimal(text).scaleb(DECIMALS)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a decimal number") from None
    if not scaled.is_finite():
        raise ValueError(f"{text!r} is not a finite number")
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{text!r} has more than {DECIMALS} decimals")
    return whole


def text(units: int) -> str:
    """Write units of 10^-8 as a decimal number with eight decimals."""
    sign, units = ("-", -units) if units < 0 else ("", units)
    return f"{sign}{units // ONE}.{units % ONE:0{DECIMALS}d}"


def product(price: int, quantity: int) -> int:
    """Quote amount of `quantity` at `price`. Exact whenever both keep to a market's tick and step."""
    return price * quantity // ONE
