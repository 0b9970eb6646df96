"""Equity is the sum of what has a price; what has none is said."""

from decimal import Decimal

from volexswarm.portfolio.valuation import value
from volexswarm.valuation import Markets


def test_equity_is_the_sum_over_all_routes() -> None:
    balances = {
        "USDT": Decimal("50"),
        "ETH": Decimal("2"),
        "XRP": Decimal("100"),
        "EUR": Decimal("10"),
        "BTC": Decimal(0),
    }
    mids = {"ETH/USDT": Decimal("3000"), "XRP/ETH": Decimal("0.0002"), "USDT/EUR": Decimal("0.8")}
    worth = value(balances, {}, Markets([*mids, "BTC/USDT"]), mids, "USDT")
    assert worth.equity == Decimal("50") + 6000 + 60 + Decimal("12.5")
    assert worth.cash == 50
    assert worth.missing == worth.outside == ()


def test_a_missing_price_leaves_the_equity_unknown_and_is_named() -> None:
    worth = value({"USDT": Decimal(1), "ETH": Decimal(1)}, {}, Markets(["ETH/USDT"]), {}, "USDT")
    assert worth.equity is None
    assert worth.missing == ("ETH",)


def test_an_asset_without_any_market_is_outside_and_named() -> None:
    worth = value({"USDT": Decimal(1), "DOGE": Decimal(9)}, {}, Markets(["ETH/USDT"]), {}, "USDT")
    assert worth.equity == 1
    assert worth.outside == ("DOGE",)


def test_what_came_from_outside_is_valued_at_the_same_prices() -> None:
    """Half of the deposited ETH has been sold again: what came is worth what it is worth, whatever is left of it."""
    balances, mids = {"USDT": Decimal(1500), "ETH": Decimal("0.5")}, {"ETH/USDT": Decimal(3000)}
    flows = {"ETH": Decimal(1), "USDT": Decimal(-200), "DOGE": Decimal(5)}
    worth = value(balances, flows, Markets(mids), mids, "USDT")
    assert (worth.equity, worth.flow) == (3000, 2800)
    assert worth.outside == ("DOGE",)


def test_the_equity_is_unknown_while_what_came_has_no_price() -> None:
    worth = value({"USDT": Decimal(1)}, {"ETH": Decimal(1)}, Markets(["ETH/USDT"]), {}, "USDT")
    assert (worth.equity, worth.missing) == (None, ("ETH",))
