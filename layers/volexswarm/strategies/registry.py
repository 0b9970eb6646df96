"""The templates there are, by name, and how one is brought to life from what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from volexswarm.market.timeframes import Timeframe
from volexswarm.strategies.bollinger import Bollinger
from volexswarm.strategies.ma_cross import MovingAverageCross
from volexswarm.strategies.macd import Macd
from volexswarm.strategies.parameters import parse
from volexswarm.strategies.rsi import Rsi
from volexswarm.strategies.strategy import Strategy

TEMPLATES: Mapping[str, type[Strategy[Any]]] = {
    "ma_cross": MovingAverageCross,
    "rsi": Rsi,
    "bollinger": Bollinger,
    "macd": Macd,
}


def build(template: str, parameters: Mapping[str, Any], timeframe: Timeframe) -> Strategy[Any]:
    """A strategy ready to decide.

    Raises
    ------
    InvalidInput
        If there is no such template, or a parameter does not fit.
    """
    validated = parse(template, parameters)
    return TEMPLATES[template](validated, timeframe.length)
