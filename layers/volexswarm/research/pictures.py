"""Takes the picture of markets from stored candles, in one transaction; the same candles always give the same picture.

Two grids of time: hours of the last week for returns, volatility and correlation, and for the trend where there is no whole day
yet, steps of five minutes of the last six hours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from volexswarm.market.timeframes import Timeframe
from volexswarm.research import measures
from volexswarm.research.model import Picture, Step
from volexswarm.research.ports import ResearchTransaction

HOUR = timedelta(hours=1)
WEEK_HOURS = 7 * 24
SHORT_STEP = timedelta(minutes=5)
SHORT_STEPS = 72


@dataclass(frozen=True)
class Nothing:
    """No picture, and why."""

    symbol: str
    why: str


class Photographer:
    """Takes pictures of one venue's markets.

    Parameters
    ----------
    symbols : sequence of str
        Markets that are compared with each other.
    timeframes : sequence
        Candles that are kept: the longest of at most five minutes is looked at. Without one there are no pictures.
    """

    def __init__(self, symbols: Sequence[str], timeframes: Sequence[Timeframe]) -> None:
        self._symbols = tuple(symbols)
        fine = [timeframe for timeframe in timeframes if timeframe.length <= SHORT_STEP]
        self._timeframe = max(fine, key=lambda timeframe: timeframe.milliseconds, default=None)

    def take(
        self, tx: ResearchTransaction, venue: str, symbols: Sequence[str], as_of: datetime
    ) -> Mapping[str, Picture | Nothing]:
        """The picture of each symbol as of a moment of market time, or why there is none. Raises Unavailable."""
        timeframe = self._timeframe
        if timeframe is None:
            return {symbol: Nothing(symbol, "no candles of five minutes or less are kept") for symbol in symbols}
        until = timeframe.opening(as_of)
        # in one order whatever is asked for, so that the same question reads the same
        compared = list(dict.fromkeys([*self._symbols, *symbols]))
        hourly = tx.steps(venue, compared, timeframe, until, HOUR, WEEK_HOURS + 1)
        short = tx.steps(venue, symbols, timeframe, until, SHORT_STEP, SHORT_STEPS)
        returns = {symbol: measures.log_returns(_closes(hourly[symbol])) for symbol in compared}
        found: dict[str, Picture | Nothing] = {}
        for symbol in symbols:
            since = tx.known_since(venue, symbol, timeframe)
            found[symbol] = _picture(symbol, until, since, hourly[symbol], short[symbol], returns)
        return found


def _picture(
    symbol: str,
    until: datetime,
    since: datetime | None,
    hourly: Sequence[Step | None],
    short: Sequence[Step | None],
    returns: Mapping[str, Sequence[float | None]],
) -> Picture | Nothing:
    if since is None or since >= until:
        return Nothing(symbol, f"no candle of {symbol} has closed by {until.isoformat()}")
    last = hourly[-1]
    if last is None:
        return Nothing(symbol, f"no candle of {symbol} has closed in the hour before {until.isoformat()}")
    closes, hours = _closes(hourly), min((until - since) / HOUR, float(WEEK_HOURS))
    has_day = hours >= measures.HOURS_PER_DAY
    trend = measures.trend(closes[-measures.HOURS_PER_DAY :] if has_day else _closes(short))
    whole = [
        step if step is not None and until - HOUR * (place + 1) >= since else None for place, step in _aged(hourly)
    ]
    return Picture(
        symbol=symbol,
        as_of=until,
        price=last.close,
        return_1d=measures.change(closes, measures.HOURS_PER_DAY),
        return_7d=measures.change(closes, WEEK_HOURS),
        trend=trend,
        trend_hours=float(measures.HOURS_PER_DAY) if has_day else min(hours, SHORT_STEPS * (SHORT_STEP / HOUR)),
        volatility_1h=measures.volatility(returns[symbol]),
        unrest=measures.unrest(returns[symbol]),
        liquidity=measures.turnover_of_hour([None if step is None else step.turnover for step in whole]),
        hours=hours,
        correlations=_correlations(symbol, returns),
    )


def _closes(steps: Sequence[Step | None]) -> list[float | None]:
    return [None if step is None else step.close for step in steps]


def _aged(steps: Sequence[Step | None]) -> list[tuple[int, Step | None]]:
    """Each step with how many come after it."""
    return [(len(steps) - 1 - place, step) for place, step in enumerate(steps)]


def _correlations(symbol: str, returns: Mapping[str, Sequence[float | None]]) -> dict[str, float]:
    own = returns[symbol]
    found = {other: measures.moving_together(own, theirs) for other, theirs in returns.items() if other != symbol}
    return {other: value for other, value in found.items() if value is not None}
