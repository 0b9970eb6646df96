"""The quotes that a decision may count on: only fresh ones are prices."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from volexswarm.clock import Clock
from volexswarm.messages import Quote
from volexswarm.ports import QuoteBoard
from volexswarm.risk.model import ZERO


@dataclass(frozen=True)
class Board:
    """The quotes as they were found at a moment of wall time, and which of them are fresh enough to trade on.

    `mids` is the middle of bid and ask of each usable quote: one that was received within `max_age` of now (either way: a clock
    may be wrong), with a sane bid and ask.
    """

    quotes: Mapping[str, Quote]
    now: datetime
    max_age: timedelta
    mids: Mapping[str, Decimal]

    def usable(self, symbol: str) -> Quote | None:
        """The symbol's quote, if it is usable."""
        return self.quotes[symbol] if symbol in self.mids else None

    def age(self, symbol: str) -> timedelta | None:
        """How long ago the symbol's quote was received; None if there is none."""
        quote = self.quotes.get(symbol)
        return None if quote is None else self.now - quote.received_at


class _Known(NamedTuple):
    """A quote, and what of it does not depend on the moment; `mid` is None where bid and ask are not sane."""

    quote: Quote
    received_at: datetime
    mid: Decimal | None

    @classmethod
    def of(cls, quote: Quote) -> _Known:
        # in Python's own UTC: with time zones of other makers each comparison takes twenty times as long
        return cls(quote, quote.received_at.astimezone(UTC), quote.mid if ZERO < quote.bid <= quote.ask else None)


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
        return Board(quotes, now, self._max_age, self._mids(quotes, now))

    def _mids(self, quotes: Mapping[str, Quote], now: datetime) -> Mapping[str, Decimal]:
        earliest, latest, known = now - self._max_age, now + self._max_age, self._known
        mids = {}
        for symbol, quote in quotes.items():
            found = known.get(symbol)
            if (
                found is None or found[0] is not quote
            ):  # another object is another quote: never taken for the one before
                found = known[symbol] = _Known.of(quote)
            _, received_at, mid = found
            if mid is not None and earliest <= received_at <= latest:
                mids[symbol] = mid
        return mids
