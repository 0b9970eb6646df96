"""What all rules share: when a window can be judged at all, and what goes with a decision (stop, volatility, confidence).

A decision depends on nothing but the last `warm_up` candles, so it is the same in a backtest, on paper and live, however much
history each has. Nothing after the last candle exists for it.

Gaps: a minute without a trade has no candle, and none is made up. A window whose candles fill less than half of its intervals
is not judged. Nor is a last candle without a direct predecessor: what crossed in the hole can't be told from what crosses now.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from volexswarm.errors import InvalidInput, require
from volexswarm.messages import Side
from volexswarm.strategies.indicators import average_true_range
from volexswarm.strategies.model import Decision, Trigger
from volexswarm.strategies.parameters import StrategyParameters

COLUMNS = ("open", "high", "low", "close", "volume")
LEAST_COVERAGE = 0.5
# Wilder's average starts from a mean of `period` ranges; after two more periods that start weighs less than 14 %.
ATR_PERIODS = 3

ParametersT = TypeVar("ParametersT", bound=StrategyParameters)


class Strategy(ABC, Generic[ParametersT]):
    """A rule with its parameters, for one timeframe.

    Parameters
    ----------
    parameters : StrategyParameters
        The template's own kind.
    interval : timedelta
        Length of the candles it is given.
    """

    def __init__(self, parameters: ParametersT, interval: timedelta) -> None:
        self.parameters = parameters
        self.interval = interval

    @property
    def warm_up(self) -> int:
        """Candles it needs, and looks at: no more and no fewer."""
        return max(self._memory, ATR_PERIODS * self.parameters.atr_period + 1)

    def obstacle(self, candles: pd.DataFrame) -> str | None:
        """Why this window can't be judged; None if it can.

        Raises
        ------
        InvalidInput
            If it is no window of candles: wrong columns, or times not strictly ascending.
        """
        _check_shape(candles)
        if len(candles) < self.warm_up:
            return f"{len(candles)} of {self.warm_up} candles: still warming up"
        opened = candles.index[-self.warm_up :]
        if opened[-1] - opened[-2] != self.interval:
            return "the candle before the last one is missing: a crossing can't be dated"
        intervals = (opened[-1] - opened[0]) // self.interval + 1
        if self.warm_up < LEAST_COVERAGE * intervals:
            return f"{self.warm_up} candles spread over {intervals} intervals: too many gaps"
        return None

    def decide(self, candles: pd.DataFrame) -> Decision | None:
        """What to do at the close of the last candle; None if nothing, or if there is an obstacle.

        Confidence is 0.5 + 0.5 × min(1, strength): 0.5 for a bare trigger, 1 for one as decisive as the rule can tell. Each
        rule defines its strength.

        Parameters
        ----------
        candles : DataFrame
            Closed candles, ascending, indexed by opening time (aware, UTC); float64 columns open, high, low, close, volume.

        Raises
        ------
        InvalidInput
            If it is no window of candles.
        """
        if self.obstacle(candles) is not None:
            return None
        window = candles.iloc[-self.warm_up :]
        ranges = average_true_range(window, self.parameters.atr_period)
        trigger = self._trigger(window, float(ranges.iloc[-1]))
        if trigger is None:
            return None
        return self._decision(trigger, float(window["close"].iloc[-1]), float(ranges.iloc[-1]))

    def may_speak(self, candles: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """For each candle, whether `decide` could want to trade at its close: where it is False, it need not be asked.

        Thousands of closes are looked at in one go, so that history can be gone through. True says nothing: only `decide` knows.
        """
        spoken = np.zeros(len(candles), dtype=np.bool_)
        length = self.warm_up
        if len(candles) >= length:
            closes = candles["close"].to_numpy(dtype=np.float64)
            spoken[length - 1 :] = self._may_trigger(closes)
        return spoken

    @abstractmethod
    def _may_trigger(self, closes: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Whether the rule may speak at the end of each window of `warm_up` closes; never False where it does."""

    @property
    @abstractmethod
    def _memory(self) -> int:
        """Candles that the rule's own indicators need."""

    @abstractmethod
    def _trigger(self, window: pd.DataFrame, average_range: float) -> Trigger | None:
        """The rule itself, on exactly `warm_up` candles; `average_range` is the ATR at the last of them."""

    def _decision(self, trigger: Trigger, close: float, average_range: float) -> Decision:
        distance = self.parameters.stop_atr * average_range
        stop = close - distance if trigger.side is Side.BUY else close + distance
        return Decision(
            side=trigger.side,
            confidence=0.5 + 0.5 * min(1.0, max(0.0, trigger.strength)),
            reason=trigger.reason,
            stop_price=stop if stop > 0 and distance > 0 else None,
            volatility=average_range / close,
            indicators={**trigger.indicators, "atr": average_range},
        )


def in_ranges(change: float, average_range: float) -> float:
    """A price change in average true ranges; 0 where candles have no range."""
    return abs(change) / average_range if average_range > 0 else 0.0


def _check_shape(candles: pd.DataFrame) -> None:
    missing = [column for column in COLUMNS if column not in candles.columns]
    require(not missing, "candles", list(candles.columns), f"columns {', '.join(COLUMNS)}")
    index = candles.index
    if not isinstance(index, pd.DatetimeIndex) or not index.is_monotonic_increasing or index.has_duplicates:
        raise InvalidInput("candles", type(index).__name__, "an index of opening times, strictly ascending")
