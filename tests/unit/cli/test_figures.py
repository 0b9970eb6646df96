"""Figures for the eye keep what matters: the sign of what is not nothing, and enough digits."""

from __future__ import annotations

import pytest

from volexswarm.cli.figures import money, percent, ratio
from volexswarm.cli.output import NONE


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (None, NONE),
        ("-0.001", "0.00"),
        ("0", "0.00"),
        ("-0.006", "-0.01"),
        ("-1234.5", "-1,234.50"),
        ("60060", "60,060.00"),
    ],
)
def test_money_that_rounds_to_nothing_has_no_sign(amount: str | None, shown: str) -> None:
    assert money(amount) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.005, "+0.50%"),
        (-0.00374, "-0.37%"),
        (0.0000123, "+0.0012%"),
        (-0.0000005, "-0.000050%"),
        (0.0, "0.00%"),
        (-0.0, "0.00%"),
        (-1e-14, "0.00000000%"),
        (12.5, "+1,250.00%"),
    ],
)
def test_a_small_share_keeps_its_first_digits(share: float, shown: str) -> None:
    assert percent(share) == shown


def test_a_share_that_is_no_change_has_no_plus() -> None:
    assert percent(0.4, signed=False) == "40.00%"


@pytest.mark.parametrize(("value", "shown"), [(-0.001, "0.00"), (1.25, "1.25"), (-1234.5, "-1,234.50")])
def test_a_ratio_that_rounds_to_nothing_has_no_sign(value: float, shown: str) -> None:
    assert ratio(value) == shown
