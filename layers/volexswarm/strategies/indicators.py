"""Indicators over float64 columns. From `ta` where it is right and fast; the average true range is ours, as `ta`'s is a
Python loop, a thousand times slower.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from ta.momentum import RSIIndicator
from ta.trend import MACD, SMAIndicator
from ta.volatility import BollingerBands

Series = pd.Series

# Rolling sums leave noise of this order where two lines should be equal: a difference below it is none.
_NOISE = 1e-9


@dataclass(frozen=True)
class Bands:
    """Bollinger's three lines."""

    lower: Series[float]
    middle: Series[float]
    upper: Series[float]


def simple_average(close: Series[float], period: int) -> Series[float]:
    """Mean of the last `period` closes; NaN before."""
    average: Series[float] = SMAIndicator(close, period).sma_indicator()
    return average


def relative_strength(close: Series[float], period: int) -> Series[float]:
    """Wilder's RSI, 0 to 100. NaN during warm-up and as long as the price has not moved at all: then it is undefined."""
    index: Series[float] = RSIIndicator(close, period).rsi()
    has_moved = close.diff().abs().cumsum() > 0
    is_warm = np.arange(len(close)) >= period
    return index.where(has_moved & is_warm)


def bollinger(close: Series[float], period: int, deviations: float) -> Bands:
    """Simple average, and that plus and minus so many standard deviations (of the population)."""
    bands = BollingerBands(close, period, deviations)
    return Bands(bands.bollinger_lband(), bands.bollinger_mavg(), bands.bollinger_hband())


def macd_histogram(close: Series[float], fast: int, slow: int, signal: int) -> Series[float]:
    """MACD line minus its signal line."""
    difference: Series[float] = MACD(close, window_slow=slow, window_fast=fast, window_sign=signal).macd_diff()
    return difference


def average_true_range(candles: pd.DataFrame, period: int) -> Series[float]:
    """Wilder's ATR: the mean of the first `period` true ranges, then smoothed by 1/period. NaN in the first `period` rows."""
    before = candles["close"].shift()
    high = candles["high"].where(candles["high"] > before, before)
    low = candles["low"].where(candles["low"] < before, before)
    ranges: Series[float] = (high - low).iloc[1:]
    if len(ranges) < period:
        return pd.Series(np.nan, index=candles.index)
    seeded = ranges.iloc[period - 1 :].copy()
    seeded.iloc[0] = ranges.iloc[:period].mean()
    smoothed: Series[float] = seeded.ewm(alpha=1 / period, adjust=False).mean()
    return smoothed.reindex(candles.index)


def side_of_zero(values: Series[float], scale: Series[float]) -> Series[float]:
    """-1, 0 or 1; what is nothing but rounding noise beside `scale` is 0, NaN stays NaN."""
    cleaned = values.where((values.abs() > _NOISE * scale.abs()) | values.isna(), 0.0)
    return cleaned.apply(np.sign)
