"""What a report says of the equity: money that came in is no profit."""

from __future__ import annotations

import pytest

from volexswarm.tasks.reporting import in_lines

COUNTED = ("signals", "refused_risk", "refused_compliance", "orders", "rejected", "fills", "breakers", "flags")
TASKS = ("tasks_done", "tasks_rejected", "tasks_failed")


def told(**equity: str) -> str:
    """The report's line on the equity."""
    figures = dict.fromkeys((*COUNTED, *TASKS), 0) | {"volumes": {}, "fees": {}} | equity
    return in_lines(figures, "USDT")[0]


@pytest.mark.parametrize(
    ("before", "after", "moved", "said"),
    [
        (("100", "100"), ("110", "100"), "0", "from 100.00 to 110.00 USDT; trading made +10.00 % of it."),
        (("100", "100"), ("150", "150"), "50", "trading made +0.00 % of it. 50.00 USDT came in from outside."),
        (("100", "100"), ("45", "50"), "-50", "trading made -10.00 % of it. 50.00 USDT went outside."),
        (("0", "0"), ("50", "50"), "50", "there was nothing to trade with. 50.00 USDT came in from outside."),
    ],
)
def test_what_came_or_went_is_told_apart_from_what_trading_made(
    before: tuple[str, str], after: tuple[str, str], moved: str, said: str
) -> None:
    equity = {"equity_before": before[0], "units_before": before[1], "equity_after": after[0], "units_after": after[1]}
    assert told(**equity, moved=moved).endswith(said)


def test_an_account_that_was_not_valued_is_said_to_be_so() -> None:
    assert told() == "The account has not been valued in this time."
