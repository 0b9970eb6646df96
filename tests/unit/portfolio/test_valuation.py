"""Equity by the markets there are; what has no price is said, not guessed."""

from decimal import Decimal

import pytest

from volexswarm.portfolio.valuation import Leg, route, value


@pytest.mark.parametrize(
    ("asset", "symbols", "legs"),
    [
        ("USDT", [], ()),
        ("BTC", ["BTC/USDT"], (Leg("BTC/USDT", False),)),
        ("EUR", ["USDT/EUR"], (Leg("USDT/EUR", True),)),
        ("XRP", ["XRP/ETH", "ETH/USDT"], (Leg("XRP/ETH", False), Leg("ETH/USDT", False))),
        ("EUR", ["BTC/EUR", "BTC/USDT"], (Leg("BTC/EUR", True), Leg("BTC/USDT", False))),
        # the direct market wins over two in a row
        ("XRP", ["XRP/ETH", "ETH/USDT", "XRP/USDT"], (Leg("XRP/USDT", False),)),
        ("DOGE", ["BTC/USDT"], None),
    ],
)
def test_route(asset: str, symbols: list[str], legs: tuple[Leg, ...] | None) -> None:
    assert route(asset, "USDT", symbols) == legs


def test_equity_is_the_sum_over_all_routes() -> None:
    balances = {
        "USDT": Decimal("50"),
        "ETH": Decimal("2"),
        "XRP": Decimal("100"),
        "EUR": Decimal("10"),
        "BTC": Decimal(0),
    }
    marks = {"ETH/USDT": Decimal("3000"), "XRP/ETH": Decimal("0.0002"), "USDT/EUR": Decimal("0.8")}
    worth = value(balances, [*marks, "BTC/USDT"], marks, "USDT")
    assert worth.equity == Decimal("50") + 6000 + 60 + Decimal("12.5")
    assert worth.cash == 50
    assert worth.missing == worth.outside == ()


def test_a_missing_price_leaves_the_equity_unknown_and_is_named() -> None:
    worth = value({"USDT": Decimal(1), "ETH": Decimal(1)}, ["ETH/USDT"], {}, "USDT")
    assert worth.equity is None
    assert worth.missing == ("ETH/USDT",)


def test_an_asset_without_any_market_is_outside_and_named() -> None:
    worth = value({"USDT": Decimal(1), "DOGE": Decimal(9)}, ["ETH/USDT"], {}, "USDT")
    assert worth.equity == 1
    assert worth.outside == ("DOGE",)
