"""The four rules: hand-made charts, the textbooks' crossings on random walks, and what none of them may ever do."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.strategies import reference
from tests.unit.strategies.charts import MINUTE, START, chart, walk
from volexswarm.errors import InvalidInput
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Side
from volexswarm.strategies.registry import TEMPLATES, build

BUY, SELL = Side.BUY, Side.SELL
FLAT = [100.0] * 100


def rule(template, **parameters):
    return build(template, parameters, Timeframe.M1)


def side(decision):
    return decision and decision.side


def zigzag(count):
    """Ends as it began, with a range but without a trend: 100, 101, 100 …"""
    return [100.0 + i % 2 for i in range(count)]


@pytest.mark.parametrize(
    ("template", "closes", "wanted"),
    [
        # the fast average leaves the slow one with the first close above the line
        ("ma_cross", [*FLAT, 101], BUY),
        ("ma_cross", [*FLAT, 99], SELL),
        # a candle later the cross is old news
        ("ma_cross", [*FLAT, 101, 102], None),
        ("macd", [*FLAT, 101], BUY),
        ("macd", [*FLAT, 99], SELL),
        ("macd", [*FLAT, 101, 102], None),
        # falls for long, is oversold; one strong close brings it back over 30
        ("rsi", [*zigzag(70), *range(99, 79, -1), 95], BUY),
        # still falling: oversold alone is no signal
        ("rsi", [*zigzag(70), *range(99, 78, -1)], None),
        ("rsi", [*zigzag(70), *range(101, 121), 105], SELL),
        # closes below the lower band, then back inside
        ("bollinger", [*zigzag(99), 90, 100], BUY),
        ("bollinger", [*zigzag(99), 90], None),
        ("bollinger", [*zigzag(99), 90, 100, 100], None),
        ("bollinger", [*zigzag(99), 110, 100], SELL),
    ],
)
def test_a_rule_speaks_at_its_crossing_and_only_there(template, closes, wanted):
    assert side(rule(template).decide(chart(closes))) is wanted


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("price", [100.0, 0.1, 1 / 3])
def test_a_flat_market_says_nothing_whatever_rounding_does(template, price):
    assert rule(template).decide(chart([price] * 200, spread=0)) is None


def crossing(before, now, level=0.0):
    if before <= level < now:
        return BUY
    return SELL if before >= level > now else None


def expected_ma_cross(closes):
    before, now = (reference.sma(part, 10) - reference.sma(part, 20) for part in (closes[:-1], closes))
    return crossing(before, now)


def expected_macd(closes):
    return crossing(*(reference.macd_histogram(part, 12, 26, 9) for part in (closes[:-1], closes)))


def expected_rsi(closes):
    before, now = (reference.wilder_rsi(part, 14) for part in (closes[:-1], closes))
    if before < 30 <= now:
        return BUY
    return SELL if before > 70 >= now else None


def expected_bollinger(closes):
    (low_before, high_before), (low, high) = (reference.bands(part, 20, 2) for part in (closes[:-1], closes))
    if closes[-2] < low_before and closes[-1] >= low:
        return BUY
    return SELL if closes[-2] > high_before and closes[-1] <= high else None


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("ma_cross", expected_ma_cross),
        ("macd", expected_macd),
        ("rsi", expected_rsi),
        ("bollinger", expected_bollinger),
    ],
)
def test_over_a_random_walk_each_signal_is_where_the_textbook_has_it(template, expected):
    strategy, candles = rule(template), walk(300, seed=5)
    ends = range(strategy.warm_up, len(candles) + 1)
    closes = candles["close"].tolist()
    wanted = [expected(closes[end - strategy.warm_up : end]) for end in ends]
    assert {BUY, SELL} <= set(wanted)
    assert [side(strategy.decide(candles.iloc[:end])) for end in ends] == wanted


@pytest.mark.parametrize("template", TEMPLATES)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), older=st.integers(1, 200))
def test_more_history_never_changes_a_decision(template, seed, older):
    strategy = rule(template)
    candles = walk(strategy.warm_up + older, seed)
    assert strategy.decide(candles) == strategy.decide(candles.iloc[older:])


@pytest.mark.parametrize("template", TEMPLATES)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_decision_is_well_formed(template, seed):
    strategy, candles = rule(template), walk(260, seed)
    decisions = [
        (candles["close"].iloc[end - 1], strategy.decide(candles.iloc[:end]))
        for end in range(strategy.warm_up, len(candles), 7)
    ]
    for close, decision in decisions:
        if decision is not None:
            assert 0.5 <= decision.confidence <= 1
            assert decision.volatility > 0
            assert decision.stop_price is not None
            assert bool(decision.stop_price < close) is (decision.side is BUY)
            assert all(np.isfinite(value) for value in decision.indicators.values())


def test_the_stop_is_so_many_average_true_ranges_away():
    candles = chart([*FLAT, 101])
    near, far = (rule("ma_cross", stop_atr=distance).decide(candles) for distance in (1, 3))
    atr = near.indicators["atr"]
    assert atr == pytest.approx((13 * 1 + 2) / 14)  # thirteen candles of range 1, the last one of range 2
    assert (near.stop_price, far.stop_price) == pytest.approx((101 - atr, 101 - 3 * atr))
    assert near.volatility == pytest.approx(atr / 101)


def test_a_stop_below_zero_is_no_stop():
    decision = rule("ma_cross", stop_atr=10).decide(chart([0.1] * 60 + [0.2], spread=0.09))
    assert decision.side is BUY
    assert decision.stop_price is None


def test_confidence_grows_with_the_strength_of_the_trigger():
    weak, strong = (rule("rsi").decide(chart([*zigzag(70), *range(99, 99 - n, -1), 99])) for n in (13, 24))
    assert 0.5 <= weak.confidence < strong.confidence <= 1


@pytest.mark.parametrize("template", TEMPLATES)
def test_too_little_history_is_said_and_decides_nothing(template):
    strategy = rule(template)
    candles = walk(strategy.warm_up - 1, seed=2)
    assert "still warming up" in strategy.obstacle(candles)
    assert strategy.decide(candles) is None


def test_a_missing_candle_before_the_last_one_silences_the_rule():
    candles = chart([*FLAT, 101]).drop(START + 99 * MINUTE)
    strategy = rule("ma_cross")
    assert "missing" in strategy.obstacle(candles)
    assert strategy.decide(candles) is None


def test_a_missing_candle_further_back_does_not():
    candles = chart([*FLAT, 101]).drop(START + 90 * MINUTE)
    assert side(rule("ma_cross").decide(candles)) is BUY


def test_a_window_with_more_holes_than_candles_silences_the_rule():
    whole = chart([*FLAT, *FLAT, *FLAT, 101])
    every_third = whole.iloc[[*range(0, 297, 3), 299, 300]]
    strategy = rule("ma_cross")
    assert "too many gaps" in strategy.obstacle(every_third)
    assert strategy.decide(every_third) is None


def test_the_interval_is_the_timeframes():
    five = chart([*FLAT, 101])
    five.index = pd.DatetimeIndex([START + i * timedelta(minutes=5) for i in range(len(five))])
    assert side(build("ma_cross", {}, Timeframe.M5).decide(five)) is BUY
    assert build("ma_cross", {}, Timeframe.M1).decide(five) is None


@pytest.mark.parametrize(
    "broken",
    [
        walk(100, 1).drop(columns="volume"),
        walk(100, 1).iloc[::-1],
        walk(100, 1).reset_index(drop=True),
        pd.concat([walk(100, 1), walk(100, 1).iloc[-1:]]),
    ],
    ids=["column missing", "descending", "no times", "a time twice"],
)
def test_what_is_no_window_of_candles_is_refused(broken):
    with pytest.raises(InvalidInput):
        rule("rsi").decide(broken)
