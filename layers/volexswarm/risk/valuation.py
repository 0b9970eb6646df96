"""What the account is worth, by fresh prices only: what has none is named, never guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from volexswarm.messages import Quote
from volexswarm.risk.model import ZERO


def routes(currency: str, valuation_currency: str) -> tuple[str, ...]:
    """Symbols that price a currency: directly, or turned over."""
    if currency == valuation_currency:
        return ()
    return f"{currency}/{valuation_currency}", f"{valuation_currency}/{currency}"


@dataclass(frozen=True)
class Board:
    """The quotes as they were found at a moment of wall time, and which of them are fresh enough to trade on."""

    quotes: Mapping[str, Quote]
    now: datetime
    max_age: timedelta

    @property
    def usable(self) -> dict[str, Quote]:
        """Received within `max_age` of now (either way: a clock may be wrong), with a sane bid and ask."""
        return {
            symbol: quote
            for symbol, quote in self.quotes.items()
            if abs(self.now - quote.received_at) <= self.max_age and ZERO < quote.bid <= quote.ask
        }

    def age(self, symbol: str) -> timedelta | None:
        """How long ago the symbol's quote was received; None if there is none."""
        quote = self.quotes.get(symbol)
        return None if quote is None else self.now - quote.received_at


@dataclass(frozen=True)
class Marks:
    """Prices of currencies in the valuation currency, and which of those wanted have none."""

    currency: str
    prices: Mapping[str, Decimal]
    missing: tuple[str, ...]

    def value(self, assets: Mapping[str, Decimal]) -> Decimal:
        """Sum of the assets. Only to be asked when nothing is missing."""
        return sum((amount * self.prices[asset] for asset, amount in assets.items() if amount), ZERO)


def mark(wanted: Iterable[str], valuation_currency: str, quotes: Mapping[str, Quote]) -> Marks:
    """Price each wanted currency at the middle of bid and ask."""
    prices: dict[str, Decimal] = {valuation_currency: Decimal(1)}
    missing = []
    for currency in sorted(set(wanted)):
        if currency == valuation_currency:
            continue
        direct, inverse = (quotes.get(symbol) for symbol in routes(currency, valuation_currency))
        if direct is not None:
            prices[currency] = direct.mid
        elif inverse is not None:
            prices[currency] = 1 / inverse.mid
        else:
            missing.append(currency)
    return Marks(valuation_currency, prices, tuple(missing))
