"""Mean reversion: buy when the RSI comes back up out of oversold, sell when it comes back down out of overbought."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd

from volexswarm.messages import Side
from volexswarm.strategies.indicators import relative_strength
from volexswarm.strategies.model import Trigger
from volexswarm.strategies.parameters import RsiParameters
from volexswarm.strategies.screening import Floats, Marks, crosses, smoothing, weighed
from volexswarm.strategies.strategy import Strategy

# Wilder smoothing forgets as (1 - 1/n)^k: after 5 n candles, what was before weighs less than 0.7 %.
MEMORY_PERIODS = 5


class Rsi(Strategy[RsiParameters]):
    """Strength: how deep beyond the level the RSI was one candle ago, as a share of what lies beyond the level."""

    @property
    def _memory(self) -> int:
        return MEMORY_PERIODS * self.parameters.period + 1

    def _may_trigger(self, closes: Floats) -> Marks:
        moves = np.diff(closes, prepend=closes[0])
        before, after = self._strength(moves, 1), self._strength(moves, 0)
        found = np.zeros(len(after), dtype=np.bool_)
        for level in (self.parameters.oversold, self.parameters.overbought):
            found |= crosses(before - level, after - level, np.full(len(after), 100.0))
        return found

    def _strength(self, moves: Floats, back: int) -> Floats:
        """The RSI at `back` places before the end of each window; NaN where nothing has moved."""
        length = self.warm_up
        weights = self._weights[-1 - back][: length - back]
        up, down = (weighed(np.maximum(side * moves, 0.0), weights, length, back) for side in (1, -1))
        both = up + down
        strength: Floats = np.divide(100.0 * up, both, out=np.full(len(both), np.nan), where=both > 0)
        return strength

    @cached_property
    def _weights(self) -> Floats:
        """At each place of a window, what each of its moves counts; the first of them lies before the window."""
        weights = smoothing(self.warm_up, 1 / self.parameters.period)
        weights[:, 0] = 0.0
        return weights

    def _trigger(self, window: pd.DataFrame, average_range: float) -> Trigger | None:  # noqa: ARG002
        oversold, overbought = self.parameters.oversold, self.parameters.overbought
        before, now = (float(value) for value in relative_strength(window["close"], self.parameters.period).iloc[-2:])
        if before < oversold <= now:
            side, strength, move = Side.BUY, (oversold - before) / oversold, f"rose back over {oversold:g}"
        elif before > overbought >= now:
            side, strength = Side.SELL, (before - overbought) / (100 - overbought)
            move = f"fell back under {overbought:g}"
        else:
            return None
        reason = f"RSI {self.parameters.period} {move} (from {before:.2f} to {now:.2f})"
        return Trigger(side, strength, reason, {"rsi": now, "rsi_before": before})
