"""What the market's prices make of a paper order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.transaction import START
from volexswarm.adapters.paper.matching import Execution, PaperOrder, PublicTrade, accepted, follow, meet
from volexswarm.errors import Rejected
from volexswarm.execution.model import OrderRequest
from volexswarm.messages import OrderState, OrderType, Quote, Side, TimeInForce

BUY, SELL = Side.BUY, Side.SELL
QUOTE = Quote(bid=Decimal(99), ask=Decimal(101), as_of=START, received_at=START)
SLIPPAGE = Decimal("0.01")
T = OrderType


def coming(
    side: Side, kind: OrderType, limit: str | None = None, trigger: str | None = None, share: str | None = None
) -> PaperOrder:
    request = OrderRequest(
        client_order_id="v1",
        symbol="BTC/USDT",
        side=side,
        order_type=kind,
        amount=Decimal(2),
        limit_price=None if limit is None else Decimal(limit),
        sent_at=START,
        trigger_price=None if trigger is None else Decimal(trigger),
        trailing_share=None if share is None else Decimal(share),
    )
    fees = (Decimal("0.001"), Decimal("0.0005"))
    return accepted(request, QUOTE, price_step=Decimal("0.1"), fees=fees, after_trade_id=0)


def printed(price: str, amount: str = "5", took: str = "seller", number: int = 1) -> PublicTrade:
    moment = START + timedelta(seconds=number)
    return PublicTrade(number, moment, Decimal(price), Decimal(amount), buyer_took=took == "buyer")


@pytest.mark.parametrize(
    ("order", "tif", "price"),
    [
        # at the best ask of 101, 1 % worse, up to the grid
        (coming(BUY, T.MARKET), TimeInForce.GTC, "102.1"),
        # at the best bid of 99, 1 % worse, down to the grid
        (coming(SELL, T.MARKET), TimeInForce.GTC, "98.0"),
        # takes as well, but never beyond its limit
        (coming(BUY, T.LIMIT, "101.5"), TimeInForce.GTC, "101.5"),
        (coming(BUY, T.LIMIT, "120"), TimeInForce.IOC, "102.1"),
        (coming(SELL, T.LIMIT, "98.9"), TimeInForce.FOK, "98.9"),
        # does not reach the other side: stands
        (coming(BUY, T.LIMIT, "100.9"), TimeInForce.GTC, None),
        (coming(SELL, T.LIMIT, "99.1"), TimeInForce.POST_ONLY, None),
        # waits for its price
        (coming(SELL, T.STOP_LOSS, trigger="98.9"), TimeInForce.GTC, None),
        (coming(BUY, T.STOP_LOSS, trigger="101.1"), TimeInForce.GTC, None),
        (coming(SELL, T.TAKE_PROFIT, trigger="99.1"), TimeInForce.GTC, None),
        (coming(BUY, T.TAKE_PROFIT, trigger="100.9"), TimeInForce.GTC, None),
        (coming(SELL, T.TRAILING_STOP, share="0.05"), TimeInForce.GTC, None),
    ],
)
def test_an_order_takes_at_the_quote_or_stands(order: PaperOrder, tif: TimeInForce, price: str | None) -> None:
    after, execution = meet(order, tif, QUOTE, SLIPPAGE)
    assert after.state is OrderState.ACCEPTED
    assert execution == (None if price is None else Execution(Decimal(price), Decimal(2), False, START))


@pytest.mark.parametrize("tif", [TimeInForce.IOC, TimeInForce.FOK])
def test_what_must_not_stand_expires(tif: TimeInForce) -> None:
    after, execution = meet(coming(BUY, T.LIMIT, "100.9"), tif, QUOTE, SLIPPAGE)
    assert (after.state, execution) == (OrderState.EXPIRED, None)
    assert after.locks == 0


@pytest.mark.parametrize(
    ("order", "tif"),
    [
        (coming(BUY, T.LIMIT, "101"), TimeInForce.POST_ONLY),
        (coming(SELL, T.LIMIT, "99"), TimeInForce.POST_ONLY),
        (coming(SELL, T.STOP_LOSS, trigger="99"), TimeInForce.GTC),
        (coming(BUY, T.STOP_LOSS, trigger="101"), TimeInForce.GTC),
        (coming(SELL, T.TAKE_PROFIT, trigger="99"), TimeInForce.GTC),
        (coming(BUY, T.TAKE_PROFIT_LIMIT, "100", "101"), TimeInForce.GTC),
    ],
)
def test_what_would_be_done_at_once_and_must_not_is_refused(order: PaperOrder, tif: TimeInForce) -> None:
    with pytest.raises(Rejected):
        meet(order, tif, QUOTE, SLIPPAGE)


@pytest.mark.parametrize(
    ("order", "trade", "price"),
    [
        # beyond the limit: whoever stood before us has been served
        (coming(BUY, T.LIMIT, "95"), printed("94.9", "0.1"), "95"),
        (coming(SELL, T.LIMIT, "105"), printed("105.1", "0.1", "seller"), "105"),
        # at the limit: only from the other side, and only if it is enough for all
        (coming(BUY, T.LIMIT, "95"), printed("95", "2", "seller"), "95"),
        (coming(BUY, T.LIMIT, "95"), printed("95", "1.9", "seller"), None),
        (coming(BUY, T.LIMIT, "95"), printed("95", "9", "buyer"), None),
        (coming(SELL, T.LIMIT, "105"), printed("105", "2", "buyer"), "105"),
        (coming(SELL, T.LIMIT, "105"), printed("105", "9", "seller"), None),
        # not reached
        (coming(BUY, T.LIMIT, "95"), printed("95.1", "9"), None),
        (coming(SELL, T.LIMIT, "105"), printed("104.9", "9"), None),
    ],
)
def test_a_standing_order_fills_at_its_own_price(order: PaperOrder, trade: PublicTrade, price: str | None) -> None:
    after, execution = follow(order, trade, SLIPPAGE)
    assert after == order
    assert execution == (None if price is None else Execution(Decimal(price), Decimal(2), True, trade.at))


@pytest.mark.parametrize(
    ("order", "price", "filled_at"),
    [
        # 1 % worse than the trade that reached the trigger, not than the trigger
        (coming(SELL, T.STOP_LOSS, trigger="95"), "94", "93.0"),
        (coming(SELL, T.STOP_LOSS, trigger="95"), "95", "94.0"),
        (coming(BUY, T.STOP_LOSS, trigger="105"), "106", "107.1"),
        (coming(SELL, T.TAKE_PROFIT, trigger="105"), "106", "104.9"),
        (coming(BUY, T.TAKE_PROFIT, trigger="95"), "94", "95.0"),
        # with a limit, never worse than that
        (coming(SELL, T.STOP_LOSS_LIMIT, "93.5", "95"), "94", "93.5"),
        (coming(BUY, T.STOP_LOSS_LIMIT, "106.5", "105"), "106", "106.5"),
        # 5 % below the best bid that there was, 99
        (coming(SELL, T.TRAILING_STOP, share="0.05"), "94.05", "93.1"),
        (coming(BUY, T.TRAILING_STOP, share="0.05"), "106.05", "107.2"),
    ],
)
def test_the_trade_that_reaches_its_price_fills_a_waiting_order(order: PaperOrder, price: str, filled_at: str) -> None:
    trade = printed(price)
    after, execution = follow(order, trade, SLIPPAGE)
    assert after.triggered_at == trade.at
    assert execution == Execution(Decimal(filled_at), Decimal(2), False, trade.at)


@pytest.mark.parametrize(
    ("order", "price"),
    [
        (coming(SELL, T.STOP_LOSS, trigger="95"), "95.1"),
        (coming(BUY, T.STOP_LOSS, trigger="105"), "104.9"),
        (coming(SELL, T.TAKE_PROFIT, trigger="105"), "104.9"),
        (coming(BUY, T.TAKE_PROFIT, trigger="95"), "95.1"),
        (coming(SELL, T.TRAILING_STOP, share="0.05"), "94.1"),
    ],
)
def test_before_its_price_is_reached_an_order_waits(order: PaperOrder, price: str) -> None:
    after, execution = follow(order, printed(price), SLIPPAGE)
    assert (after.triggered_at, execution) == (None, None)


def test_a_stop_with_a_limit_that_the_market_has_left_behind_stands() -> None:
    """It gaps through 95 to 92: the limit of 93.5 holds, and is filled when the price comes back."""
    woken, execution = follow(coming(SELL, T.STOP_LOSS_LIMIT, "93.5", "95"), printed("92"), SLIPPAGE)
    assert execution is None
    _, execution = follow(woken, printed("93.6", took="buyer", number=2), SLIPPAGE)
    assert execution is not None
    assert (execution.price, execution.is_maker) == (Decimal("93.5"), True)


def test_a_trailing_stop_follows_the_best_price_and_never_goes_back() -> None:
    order = coming(SELL, T.TRAILING_STOP, share="0.1")
    for number, price in enumerate(("110", "120", "115", "109"), 1):
        order, execution = follow(order, printed(price, number=number), SLIPPAGE)
        assert execution is None
    assert order.threshold == Decimal(108)
    _, execution = follow(order, printed("108", number=5), SLIPPAGE)
    assert execution is not None


@pytest.mark.parametrize(
    ("order", "held_back"),
    [
        (coming(SELL, T.LIMIT, "105"), 2),
        (coming(SELL, T.STOP_LOSS, trigger="95"), 2),
        (coming(BUY, T.LIMIT, "95"), 190),
        (coming(BUY, T.STOP_LOSS_LIMIT, "106", "105"), 212),
        (coming(BUY, T.STOP_LOSS, trigger="105"), 0),
        (replace(coming(SELL, T.LIMIT, "105"), state=OrderState.CANCELED), 0),
    ],
)
def test_an_order_holds_back_what_it_may_need(order: PaperOrder, held_back: int) -> None:
    assert order.locks == held_back


prices = st.decimals(min_value=50, max_value=150, places=1)
trades = st.lists(st.tuples(prices, st.decimals("0.1", "5", places=1), st.booleans()), min_size=1, max_size=40)
standing = st.sampled_from(
    [
        coming(BUY, T.LIMIT, "95"),
        coming(SELL, T.LIMIT, "105"),
        coming(SELL, T.STOP_LOSS, trigger="90"),
        coming(SELL, T.STOP_LOSS_LIMIT, "88", "90"),
        coming(BUY, T.TAKE_PROFIT_LIMIT, "91", "90"),
        coming(SELL, T.TRAILING_STOP, share="0.1"),
    ]
)


@given(order=standing, tape=trades)
def test_no_order_is_filled_worse_than_its_limit_or_before_its_price(
    order: PaperOrder, tape: list[tuple[Decimal, Decimal, bool]]
) -> None:
    for number, (price, amount, took) in enumerate(tape, 1):
        was_waiting = order.is_waiting
        order, execution = follow(order, PublicTrade(number, START, price, amount, took), SLIPPAGE)
        if execution is None:
            continue
        assert execution.amount == order.remaining
        if order.limit_price is not None:
            worse = execution.price > order.limit_price if order.side is BUY else execution.price < order.limit_price
            assert not worse
        if was_waiting:
            falling = order.order_type in (T.STOP_LOSS, T.STOP_LOSS_LIMIT, T.TRAILING_STOP, T.TAKE_PROFIT_LIMIT)
            assert price <= order.threshold if falling else price >= order.threshold
        break
