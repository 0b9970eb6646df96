"""Candles from trades: any order, any split into batches and any repetition of the trades gives the same candles, exactly.

Trades are folded once, into the finest timeframe; the coarser ones are merged from that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Context, Decimal, Inexact
from functools import reduce

from volexswarm.clock import from_ms
from volexswarm.errors import InvalidInput, require
from volexswarm.market.model import Candle
from volexswarm.market.timeframes import Timeframe

Print = tuple[int, int, Decimal, Decimal]
"""A trade as candles see it: id, exchange time in Unix ms, price, amount."""

# Python's default context rounds sums to 28 digits; a sum that would have to be rounded here is an error instead.
_EXACT = Context(prec=200, traps=[Inexact])


def fold(prints: Iterable[Print], timeframes: Sequence[Timeframe]) -> list[Candle]:
    """The candles that these trades of one symbol make, for every timeframe, each timeframe ascending in time.

    A trade id counts once, however often it is given. An interval without a trade has no candle.

    Raises
    ------
    InvalidInput
        If no timeframe is given.
    """
    require(bool(timeframes), "timeframes", tuple(timeframes), "at least one timeframe")
    finest, *coarser = sorted(set(timeframes), key=lambda timeframe: timeframe.milliseconds)
    level = _from_prints(prints, finest)
    candles = list(level)
    for timeframe in coarser:
        level = _roll_up(level, timeframe)
        candles += level
    return candles


def merge(one: Candle, other: Candle) -> Candle:
    """The candle of both parts' trades; commutative and associative. No trade may be in both.

    Raises
    ------
    InvalidInput
        If the parts are not of the same interval.
    """
    if (one.timeframe, one.opened_at) != (other.timeframe, other.opened_at):
        raise InvalidInput("candle", (other.timeframe, other.opened_at), f"{one.timeframe} at {one.opened_at}")
    return Candle(
        timeframe=one.timeframe,
        opened_at=one.opened_at,
        open=one.open if one.first_trade_id <= other.first_trade_id else other.open,
        high=max(one.high, other.high),
        low=min(one.low, other.low),
        close=one.close if one.last_trade_id >= other.last_trade_id else other.close,
        volume=_EXACT.add(one.volume, other.volume),
        trade_count=one.trade_count + other.trade_count,
        first_trade_id=min(one.first_trade_id, other.first_trade_id),
        last_trade_id=max(one.last_trade_id, other.last_trade_id),
    )


def _from_prints(prints: Iterable[Print], timeframe: Timeframe) -> list[Candle]:
    length = timeframe.milliseconds
    intervals: dict[int, list[Print]] = defaultdict(list)
    for trade in sorted({trade[0]: trade for trade in prints}.values()):
        intervals[trade[1] - trade[1] % length].append(trade)
    return [_candle(timeframe, opening, trades) for opening, trades in sorted(intervals.items())]


def _candle(timeframe: Timeframe, opening_ms: int, trades: Sequence[Print]) -> Candle:
    prices = [price for _, _, price, _ in trades]
    return Candle(
        timeframe=timeframe,
        opened_at=from_ms(opening_ms),
        open=prices[0],
        high=max(prices),
        low=min(prices),
        close=prices[-1],
        volume=reduce(_EXACT.add, (amount for _, _, _, amount in trades)),
        trade_count=len(trades),
        first_trade_id=trades[0][0],
        last_trade_id=trades[-1][0],
    )


def _roll_up(finer: Sequence[Candle], timeframe: Timeframe) -> list[Candle]:
    """Every timeframe here is a whole multiple of each finer one, so a finer candle lies in exactly one coarser."""
    coarser: dict[object, Candle] = {}
    for candle in finer:
        part = replace(candle, timeframe=timeframe, opened_at=timeframe.opening(candle.opened_at))
        known = coarser.get(part.opened_at)
        coarser[part.opened_at] = part if known is None else merge(known, part)
    return list(coarser.values())
