"""Fills for the tests: named ones, and any that hypothesis can think of."""

from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from tests.fakes.transaction import START
from volexswarm.messages import Side
from volexswarm.ports import Fill


def fill(
    trade_id: int = 1,
    side: Side = Side.BUY,
    amount: str = "1",
    price: str = "100",
    fee: str = "0",
    fee_currency: str = "USDT",
    symbol: str = "BTC/USDT",
    as_of: datetime | None = None,
) -> Fill:
    """A fill `trade_id` seconds after the start, unless told otherwise."""
    return Fill(
        venue="binance",
        account="main",
        symbol=symbol,
        trade_id=str(trade_id),
        exchange_order_id="e1",
        side=side,
        price=Decimal(price),
        amount=Decimal(amount),
        fee=Decimal(fee),
        fee_currency=fee_currency,
        is_maker=False,
        as_of=as_of or START + timedelta(seconds=trade_id),
    )


@st.composite
def any_fill(draw: st.DrawFn, trade_id: int = 1) -> Fill:
    """Eight decimals in price and amount, a fee in base, quote or a third currency, up to a percent, or a rebate."""
    amount = draw(st.decimals("0.00000001", "1000000", places=8))
    currency = draw(st.sampled_from(["BTC", "USDT", "BNB"]))
    share = draw(st.decimals("-0.001", "0.01", places=4))
    return fill(
        trade_id,
        draw(st.sampled_from(Side)),
        str(amount),
        str(draw(st.decimals("0.00000001", "1000000", places=8))),
        str(amount * share),
        currency,
    )


@st.composite
def histories(draw: st.DrawFn, longest: int = 8) -> list[Fill]:
    """Fills of one symbol in the exchange's order."""
    return [draw(any_fill(number)) for number in range(1, draw(st.integers(1, longest)) + 1)]
