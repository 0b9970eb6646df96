"""The indicators against the textbooks' formulas, and against the future: none may know it."""

import numpy as np
import pandas as pd
import pytest

from tests.unit.strategies import reference
from tests.unit.strategies.charts import chart, walk
from volexswarm.strategies import indicators

CANDLES = walk(120, seed=1)
CLOSES = CANDLES["close"].tolist()


def test_the_average_true_range_is_wilders():
    got = indicators.average_true_range(CANDLES, 14)
    for i in (15, 16, 60, 120):
        part = CANDLES.iloc[:i]
        wanted = reference.wilder_atr(part["high"].tolist(), part["low"].tolist(), part["close"].tolist(), 14)
        assert got.iloc[i - 1] == pytest.approx(wanted, rel=1e-12)
    assert got.iloc[:14].isna().all()


def test_a_gap_between_candles_counts_into_the_true_range():
    candles = chart([100] * 6 + [110] * 6, spread=0)
    candles["open"] = candles["high"] = candles["low"] = candles["close"]  # jumps between candles, no range inside
    assert indicators.average_true_range(candles, 5).iloc[6] == pytest.approx(10 / 5)


def test_too_few_candles_have_no_average_true_range():
    assert indicators.average_true_range(CANDLES.iloc[:14], 14).isna().all()


def test_rsi_is_wilders_and_not_a_simple_average():
    assert indicators.relative_strength(CANDLES["close"], 14).iloc[-1] == pytest.approx(
        reference.wilder_rsi(CLOSES, 14), rel=1e-12
    )


def test_a_market_that_never_moved_has_no_rsi():
    assert indicators.relative_strength(chart([100] * 40)["close"], 14).isna().all()


def test_only_gains_are_an_rsi_of_100_and_only_losses_of_0():
    assert indicators.relative_strength(chart(range(100, 140))["close"], 14).iloc[-1] == 100
    assert indicators.relative_strength(chart(range(140, 100, -1))["close"], 14).iloc[-1] == 0


def test_bands_averages_and_histogram_follow_their_formulas():
    close = CANDLES["close"]
    bands = indicators.bollinger(close, 20, 2)
    assert (bands.lower.iloc[-1], bands.upper.iloc[-1]) == pytest.approx(reference.bands(CLOSES, 20, 2))
    assert indicators.simple_average(close, 20).iloc[-1] == pytest.approx(reference.sma(CLOSES, 20))
    assert indicators.macd_histogram(close, 12, 26, 9).iloc[-1] == pytest.approx(
        reference.macd_histogram(CLOSES, 12, 26, 9)
    )


@pytest.mark.parametrize(
    "indicator",
    [
        lambda c: indicators.average_true_range(c, 14),
        lambda c: indicators.relative_strength(c["close"], 14),
        lambda c: indicators.simple_average(c["close"], 20),
        lambda c: indicators.macd_histogram(c["close"], 12, 26, 9),
        lambda c: indicators.bollinger(c["close"], 20, 2).upper,
    ],
    ids=["atr", "rsi", "sma", "macd", "bollinger"],
)
def test_no_indicator_knows_the_future(indicator):
    whole = indicator(CANDLES)
    for i in (40, 77, 119):
        pd.testing.assert_series_equal(indicator(CANDLES.iloc[:i]), whole.iloc[:i], rtol=1e-9)


def test_rounding_noise_is_no_side():
    values = pd.Series([1e-14, -1e-14, 1e-3, -1e-3, np.nan])
    sides = indicators.side_of_zero(values, pd.Series([100.0] * 5))
    assert sides.tolist()[:4] == [0, 0, 1, -1]
    assert np.isnan(sides.iloc[4])
