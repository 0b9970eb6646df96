"""Finds the candles for a study of the past, and refuses in words where there are too few or too many."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from volexswarm.backtest.model import History
from volexswarm.backtest.ports import HistoryTransaction
from volexswarm.errors import InvalidInput, Unavailable
from volexswarm.market.timeframes import Timeframe
from volexswarm.signals.window import frame

ENOUGH = 500
"""Candles that are enough to prefer a longer timeframe: it is cheaper, and its costs weigh less."""


def take(
    tx: HistoryTransaction,
    venue: str,
    symbol: str,
    timeframe: Timeframe | None,
    days: int,
    *,
    least: int,
    most: int,
    until: datetime | None = None,
) -> History:
    """The closed candles of the last `days` of market time, from `least` to `most` of them.

    Without a timeframe, of the longest that has `ENOUGH`, else of the one that has most. Without `until`, to this moment.

    Raises
    ------
    InvalidInput
        If there are too few or too many; the words say what there is.
    Unavailable
        If nothing is known of the market yet, or the database can't be asked.
    """
    until = until or tx.market_time(venue)
    if until is None:
        raise Unavailable("market data", f"nothing was heard of {venue} yet")
    since = until - timedelta(days=days)
    stored = tx.stored(venue, symbol, since, until)
    chosen = timeframe or preferred(stored, most)
    count = 0 if chosen is None else stored.get(chosen, 0)
    if chosen is None or count < least:
        wanted = f"at least {least} closed candles of {chosen or symbol} of {symbol} in {days} days"
        raise InvalidInput("days", f"{count} candles", f"{wanted}; stored are {_listed(stored)}")
    if count > most:
        raise InvalidInput("days", f"{count} candles", f"at most {most}: fewer days, or longer candles")
    rows = tx.candles(venue, symbol, chosen, since, until)
    return History(venue, symbol, chosen, since, until, frame(rows))


def preferred(stored: Mapping[Timeframe, int], most: int) -> Timeframe | None:
    """The timeframe to study if none is asked for; None without any candle."""
    fitting = {one: count for one, count in stored.items() if count <= most}
    ample = [one for one, count in fitting.items() if count >= ENOUGH]
    if ample:
        return max(ample, key=lambda one: one.milliseconds)
    return max(fitting, key=lambda one: (fitting[one], one.milliseconds), default=None)


def _listed(stored: Mapping[Timeframe, int]) -> str:
    by_length = sorted(stored, key=lambda one: one.milliseconds)
    return ", ".join(f"{stored[one]} of {one}" for one in by_length) or "none"
