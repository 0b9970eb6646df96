"""Value at risk and expected shortfall: by hand, against a normal distribution, and however the sums came about."""

from __future__ import annotations

from decimal import Decimal
from math import sqrt
from random import Random
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.risk.test_prices import CLOSES
from volexswarm.risk.prices import PriceHistory
from volexswarm.risk.tail import Results, tail

UNIT = 10**13  # of a result: billionths of ten-thousandths
DAY = sqrt(24)


def test_the_historical_tail_by_hand():
    # losses of 1 to 20 in twenty hours: 95 % of them are at most 19
    found = tail([-loss * UNIT for loss in range(1, 21)], 0.95)
    assert found.hours == 20
    assert found.historical == pytest.approx(19 * DAY)
    assert found.historical_shortfall == pytest.approx(19.5 * DAY)


def test_gains_alone_are_no_risk_of_the_past():
    found = tail([gain * UNIT for gain in range(1, 21)], 0.95)
    assert (found.historical, found.historical_shortfall) == (0.0, 0.0)
    assert found.value_at_risk == found.parametric > 0


def test_both_ways_agree_about_a_normal_distribution():
    rng = Random(7)
    found = tail([int(rng.gauss(0, 100) * UNIT) for _ in range(20_000)], 0.99)
    z = NormalDist().inv_cdf(0.99)
    assert found.parametric == pytest.approx(z * 100 * DAY, rel=0.02)
    assert found.historical == pytest.approx(found.parametric, rel=0.05)
    assert found.parametric_shortfall == pytest.approx(NormalDist().pdf(z) / 0.01 * 100 * DAY, rel=0.02)
    assert found.historical_shortfall == pytest.approx(found.parametric_shortfall, rel=0.05)


@given(
    results=st.lists(st.integers(-(10**17), 10**17), min_size=2, max_size=100),
    confidence=st.sampled_from([0.5, 0.9, 0.95, 0.99]),
)
def test_the_shortfall_is_never_below_the_value_at_risk(results, confidence):
    found = tail(results, confidence)
    assert found.historical_shortfall >= found.historical * (1 - 1e-12) >= 0
    assert found.parametric_shortfall >= found.parametric * (1 - 1e-12)
    assert found.shortfall >= found.value_at_risk * (1 - 1e-12)


amounts = st.dictionaries(
    st.sampled_from(sorted(CLOSES)), st.decimals(min_value=0, max_value=1_000, places=4), max_size=4
)


@given(steps=st.lists(amounts, min_size=1, max_size=6))
def test_results_brought_up_to_date_are_the_very_ones_made_anew(steps):
    history = PriceHistory(CLOSES)
    followed = Results(history)
    for step in steps:
        followed = followed.of(step)
    anew = Results(PriceHistory(CLOSES)).of(steps[-1])
    assert list(followed.sums) == list(anew.sums)


@given(more=st.decimals(min_value=1, max_value=10**6, places=2))
def test_twice_of_one_asset_is_twice_the_risk(more):
    nothing = Results(PriceHistory(CLOSES))
    one, two = (nothing.tail(0, 0.95, "BTC", value) for value in (more, 2 * more))
    assert two.value_at_risk == pytest.approx(2 * one.value_at_risk, rel=1e-6)


def test_what_moves_against_each_other_takes_risk_away():
    alone = Results(PriceHistory(CLOSES)).of({"BTC": Decimal(1)})
    price = PriceHistory(CLOSES).close("BTC")
    hedged = alone.tail(0, 0.95, "INV", Decimal(price))
    assert hedged.value_at_risk < alone.tail(0, 0.95, "BTC", Decimal(0)).value_at_risk / 10
