"""Remembers what prices have done, for as long as the hour is the same: it does not depend on the trade to be judged.

The same hours give the same answer in every process: only hours that were over an hour ago are looked at, whose candles are
complete, and always those of every market there is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, Self

from volexswarm.market.timeframes import Timeframe
from volexswarm.risk.ports import RiskTransaction
from volexswarm.risk.prices import PriceHistory
from volexswarm.risk.tail import Results
from volexswarm.valuation import Leg, Markets


class Span(NamedTuple):
    """The hours of one venue's market that are looked at, by the moment at which the last of them ended."""

    venue: str
    until: datetime
    hours: int

    @classmethod
    def at(cls, venue: str, as_of: datetime, hours: int) -> Self:
        """What is complete at a moment of market time."""
        return cls(venue, Timeframe.H1.opening(as_of) - timedelta(hours=1), hours)


class Chronicle:
    """Price histories of one valuation currency.

    Parameters
    ----------
    currency : str
        What prices are in.
    assets : collection of str
        Whose prices are always looked up.
    timeframe : Timeframe
        Of the candles they come from, an hour at most.
    """

    def __init__(self, currency: str, assets: Collection[str], timeframe: Timeframe) -> None:
        self._currency = currency
        self._assets = frozenset(assets)
        self._timeframe = timeframe
        self._known: tuple[Span, frozenset[str], Results] | None = None

    def results(
        self, tx: RiskTransaction, span: Span, markets: Markets, amounts: Mapping[str, Decimal], wanted: Collection[str]
    ) -> Results:
        """Hourly results of these amounts, by asset; their history holds the `wanted` assets, too."""
        known, assets = self._read(tx, span, markets, {*wanted, *amounts})
        results = known.of(amounts)
        self._known = (span, assets, results)
        return results

    def history(self, tx: RiskTransaction, span: Span, markets: Markets, wanted: Collection[str]) -> PriceHistory:
        """What prices did in these hours, those of the `wanted` assets among them."""
        return self._read(tx, span, markets, wanted)[0].history

    def _read(
        self, tx: RiskTransaction, span: Span, markets: Markets, wanted: Collection[str]
    ) -> tuple[Results, frozenset[str]]:
        known = self._known  # read once: another thread may replace it
        if known is None or known[0] != span or not known[1].issuperset(wanted):
            assets = self._assets | frozenset(wanted)
            known = self._known = (span, assets, Results(self._history(tx, span, markets, assets)))
        return known[2], known[1]

    def _history(self, tx: RiskTransaction, span: Span, markets: Markets, assets: Collection[str]) -> PriceHistory:
        routes = {asset: markets.route(asset, self._currency) for asset in sorted(assets)}
        symbols = sorted({leg.symbol for legs in routes.values() for leg in legs or ()})
        # one close more than returns
        closes = tx.hourly_closes(span.venue, symbols, self._timeframe, span.until, span.hours + 1)
        return PriceHistory({asset: _chained(legs, closes) for asset, legs in routes.items() if legs})


def _chained(legs: Sequence[Leg], closes: Mapping[str, Sequence[float | None]]) -> Sequence[float | None]:
    """Closes over one or two markets; None where one of them has none."""
    first, *others = (_turned(closes[leg.symbol], inverse=leg.inverse) for leg in legs)
    for other in others:
        first = [None if one is None or two is None else one * two for one, two in zip(first, other, strict=True)]
    return first


def _turned(closes: Sequence[float | None], *, inverse: bool) -> Sequence[float | None]:
    return [1 / close if close else None for close in closes] if inverse else closes
