"""Stops lie where the policy's method puts them, on the right side, at a bounded distance."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volexswarm.messages import Protection
from volexswarm.risk.model import Bar
from volexswarm.risk.policy import RiskPolicy
from volexswarm.risk.stops import average_true_range, candles_needed, entry_stop, protection

PRICE = Decimal(100)


def bars(*rows: tuple[str, str, str]) -> list[Bar]:
    """(high, low, close) of each candle."""
    return [Bar(Decimal(high), Decimal(low), Decimal(close)) for high, low, close in rows]


# ranges of 2 each, but for a gap up of 5 before the last: from 101 to 106
GAP = bars(("101", "99", "100"), ("102", "100", "101"), ("107", "105", "106"))
FLAT = bars(*[("101", "99", "100")] * 10)


@pytest.mark.parametrize(
    ("policy", "own", "candles", "stop", "story"),
    [
        ({"stop_method": "strategy"}, "97", [], "97", "the strategy's own"),
        ({"stop_method": "strategy"}, None, [], "98", "none given: 2.00 % assumed"),
        ({"stop_method": "percent", "default_stop": "0.03"}, "97.5", [], "97", "3.00 % of the price"),
        # every true range is 2: two of them below 100
        ({"stop_method": "atr", "stop_atr_periods": 3}, "99", FLAT, "96", "2 average true ranges of 3 candles"),
        ({"stop_method": "atr", "stop_atr_periods": 3, "stop_atr_multiple": "1.5"}, None, FLAT, "97", "1.5 average"),
        (
            {"stop_method": "atr", "stop_atr_periods": 3},
            None,
            FLAT[:9],
            "98",
            "too few candles for an average true range",
        ),
        ({"stop_method": "structure", "stop_structure_candles": 3}, None, GAP, "99", "the lowest low of 3 candles"),
        ({"stop_method": "structure", "stop_structure_candles": 2}, None, GAP[:2], "99", "the lowest low of 2 candles"),
        ({"stop_method": "structure"}, None, GAP, "98", "too few candles for a lowest low: 2.00 % assumed"),
        # nearer than the least distance, farther than the largest
        ({"min_stop": "0.05"}, "97", [], "95", "moved away to the least distance of 5.00 %"),
        ({"max_stop": "0.02"}, "90", [], "98", "moved up to the largest distance of 2.00 %"),
        # the market has fallen through every low: a stop above the price would sell at once
        ({"stop_method": "structure", "stop_structure_candles": 2}, None, GAP[1:], "99.5", "moved away"),
    ],
)
def test_each_method_puts_the_stop_where_it_says(policy, own, candles, stop, story):
    found = entry_stop(RiskPolicy.model_validate(policy), PRICE, None if own is None else Decimal(own), candles)
    assert found.price == Decimal(stop)
    assert story in found.story


def test_the_true_range_counts_a_gap():
    # ranges: 2, and from the close of 101 up to 107: 6
    assert average_true_range(GAP, 2) == 4
    assert average_true_range(GAP, 3) is None


def test_the_average_true_range_is_smoothed_as_wilder_did():
    # ranges 2, 6, then 2: mean of two is 4, then 4 + (2 - 4) / 2
    longer = [*GAP, *bars(("107", "105", "106"))]
    assert average_true_range(longer, 2) == 3


@pytest.mark.parametrize(("method", "count"), [("strategy", 0), ("percent", 0), ("atr", 43), ("structure", 20)])
def test_as_many_candles_are_read_as_the_method_looks_at(method, count):
    assert candles_needed(RiskPolicy(stop_method=method)) == count


def test_what_is_bought_is_protected_by_stop_target_trail_and_time():
    policy = RiskPolicy(take_profit_r=Decimal("1.5"), trailing_share=Decimal("0.03"), max_holding=3_600)
    assert protection(policy, PRICE, Decimal(98)) == Protection(
        stop_price=Decimal(98), take_profit_price=Decimal(103), trailing_share=Decimal("0.03"), max_holding=3_600
    )
    assert protection(RiskPolicy(protect=False), PRICE, Decimal(98)) is None
    assert protection(RiskPolicy(take_profit_r=None), PRICE, Decimal(98)) == Protection(stop_price=Decimal(98))


prices = st.decimals(min_value="0.00001", max_value=10**6, places=8, allow_nan=False, allow_infinity=False)


@given(
    price=prices,
    own=st.none() | prices,
    method=st.sampled_from(["strategy", "percent", "atr", "structure"]),
    lows=st.lists(prices, max_size=50),
    bounds=st.tuples(st.decimals("0.001", "0.5", places=3), st.decimals("0.5", "0.9", places=3)),
)
def test_a_stop_is_always_below_the_price_within_the_bounds(price, own, method, lows, bounds):
    candles = [Bar(low * 2, low, low) for low in lows]
    policy = RiskPolicy(stop_method=method, min_stop=bounds[0], max_stop=bounds[1], stop_structure_candles=5)
    stop = entry_stop(policy, price, own, candles).price
    hair = price * Decimal("1e-7")  # prices are told in eight digits
    assert 0 < stop < price
    assert price * (1 - bounds[1]) - hair <= stop <= price * (1 - bounds[0]) + hair
