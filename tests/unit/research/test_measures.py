"""What a series says: by hand, and what must hold of any series."""

from __future__ import annotations

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volexswarm.research import measures

PRICES = st.lists(st.floats(min_value=0.01, max_value=1e6), min_size=12, max_size=40)


@pytest.mark.parametrize(
    ("closes", "steps", "change"),
    [
        ([100.0, 110.0], 1, 0.1),
        ([100.0, None, 90.0], 2, -0.1),
        ([100.0], 1, None),  # nothing so far back
        ([None, 90.0], 1, None),
        ([100.0, None], 1, None),
    ],
)
def test_a_change_is_by_the_close_so_many_steps_ago(closes, steps, change):
    assert measures.change(closes, steps) == (None if change is None else pytest.approx(change))


@pytest.mark.parametrize(
    ("closes", "trend"),
    [
        (list(range(1, 25)), 1.0),
        (list(range(24, 0, -1)), -1.0),
        ([5.0] * 24, 0.0),
        ([1.0, None] * 12, 0.0),
        ([1.0, 2.0] * 6, 21 / 66 - 15 / 66),  # of 66 pairs 21 rise, 15 fall, 30 are ties
        ([1.0] * 11, None),  # too few
    ],
)
def test_a_trend_is_the_share_of_pairs_that_rose_less_that_of_those_that_fell(closes, trend):
    assert measures.trend(closes) == (None if trend is None else pytest.approx(trend))


@given(PRICES)
def test_a_trend_asks_for_the_order_of_prices_alone(prices):
    found = measures.trend(prices)
    assert found is not None
    assert -1 <= found <= 1
    assert found == measures.trend([price**3 for price in prices]) or len(set(prices)) != len({p**3 for p in prices})
    assert measures.trend(prices[::-1]) == pytest.approx(-found)


def test_a_hole_is_no_period():
    assert measures.log_returns([100.0, None, 121.0, 133.1]) == [None, None, pytest.approx(log(1.1))]


def test_volatility_is_the_deviation_of_what_is_known():
    returns = [0.01, -0.01] * 6
    assert measures.volatility([None, *returns]) == pytest.approx(0.010445, rel=1e-4)
    assert measures.volatility(returns[1:]) is None


def test_unrest_is_the_last_day_in_usual_ones():
    calm, wild = [0.001, -0.001] * 24, [0.01, -0.01] * 12
    lately = measures.volatility(wild) / measures.volatility(calm + wild)
    assert measures.unrest(calm + wild) == pytest.approx(lately)
    assert measures.unrest(wild) is None  # nothing to compare with
    assert measures.unrest([0.0] * 60) is None


def test_what_moves_together_is_told_by_common_returns():
    one = [0.01, -0.02, 0.03] * 10
    assert measures.moving_together(one, [-2 * value for value in one]) == pytest.approx(-1)
    assert measures.moving_together(one, [None] * 10 + one[10:]) is None  # 20 in common
    assert measures.moving_together(one, [0.5] * 30) is None  # never moves


def test_turnover_is_of_hours_with_trade():
    assert measures.turnover_of_hour([None, 10.0, 30.0]) == 20.0
    assert measures.turnover_of_hour([1000.0] + [None] * 24) is None
