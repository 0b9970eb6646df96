"""Deposits and withdrawals change how many units there are, never what one is worth."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volexswarm.errors import InvalidInput
from volexswarm.units import units_after

money = st.decimals("0.01", "10000000", places=2)


@pytest.mark.parametrize(
    ("units", "equity", "flow", "last_worth", "after"),
    [
        # the first valuation: one for each unit of currency, whatever came before it
        (None, "1000", "0", None, "1000"),
        (None, "1000", "400", None, "1000"),
        # nothing came or went: whatever the equity does
        ("1000", "700", "0", "1", "1000"),
        # deposit of 700 when a unit is worth 0.7; withdrawal of half
        ("1000", "1400", "700", "0.7", "2000"),
        ("1000", "350", "-350", "0.7", "500"),
        # emptied, and filled again: the worth of a unit goes on from where it was
        ("1000", "0", "-700", "0.7", "0"),
        ("0", "140", "140", "0.7", "200"),
        # all was lost, then money came: again from what it was last worth
        ("1000", "140", "140", "0.7", "200"),
        # opened empty
        (None, "0", "0", None, "0"),
        ("0", "500", "500", None, "500"),
        ("0", "0", "0", None, "0"),
    ],
)
def test_units(units: str | None, equity: str, flow: str, last_worth: str | None, after: str) -> None:
    known = None if units is None else Decimal(units)
    worth = None if last_worth is None else Decimal(last_worth)
    assert units_after(known, Decimal(equity), Decimal(flow), worth) == Decimal(after)


def test_negative_units_are_refused() -> None:
    with pytest.raises(InvalidInput, match="units"):
        units_after(Decimal(-1), Decimal(1), Decimal(0), None)


@given(money, money, money)
def test_a_deposit_leaves_the_worth_of_a_unit_as_it_was(units: Decimal, before: Decimal, deposit: Decimal) -> None:
    after = units_after(units, before + deposit, deposit, None)
    assert abs((before + deposit) / after - before / units) < Decimal("1e-9") * (before / units + 1)


@given(money, money, money)
def test_coming_and_going_again_leaves_the_units_as_they_were(units: Decimal, equity: Decimal, flow: Decimal) -> None:
    there = units_after(units, equity + flow, flow, None)
    assert abs(units_after(there, equity, -flow, None) - units) < Decimal("1e-9") * units
