"""Average cost, realised P&L, and what happens when more is sold than was bought."""

from decimal import Decimal

import pytest
from hypothesis import given

from tests.unit.portfolio.fills import fill, histories
from volexswarm.messages import Side
from volexswarm.portfolio.model import Position
from volexswarm.portfolio.positions import apply_fill, fold
from volexswarm.ports import Fill

BUY, SELL = Side.BUY, Side.SELL


@pytest.mark.parametrize(
    ("history", "amount", "average", "realised", "fees"),
    [
        # two purchases: the average of what they cost
        ([fill(1, BUY, "1", "100"), fill(2, BUY, "3", "200")], "4", "175", "0", "0"),
        # the fee in quote is part of the cost, and is taken from the proceeds
        ([fill(1, BUY, "2", "100", "2"), fill(2, SELL, "1", "110", "1")], "1", "101", "8", "3"),
        # the fee in base makes what is left dearer
        ([fill(1, BUY, "2", "100", "0.4", "BTC")], "1.6", "125", "0", "40"),
        # sold out: flat, no average
        ([fill(1, BUY, "1", "100"), fill(2, SELL, "1", "90")], "0", "0", "-10", "0"),
        # half of the sale was never bought here: only the other half realises, with its half of the fee
        ([fill(1, BUY, "1", "100"), fill(2, SELL, "2", "120", "2")], "0", "0", "19", "2"),
        # nothing was bought here: nothing is realised, nothing is short
        ([fill(1, SELL, "1", "100", "1")], "0", "0", "0", "1"),
        # a fee in a third currency has no price here
        ([fill(1, BUY, "1", "100", "0.01", "BNB"), fill(2, SELL, "1", "110", "0.01", "BNB")], "0", "0", "10", "0"),
    ],
)
def test_position(history: list[Fill], amount: str, average: str, realised: str, fees: str) -> None:
    assert fold(history)[0] == Position(Decimal(amount), Decimal(average), Decimal(realised), Decimal(fees))


@given(histories())
def test_a_position_is_never_short_and_its_profit_is_the_sum_of_its_fills(history: list[Fill]) -> None:
    position = Position()
    total = Decimal(0)
    for booked in history:
        position, realised = apply_fill(position, booked)
        total += realised
        assert position.amount >= 0
        assert bool(position.average_price) <= bool(position.amount)
    assert abs(position.realised_pnl - total) <= Decimal("1e-6") + abs(total) * Decimal("1e-20")


@given(histories())
def test_what_was_bought_and_sold_adds_up(history: list[Fill]) -> None:
    """With fees in quote and nothing sold that was not held: cash that left = cost of what is left - profit."""
    position, cash = Position(), Decimal(0)
    for booked in history:
        if booked.fee_currency != "USDT" or (booked.side is SELL and booked.amount > position.amount):
            continue
        sign = 1 if booked.side is BUY else -1
        cash += sign * booked.price * booked.amount + booked.fee
        position, _ = apply_fill(position, booked)
    held = position.amount * position.average_price
    assert abs(cash - (held - position.realised_pnl)) <= Decimal("1e-8")
