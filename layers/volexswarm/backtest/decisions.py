"""What a strategy decides at each close of a history: the very code that trades, asked wherever it could speak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from volexswarm.strategies.model import Decision
from volexswarm.strategies.strategy import Strategy


def decisions(strategy: Strategy[Any], candles: pd.DataFrame, begin: int, end: int) -> Mapping[int, Decision]:
    """The strategy's decisions by the place of their candle, for candles from `begin` to before `end`.

    Each is made of the candles up to its own and none after it: what comes later changes no decision.
    """
    length = strategy.warm_up
    first = max(begin, length - 1)
    if first >= end:
        return {}
    # what lies before the first window is of no use, so that a small part of a long history is cheap
    start = first - (length - 1)
    places = np.flatnonzero(strategy.may_speak(candles.iloc[start:end])) + start
    found = {}
    for place in places[places >= first].tolist():
        decision = strategy.decide(candles.iloc[place - length + 1 : place + 1])
        if decision is not None:
            found[place] = decision
    return found
