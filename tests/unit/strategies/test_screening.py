"""Looking at all windows at once must never pass over one where the rule itself would speak."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.strategies.charts import chart, walk
from volexswarm.market.timeframes import Timeframe
from volexswarm.strategies.parameters import PARAMETERS
from volexswarm.strategies.registry import TEMPLATES, build

QUICK = {
    "ma_cross": {"fast": 5, "slow": 10, "atr_period": 5},
    "rsi": {"period": 5, "oversold": 40, "overbought": 60, "atr_period": 5},
    "bollinger": {"period": 10, "deviations": 1, "atr_period": 5},
    "macd": {"fast": 5, "slow": 20, "signal": 5, "atr_period": 5},
}


def spoken(strategy, candles):
    length = strategy.warm_up
    windows = ((end, candles.iloc[end - length : end]) for end in range(length, len(candles) + 1))
    return {end - 1 for end, window in windows if strategy.decide(window) is not None}


@pytest.mark.parametrize("template", TEMPLATES)
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rounded=st.booleans())
def test_the_screen_lets_every_decision_through(template, seed, rounded):
    candles = walk(160, seed)
    if rounded:  # prices on a coarse grid, where lines touch each other exactly
        candles = chart(candles["close"].round(0))
    strategy = build(template, QUICK[template], Timeframe.M1)
    marks = strategy.may_speak(candles)
    assert spoken(strategy, candles) <= set(np.flatnonzero(marks))


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_screen_leaves_most_candles_out(template):
    candles = walk(2_000, seed=3)
    marks = build(template, {}, Timeframe.M1).may_speak(candles)
    assert 0 < marks.sum() < 0.2 * len(candles)


@pytest.mark.parametrize("template", TEMPLATES)
def test_too_short_a_history_has_nothing_to_ask_about(template):
    assert not build(template, {}, Timeframe.M1).may_speak(walk(20, seed=1)).any()


def test_every_template_is_tried():
    assert set(QUICK) == set(TEMPLATES) == set(PARAMETERS)
