"""The result divided by strategy, symbol or agent adds up to the whole, to the last digit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volexswarm.arithmetic import exact
from volexswarm.portfolio.attribution import Dimension, Part, Result, attribute, totals


def result(closed: int, realised: str, fees: str = "0", unrealised: str | None = "0", **others: str) -> Result:
    return Result(
        closed,
        Decimal(realised),
        Decimal(fees),
        None if unrealised is None else Decimal(unrealised),
        {asset: Decimal(fee) for asset, fee in others.items()},
    )


PARTS = [
    Part("ma-btc", "BTC/USDT", "signal", result(2, "10", "1", "5")),
    Part("rsi-btc", "BTC/USDT", "signal", result(1, "-4", "1", BNB="0.1")),
    Part("ma-btc", "ETH/EUR", "signal", result(1, "3")),
    Part("manual", "BTC/USDT", "api", result(0, "0", "0", None, BNB="0.2")),
]


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        (
            Dimension.STRATEGY,
            {
                ("ma-btc", "EUR"): result(1, "3"),
                ("ma-btc", "USDT"): result(2, "10", "1", "5"),
                ("manual", "USDT"): result(0, "0", "0", None, BNB="0.2"),
                ("rsi-btc", "USDT"): result(1, "-4", "1", BNB="0.1"),
            },
        ),
        # what has no price leaves the sum unknown
        (
            Dimension.SYMBOL,
            {
                ("BTC/USDT", "USDT"): result(3, "6", "2", None, BNB="0.3"),
                ("ETH/EUR", "EUR"): result(1, "3"),
            },
        ),
        (
            Dimension.AGENT,
            {
                ("api", "USDT"): result(0, "0", "0", None, BNB="0.2"),
                ("signal", "EUR"): result(1, "3"),
                ("signal", "USDT"): result(3, "6", "2", "5", BNB="0.1"),
            },
        ),
    ],
)
def test_attribution(dimension: Dimension, expected: dict[tuple[str, str], Result]) -> None:
    assert attribute(PARTS, dimension) == expected


def test_totals_keep_the_currencies_apart() -> None:
    assert totals(PARTS) == {"EUR": result(1, "3"), "USDT": result(3, "6", "2", None, BNB="0.3")}


money = st.decimals("-1000000000", "1000000000", places=18)
parts = st.builds(
    Part,
    st.sampled_from(["ma", "rsi", "manual", "outside"]),
    st.sampled_from(["BTC/USDT", "ETH/USDT", "ETH/BTC"]),
    st.sampled_from(["signal", "api", "outside"]),
    st.builds(
        Result,
        st.integers(0, 9),
        money,
        money,
        money,
        st.dictionaries(st.sampled_from(["BNB", "OKB"]), money, max_size=2),
    ),
)


@given(st.lists(parts, max_size=30), st.sampled_from(Dimension))
def test_the_shares_add_up_to_the_total_exactly(whole: list[Part], dimension: Dimension) -> None:
    sums = totals(whole)
    shares = attribute(whole, dimension)
    for currency, total in sums.items():
        own = [share for (_, quote), share in shares.items() if quote == currency]
        with exact():
            assert sum(share.closed for share in own) == total.closed
            assert sum(share.realised for share in own) == total.realised
            assert sum(share.fees for share in own) == total.fees
            assert sum(share.unrealised or 0 for share in own) == total.unrealised
            for asset, fee in total.other_fees.items():
                assert sum(share.other_fees.get(asset, Decimal(0)) for share in own) == fee
