"""Candles as the strategies take them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from volexswarm.errors import InvalidInput
from volexswarm.market.timeframes import Timeframe
from volexswarm.signals.ports import CandleRow
from volexswarm.strategies.strategy import COLUMNS


def known_timeframe(name: str) -> Timeframe:
    """The timeframe of this name. Raises InvalidInput if there is none."""
    try:
        return Timeframe(name)
    except ValueError as error:
        raise InvalidInput("timeframe", name, f"one of {', '.join(Timeframe)}") from error


def frame(window: Sequence[CandleRow]) -> pd.DataFrame:
    """A window of at least one candle, indexed by opening time; float64 columns open, high, low, close, volume."""
    opened, *columns = zip(*window, strict=True)
    index = pd.DatetimeIndex(opened, name="opened_at")
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)), index=index, dtype="float64")
