"""Money that has just come or gone, booked and not valued yet, hides no loss and is none."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.risk.desk import MARKET_START, Desk, policy_with
from volexswarm.messages import Check, TradeProposed

LAX = policy_with(max_daily_loss="0.9", max_weekly_loss="0.9", max_monthly_loss="0.9", hard_drawdown="0.9")


def desk_after(before: str, assets: dict[str, str], flows: dict[str, str]) -> Desk:
    """The day began with `before`; of what is held, `flows` are part of no valuation yet."""
    desk = Desk(assets, LAX)
    desk.state.units = Decimal(1000)
    desk.state.snapshots[MARKET_START - timedelta(hours=10)] = Decimal(before)
    desk.state.flows = {asset: Decimal(amount) for asset, amount in flows.items()}
    return desk


def measures(desk: Desk) -> list[Decimal | None]:
    checks: dict[str, Check] = {check.name: check for check in desk.buy().verdict.checks}
    return [checks[name].measure for name in ("daily_loss", "drawdown")]


@pytest.mark.parametrize(
    ("assets", "flows", "lost"),
    [
        ({"USDT": "96000"}, {}, "0.04"),
        # a deposit hides no loss; a withdrawal is none, and makes the present one no greater
        ({"USDT": "192000"}, {"USDT": "96000"}, "0.04"),
        ({"USDT": "48000"}, {"USDT": "-48000"}, "0.04"),
        # in kind, at 2,500; the second left nothing behind
        ({"USDT": "96000", "ETH": "20"}, {"ETH": "20"}, "0.04"),
        ({"USDT": "46000"}, {"ETH": "-20"}, "0.04"),
        # of what no market prices nothing is in the equity
        ({"USDT": "96000", "AIR": "5"}, {"AIR": "5"}, "0.04"),
        ({"USDT": "96000"}, {"AIR": "-5"}, "0.04"),
        # came and went again: it takes no price, and of euros there is none
        ({"USDT": "96000"}, {"EUR": "0"}, "0.04"),
    ],
)
def test_what_came_or_went_since_the_last_valuation_is_neither_gain_nor_loss(
    assets: dict[str, str], flows: dict[str, str], lost: str
) -> None:
    assert measures(desk_after("100000", assets, flows)) == [Decimal(lost), Decimal(lost)]


def test_what_went_and_has_no_fresh_price_leaves_the_loss_unknown_so_that_nothing_is_bought() -> None:
    desk = desk_after("100000", {"USDT": "50000"}, {"ETH": "-20"})
    desk.quote("ETH/USDT", "2500", age=31)
    (failed,) = (check for check in desk.buy().verdict.checks if not check.passed)
    assert (failed.name, failed.value) == ("equity_known", "no fresh price of ETH")


def test_an_account_that_had_nothing_left_and_is_filled_again_has_lost_nothing_by_that() -> None:
    desk = Desk({"USDT": "100000"}, LAX)
    desk.state.snapshots[MARKET_START - timedelta(hours=10)] = Decimal("1.25")  # one unit
    desk.state.units, desk.state.flows = Decimal(1), {"USDT": Decimal(100_000)}
    assert isinstance(desk.buy(), TradeProposed)
    assert measures(desk) == [Decimal(0), Decimal(0)]


@given(st.integers(50, 100), st.integers(-40, 100))
def test_a_loss_is_the_same_share_before_and_after_any_transfer(left: int, came: int) -> None:
    without = desk_after("100000", {"USDT": str(left * 1000)}, {})
    moved = desk_after("100000", {"USDT": str((left + came) * 1000)}, {"USDT": str(came * 1000)})
    for one, other in zip(measures(without), measures(moved), strict=True):
        assert one is not None
        assert other is not None
        assert abs(one - other) <= Decimal("1e-8")
