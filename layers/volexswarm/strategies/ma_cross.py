"""Trend following: buy when the fast moving average rises above the slow one, sell when it falls below."""

from __future__ import annotations

import pandas as pd

from volexswarm.messages import Side
from volexswarm.strategies.indicators import side_of_zero, simple_average
from volexswarm.strategies.model import Trigger
from volexswarm.strategies.parameters import MovingAverageCrossParameters
from volexswarm.strategies.screening import Floats, Marks, averages, crosses, ends
from volexswarm.strategies.strategy import Strategy, in_ranges


class MovingAverageCross(Strategy[MovingAverageCrossParameters]):
    """Strength: how far the averages moved against each other in the last candle, in average true ranges."""

    @property
    def _memory(self) -> int:
        return self.parameters.slow + 1

    def _may_trigger(self, closes: Floats) -> Marks:
        fast, slow = (averages(closes, period) for period in (self.parameters.fast, self.parameters.slow))
        spread, length = fast - slow, self.warm_up
        return crosses(ends(spread, length, back=1), ends(spread, length), ends(closes, length))

    def _trigger(self, window: pd.DataFrame, average_range: float) -> Trigger | None:
        close = window["close"]
        fast, slow = (simple_average(close, period) for period in (self.parameters.fast, self.parameters.slow))
        spread = fast - slow
        before, now = side_of_zero(spread, close).iloc[-2:]
        if before <= 0 < now:
            side, move = Side.BUY, "rose above"
        elif before >= 0 > now:
            side, move = Side.SELL, "fell below"
        else:
            return None
        values = {"fast": float(fast.iloc[-1]), "slow": float(slow.iloc[-1])}
        return Trigger(
            side=side,
            strength=in_ranges(float(spread.iloc[-1] - spread.iloc[-2]), average_range),
            reason=f"SMA {self.parameters.fast} ({values['fast']:.8g}) {move} SMA {self.parameters.slow} ({values['slow']:.8g})",
            indicators=values,
        )
