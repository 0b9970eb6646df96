"""The quotes that a decision may count on, and which of them are prices: only fresh ones whose bid and ask are near each other.

Risk and the books judge quotes by this one rule: an equity that one of them stores is never one that the other would not believe.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from volexswarm.clock import Clock
from volexswarm.messages import Quote
from volexswarm.policies import listed, percent
from volexswarm.ports import QuoteBoard

WIDEST_SPREAD = Decimal("0.10")
"""Share of the middle beyond which bid and ask say nothing of what a coin is worth.

An emptied order book is quoted 1 to 200, and its middle would be the highest equity ever for as long as there is an account. The
middle of what passes is off by a twentieth at most; liquid markets are a hundred times as narrow.
"""


@dataclass(frozen=True)
class Board:
    """The quotes as they were found at a moment of wall time, and which of them are fresh enough to trade on.

    A usable quote is one that was received within `max_age` of now (either way: a clock may be wrong), with a sane bid and ask.
    `mids` is the middle of bid and ask of those to value by; `too_wide` are the others, with their spread as a share of the
    middle: it can be traded at such a quote, but nothing is valued by it.
    """

    quotes: Mapping[str, Quote]
    now: datetime
    max_age: timedelta
    mids: Mapping[str, Decimal]
    too_wide: Mapping[str, Decimal]

    def usable(self, symbol: str) -> Quote | None:
        """The symbol's quote, if it is usable."""
        return self.quotes[symbol] if symbol in self.mids or symbol in self.too_wide else None

    def age(self, symbol: str) -> timedelta | None:
        """How long ago the symbol's quote was received; None if there is none."""
        quote = self.quotes.get(symbol)
        return None if quote is None else self.now - quote.received_at

    def without_price(self, assets: Sequence[str]) -> str:
        """What lacks a price, in words, and which quotes are none because bid and ask are too far apart."""
        words = f"no fresh price of {listed(assets)}"
        if not self.too_wide:
            return words
        spreads = [f"{symbol} ({percent(spread)})" for symbol, spread in sorted(self.too_wide.items())]
        return f"{words}; bid and ask are more than {percent(WIDEST_SPREAD)} apart, no price to value by: {listed(spreads)}"


class _Known(NamedTuple):
    """A quote, and what of it does not depend on the moment: its `mid`, or the spread by which it is `too_wide` to have one.

    Both are None where bid and ask are not sane.
    """

    quote: Quote
    received_at: datetime
    mid: Decimal | None
    too_wide: Decimal | None

    @classmethod
    def of(cls, quote: Quote) -> _Known:
        # in Python's own UTC: with time zones of other makers each comparison takes twenty times as long
        received_at, mid = quote.received_at.astimezone(UTC), quote.mid
        if not 0 < quote.bid <= quote.ask:
            return cls(quote, received_at, None, None)
        spread = (quote.ask - quote.bid) / mid
        return cls(quote, received_at, mid, None) if spread <= WIDEST_SPREAD else cls(quote, received_at, None, spread)


class BoardReader:
    """Reads boards. Whether a quote is fresh is judged at each reading; its middle is computed once, for an account of a
    thousand needs a thousand at every decision.

    Parameters
    ----------
    quotes : QuoteBoard
    clock : Clock
        Wall time, for staleness.
    max_age : timedelta
        After it a quote is stale.
    """

    def __init__(self, quotes: QuoteBoard, clock: Clock, max_age: timedelta) -> None:
        self._quotes = quotes
        self._clock = clock
        self._max_age = max_age
        self._known: dict[str, _Known] = {}

    def read(self, venue: str, symbols: Collection[str]) -> Board:
        """The board of these symbols at this moment. Raises Unavailable if the quotes can't be asked."""
        quotes = self._quotes.get(venue, list(symbols))
        now = self._clock.now()  # after the quotes: none must seem to come from the future
        return self._judged(quotes, now)

    def _judged(self, quotes: Mapping[str, Quote], now: datetime) -> Board:
        earliest, latest, known = now - self._max_age, now + self._max_age, self._known
        mids, too_wide = {}, {}
        for symbol, quote in quotes.items():
            found = known.get(symbol)
            if (
                found is None or found[0] is not quote
            ):  # another object is another quote: never taken for the one before
                found = known[symbol] = _Known.of(quote)
            _, received_at, mid, spread = found
            if not earliest <= received_at <= latest:
                continue
            if mid is not None:
                mids[symbol] = mid
            elif spread is not None:
                too_wide[symbol] = spread
        return Board(quotes, now, self._max_age, mids, too_wide)
