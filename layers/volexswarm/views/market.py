"""Candles as stored."""

from __future__ import annotations

from pydantic import AwareDatetime

from volexswarm.messages import Money
from volexswarm.views.shape import View


class Candle(View):
    """One candle; while it is not `closed` it still grows. `revision` counts corrections after closing."""

    opened_at: AwareDatetime
    open: Money
    high: Money
    low: Money
    close: Money
    volume: Money
    trade_count: int
    first_trade_id: int
    last_trade_id: int
    closed: bool
    revision: int


class Candles(View):
    """Candles oldest first. A minute without a trade has none: gaps are real and stay gaps."""

    venue: str
    symbol: str
    timeframe: str
    candles: list[Candle]
