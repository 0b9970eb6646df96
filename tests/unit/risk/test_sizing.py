"""Sizes never exceed the budget they come from, whatever the numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volexswarm.errors import InvalidInput
from volexswarm.risk import sizing

money = st.decimals(min_value=0, max_value=10**9, places=8, allow_nan=False, allow_infinity=False)
price = st.decimals(min_value="0.00000001", max_value=10**6, places=8, allow_nan=False, allow_infinity=False)
share = st.decimals(min_value="0.001", max_value=1, places=3, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("equity", "risk", "stop_distance", "amount"),
    [
        # 2 % of 10,000 is 200: a stop 50 away pays for 4 units
        ("10000", "0.02", "50", "4"),
        # a stop 3 away does not divide evenly: rounded down
        ("10000", "0.02", "3", "66.66666666"),
        ("0", "0.02", "50", "0"),
        # what is lost already is never bet
        ("-5", "0.02", "50", "0"),
    ],
)
def test_fixed_fraction_loses_the_share_at_the_stop(equity, risk, stop_distance, amount):
    found = sizing.fixed_fraction(Decimal(equity), Decimal(risk), Decimal(stop_distance))
    assert sizing.tightest({"only": found}) == ("only", Decimal(amount))


@pytest.mark.parametrize(
    ("equity", "target", "volatility", "at", "amount"),
    [
        # 1 % of 10,000 is 100; a unit of 1,000 moves by 2 %, that is 20: 5 units
        ("10000", "0.01", "0.02", "1000", "5"),
        # calmer: more
        ("10000", "0.01", "0.01", "1000", "10"),
    ],
)
def test_volatility_target_moves_the_share_in_a_typical_candle(equity, target, volatility, at, amount):
    assert sizing.volatility_target(Decimal(equity), Decimal(target), Decimal(volatility), Decimal(at)) == Decimal(
        amount
    )


@given(equity=money, risk=share, stop_distance=price)
def test_the_loss_at_the_stop_never_exceeds_the_share(equity, risk, stop_distance):
    _, amount = sizing.tightest({"only": sizing.fixed_fraction(equity, risk, stop_distance)})
    assert amount * stop_distance <= equity * risk
    assert amount >= 0


@given(room=st.decimals(min_value=-(10**6), max_value=10**9, places=8), at=price)
def test_what_is_affordable_fits_into_the_room(room, at):
    _, amount = sizing.tightest({"only": sizing.affordable(room, at)})
    assert 0 <= amount * at <= max(Decimal(0), room)


@given(least=money, at=price)
def test_the_smallest_amount_is_worth_at_least_the_least(least, at):
    amount = sizing.smallest(least, at)
    assert amount * at >= least
    assert (amount - sizing.STEP) * at < least or amount == sizing.STEP


def test_the_tightest_budget_is_named():
    assert sizing.tightest({"cash": Decimal(3), "max_trade": Decimal(2), "risk_per_trade": Decimal(5)}) == (
        "max_trade",
        Decimal(2),
    )


@pytest.mark.parametrize("wrong", [Decimal(0), Decimal(-1)])
def test_a_stop_without_distance_is_refused(wrong):
    with pytest.raises(InvalidInput, match="stop_distance"):
        sizing.fixed_fraction(Decimal(100), Decimal("0.02"), wrong)
