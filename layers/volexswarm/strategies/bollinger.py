"""Mean reversion: buy when the price comes back up over the lower band, sell when it comes back down under the upper one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from volexswarm.messages import Side
from volexswarm.strategies.indicators import bollinger, side_of_zero
from volexswarm.strategies.model import Trigger
from volexswarm.strategies.parameters import BollingerParameters
from volexswarm.strategies.screening import Floats, Marks, averages, crosses, deviations, ends
from volexswarm.strategies.strategy import Strategy


class Bollinger(Strategy[BollingerParameters]):
    """Strength: how far outside the band the close was one candle ago, in standard deviations."""

    @property
    def _memory(self) -> int:
        return self.parameters.period + 1

    def _may_trigger(self, closes: Floats) -> Marks:
        middle, length = averages(closes, self.parameters.period), self.warm_up
        reach = self.parameters.deviations * deviations(closes, self.parameters.period)
        found = np.zeros(len(closes) - length + 1, dtype=np.bool_)
        for band in (middle - reach, middle + reach):
            outside = closes - band
            found |= crosses(ends(outside, length, back=1), ends(outside, length), ends(closes, length))
        return found

    def _trigger(self, window: pd.DataFrame, average_range: float) -> Trigger | None:  # noqa: ARG002
        close = window["close"]
        bands = bollinger(close, self.parameters.period, self.parameters.deviations)
        from_lower, from_upper = close - bands.lower, close - bands.upper
        deviation = float((bands.upper - bands.middle).iloc[-2]) / self.parameters.deviations
        low_before, low_now = side_of_zero(from_lower, close).iloc[-2:]
        high_before, high_now = side_of_zero(from_upper, close).iloc[-2:]
        if low_before < 0 <= low_now:
            side, outside, move = Side.BUY, -float(from_lower.iloc[-2]), "came back over the lower band"
        elif high_before > 0 >= high_now:
            side, outside, move = Side.SELL, float(from_upper.iloc[-2]), "came back under the upper band"
        else:
            return None
        values = {
            "lower": float(bands.lower.iloc[-1]),
            "middle": float(bands.middle.iloc[-1]),
            "upper": float(bands.upper.iloc[-1]),
        }
        band = values["lower"] if side is Side.BUY else values["upper"]
        # a close outside a band has a deviation above zero: the band is made of closes, this one among them
        return Trigger(side, outside / deviation, f"close {close.iloc[-1]:.8g} {move} ({band:.8g})", values)
