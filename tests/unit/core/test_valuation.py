"""One rule of what currencies are worth: what has no price is named, never guessed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volexswarm.valuation import Leg, Markets, Marks


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
        # of two hops the first by name
        ("XRP", ["XRP/ETH", "ETH/USDT", "XRP/BTC", "BTC/USDT"], (Leg("XRP/BTC", False), Leg("BTC/USDT", False))),
        # three in a row are too many
        ("XRP", ["XRP/ETH", "ETH/BTC", "BTC/USDT"], None),
        ("DOGE", ["BTC/USDT"], None),
    ],
)
def test_route(asset: str, symbols: list[str], legs: tuple[Leg, ...] | None) -> None:
    assert Markets(symbols).route(asset, "USDT") == legs


MIDS = {"ETH/USDT": Decimal(3000), "XRP/ETH": Decimal("0.0002"), "USDT/EUR": Decimal("0.8")}


def test_each_currency_is_priced_over_its_route() -> None:
    marks = Markets(MIDS).mark(["XRP", "EUR", "USDT", "ETH"], "USDT", MIDS)
    assert marks == Marks(
        "USDT", {"USDT": Decimal(1), "ETH": Decimal(3000), "EUR": Decimal("1.25"), "XRP": Decimal("0.6")}, ()
    )
    assert marks.values({"USDT": Decimal(50), "ETH": Decimal(2), "EUR": Decimal(10), "BTC": Decimal(0)}) == {
        "USDT": Decimal(50),
        "ETH": Decimal(6000),
        "EUR": Decimal("12.5"),
    }


@pytest.mark.parametrize(
    ("symbols", "mids"),
    [
        # no price of the market, of the hop's first, of its second; no market at all
        (["XRP/USDT"], {}),
        (["XRP/ETH", "ETH/USDT"], {"ETH/USDT": Decimal(1)}),
        (["XRP/ETH", "ETH/USDT"], {"XRP/ETH": Decimal(1)}),
        ([], {"BTC/USDT": Decimal(1)}),
    ],
)
def test_what_has_no_price_is_named(symbols: list[str], mids: dict[str, Decimal]) -> None:
    assert Markets(symbols).mark(["USDT", "XRP"], "USDT", mids) == Marks("USDT", {"USDT": Decimal(1)}, ("XRP",))


def test_a_route_does_not_change_when_its_price_is_away() -> None:
    markets = Markets(["XRP/USDT", "XRP/ETH", "ETH/USDT"])
    assert markets.mark(["XRP"], "USDT", MIDS).missing == ("XRP",)


def test_only_the_symbols_on_the_routes_are_needed() -> None:
    markets = Markets([*MIDS, "BTC/USDT", "BTC/EUR"])
    assert markets.needed(["XRP", "USDT", "DOGE"], "USDT") == {"XRP/ETH", "ETH/USDT"}


@given(st.decimals("0.00000001", "1000000", places=8), st.decimals("0.00000001", "1000000", places=8))
def test_there_and_back_again_is_one(first: Decimal, second: Decimal) -> None:
    mids = {"XRP/ETH": first, "ETH/USDT": second}
    there = Markets(mids).mark(["XRP"], "USDT", mids).prices["XRP"]
    back = Markets(mids).mark(["USDT"], "XRP", mids).prices["USDT"]
    assert abs(there * back - 1) < Decimal("1e-25")
