"""Momentum: buy when the MACD line rises above its signal line, sell when it falls below."""

from __future__ import annotations

from functools import cached_property

import pandas as pd

from volexswarm.messages import Side
from volexswarm.strategies.indicators import macd_histogram, side_of_zero
from volexswarm.strategies.model import Trigger
from volexswarm.strategies.parameters import MacdParameters
from volexswarm.strategies.screening import Floats, Marks, crosses, ends, smoothing, weighed
from volexswarm.strategies.strategy import Strategy, in_ranges

# An exponential average of n candles forgets as exp(-2k/n): after 2.5 n candles, what was before weighs less than 0.7 %.
MEMORY_PERIODS = 2.5


class Macd(Strategy[MacdParameters]):
    """Strength: how far the two lines moved against each other in the last candle, in average true ranges."""

    @property
    def _memory(self) -> int:
        return int(MEMORY_PERIODS * (self.parameters.slow + self.parameters.signal)) + 1

    def _may_trigger(self, closes: Floats) -> Marks:
        length = self.warm_up
        before, after = (weighed(closes, self._weights[-1 - back][: length - back], length, back) for back in (1, 0))
        return crosses(before, after, ends(closes, length))

    @cached_property
    def _weights(self) -> Floats:
        """At each place of a window, what each of its closes counts in the histogram."""
        fast, slow, signal = self.parameters.fast, self.parameters.slow, self.parameters.signal
        line = smoothing(self.warm_up, 2 / (fast + 1)) - smoothing(self.warm_up, 2 / (slow + 1))
        # the signal line begins where the slow average is warm
        warm = line[slow - 1 :]
        averaged: Floats = smoothing(len(warm), 2 / (signal + 1)) @ warm
        return warm - averaged

    def _trigger(self, window: pd.DataFrame, average_range: float) -> Trigger | None:
        close, parameters = window["close"], self.parameters
        histogram = macd_histogram(close, parameters.fast, parameters.slow, parameters.signal)
        before, now = side_of_zero(histogram, close).iloc[-2:]
        if before <= 0 < now:
            side, move = Side.BUY, "rose above"
        elif before >= 0 > now:
            side, move = Side.SELL, "fell below"
        else:
            return None
        change = float(histogram.iloc[-1] - histogram.iloc[-2])
        return Trigger(
            side=side,
            strength=in_ranges(change, average_range),
            reason=f"MACD {parameters.fast}/{parameters.slow} {move} its signal line {parameters.signal}"
            f" (by {histogram.iloc[-1]:.8g})",
            indicators={"histogram": float(histogram.iloc[-1]), "histogram_before": float(histogram.iloc[-2])},
        )
