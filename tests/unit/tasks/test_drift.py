"""How far the market may go from a decided price: only to the worse side counts, and the bound itself is within."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volexswarm.errors import Conflict
from volexswarm.messages import Side
from volexswarm.tasks.drift import drift, require_near, worst_price
from volexswarm.tasks.model import PlannedTrade

prices = st.decimals(min_value="0.00000001", max_value=10_000_000, places=8)
bounds = st.decimals(min_value=0, max_value="0.99", places=4)
sides = st.sampled_from(Side)


def trade(side: Side, price: Decimal, worst: Decimal) -> PlannedTrade:
    return PlannedTrade(0, "ETH/USDT", side, Decimal(1), price, worst, Decimal("0.1"), "wished", "simulated")


def is_near(side: Side, price: Decimal, bound: Decimal, market: Decimal) -> bool:
    try:
        require_near(trade(side, price, worst_price(side, price, bound)), market)
    except Conflict:
        return False
    return True


@pytest.mark.parametrize(
    ("side", "bound", "worst"), [("buy", "0.01", "2020"), ("sell", "0.01", "1980"), ("buy", "0", "2000")]
)
def test_the_worst_price_is_on_the_side_that_costs_us(side: str, bound: str, worst: str) -> None:
    assert worst_price(Side(side), Decimal(2000), Decimal(bound)) == Decimal(worst)


@given(sides, prices, bounds)
def test_the_bound_itself_is_near_and_the_next_price_beyond_it_is_not(
    side: Side, price: Decimal, bound: Decimal
) -> None:
    worst = worst_price(side, price, bound)
    least = Decimal("1e-20") * (1 if side is Side.BUY else -1)
    assert is_near(side, price, bound, worst)
    assert not is_near(side, price, bound, worst + least)


@given(sides, prices, bounds, prices)
def test_a_better_price_is_never_too_far_and_a_worse_one_is_by_its_share(
    side: Side, price: Decimal, bound: Decimal, market: Decimal
) -> None:
    worse = market > price if side is Side.BUY else market < price
    assert (drift(side, price, market) > 0) is worse
    assert is_near(side, price, bound, market) or worse


def test_what_is_refused_says_both_prices_the_bound_and_what_to_do() -> None:
    with pytest.raises(Conflict) as refused:
        require_near(trade(Side.SELL, Decimal("2000.50"), Decimal("1980.495")), Decimal(1900))
    words = "decided at 2000.5 USDT, and at 1900 the market is 5.02 % worse: beyond the bound of 1.00 % (1980.495 USDT)"
    assert words in str(refused.value)
    assert "volexswarm tasks retry" in str(refused.value)
