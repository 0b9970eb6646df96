"""The quotes that a decision may count on: only fresh ones are prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from volexswarm.messages import Quote
from volexswarm.risk.model import ZERO


@dataclass(frozen=True)
class Board:
    """The quotes as they were found at a moment of wall time, and which of them are fresh enough to trade on."""

    quotes: Mapping[str, Quote]
    now: datetime
    max_age: timedelta

    @cached_property
    def usable(self) -> dict[str, Quote]:
        """Received within `max_age` of now (either way: a clock may be wrong), with a sane bid and ask."""
        earliest, latest = self.now - self.max_age, self.now + self.max_age
        return {
            symbol: quote
            for symbol, quote in self.quotes.items()
            if earliest <= quote.received_at <= latest and ZERO < quote.bid <= quote.ask
        }

    @cached_property
    def mids(self) -> dict[str, Decimal]:
        """The middle of bid and ask of each usable quote."""
        # not by the quote's own property: an account of a thousand asks for a thousand
        return {symbol: (quote.bid + quote.ask) / 2 for symbol, quote in self.usable.items()}

    def age(self, symbol: str) -> timedelta | None:
        """How long ago the symbol's quote was received; None if there is none."""
        quote = self.quotes.get(symbol)
        return None if quote is None else self.now - quote.received_at
