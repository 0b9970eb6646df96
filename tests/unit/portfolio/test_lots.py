"""First in, first out: which purchase a sale closes, and that it comes to the same money as average cost."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.portfolio.fills import fill, histories
from volexswarm.arithmetic import exact, wide
from volexswarm.messages import Side
from volexswarm.portfolio.lots import match, total
from volexswarm.portfolio.positions import fold, paid, proceeds, received
from volexswarm.portfolio.positions import given as taken
from volexswarm.ports import Fill

BUY, SELL = Side.BUY, Side.SELL
PRICES = st.decimals("0.01", "1000000", places=2)


@pytest.mark.parametrize(
    ("history", "closed", "left"),
    [
        # the oldest first: (entry, exit, amount, cost, proceeds, fees), then what is left as (entry, amount, cost)
        (
            [fill(1, BUY, "1", "100"), fill(2, BUY, "1", "200"), fill(3, SELL, "1", "150")],
            [("1", "3", "1", "100", "150", "0")],
            [("2", "1", "200")],
        ),
        # one sale through two purchases
        (
            [fill(1, BUY, "1", "100"), fill(2, BUY, "2", "200"), fill(3, SELL, "2", "150")],
            [("1", "3", "1", "100", "150", "0"), ("2", "3", "1", "200", "150", "0")],
            [("2", "1", "200")],
        ),
        # fees in quote: the sale's by amount, the purchase's within its cost
        (
            [fill(1, BUY, "2", "100", "2"), fill(2, SELL, "1", "110", "1")],
            [("1", "2", "1", "101", "109", "2")],
            [("1", "1", "101")],
        ),
        # a fee in base leaves less to sell
        (
            [fill(1, BUY, "2", "100", "0.4", "BTC"), fill(2, SELL, "1.6", "150")],
            [("1", "2", "1.6", "200", "240", "40")],
            [],
        ),
        # half of the sale was never bought here: only the other half closes, with its half of proceeds and fee
        ([fill(1, BUY, "1", "100"), fill(2, SELL, "2", "120", "2")], [("1", "2", "1", "100", "119", "1")], []),
        # nothing was bought here
        ([fill(1, SELL, "1", "100", "1")], [], []),
        # a fee in a third currency has no price here
        (
            [fill(1, BUY, "1", "100", "0.01", "BNB"), fill(2, SELL, "1", "110", "0.01", "BNB")],
            [("1", "2", "1", "100", "110", "0")],
            [],
        ),
    ],
)
def test_lots(history: list[Fill], closed: list[tuple[str, ...]], left: list[tuple[str, ...]]) -> None:
    lots, closings = match(history)
    assert [(c.entry_id, c.exit_id, c.amount, c.cost, c.proceeds, c.fees) for c in closings] == [
        (entry, exit_, *map(Decimal, numbers)) for entry, exit_, *numbers in closed
    ]
    assert [(lot.trade_id, lot.amount, lot.cost) for lot in lots] == [
        (entry, *map(Decimal, numbers)) for entry, *numbers in left
    ]


def test_a_closing_tells_gain_and_holding_time() -> None:
    _, (closing,) = match([fill(1, BUY, "1", "100"), fill(61, SELL, "1", "90")])
    assert (closing.realised, closing.held) == (-10, timedelta(minutes=1))


@given(histories(12), st.randoms())
def test_any_order_of_arrival_gives_the_same_lots(history: list[Fill], chance: random.Random) -> None:
    shuffled = list(history)
    chance.shuffle(shuffled)
    assert match(shuffled) == match(history)


@given(histories(12))
def test_nothing_is_lost_in_splitting(history: list[Fill]) -> None:
    lots, closings = match(history)
    with exact():
        bought = [one for one in history if one.side is BUY]
        assert total(lots) + sum(c.amount for c in closings) == sum(received(one) for one in bought)
        assert sum(lot.cost for lot in lots) + sum(c.cost for c in closings) == sum(paid(one) for one in bought)
    assert total(lots) == fold(history)[0].amount
    for sale in (one for one in history if one.side is SELL):
        parts = [c for c in closings if c.exit_id == sale.trade_id]
        with exact():
            if sum(c.amount for c in parts) == taken(sale):
                assert sum(c.proceeds for c in parts) == proceeds(sale)


@given(histories(12), PRICES)
def test_realised_and_unrealised_come_to_what_they_are_at_average_cost(history: list[Fill], mark: Decimal) -> None:
    lots, closings = match(history)
    position, _ = fold(history)
    with wide():
        fifo = sum(c.realised for c in closings) + sum(lot.amount * mark - lot.cost for lot in lots)
        average = position.realised_pnl + position.amount * (mark - position.average_price)
        size = sum(one.price * one.amount for one in history) + position.amount * (mark + 1)
        assert abs(fifo - average) <= Decimal("1e-9") + size * Decimal("1e-12") + Decimal("1e-17") * sum(
            one.amount for one in history
        ) * len(history)


@given(histories(12), PRICES)
def test_realised_and_unrealised_are_the_change_of_the_equity(history: list[Fill], mark: Decimal) -> None:
    """Fees in base or quote, and nothing sold that was not bought: then nothing else moves the account."""
    cash, held = Decimal(0), Decimal(0)
    for one in history:
        assume(one.fee_currency != "BNB")
        with exact():
            cash += proceeds(one) if one.side is SELL else -paid(one)
            held += received(one) if one.side is BUY else -taken(one)
        assume(held >= 0)
    lots, closings = match(history)
    with exact():
        profit = sum(c.realised for c in closings) + sum(lot.amount * mark - lot.cost for lot in lots)
        assert profit == cash + held * mark
