"""Which quotes are prices: judged anew at every reading, whatever was read before."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.transaction import START, FakeQuoteBoard, FixedClock
from volexswarm.board import WIDEST_SPREAD, Board, BoardReader
from volexswarm.messages import Quote

BTC, ETH = "BTC/USDT", "ETH/USDT"
MAX_AGE = timedelta(seconds=30)


def quote(bid: str, ask: str, age: float = 0) -> Quote:
    received = START - timedelta(seconds=age)
    return Quote(bid=Decimal(bid), ask=Decimal(ask), as_of=START, received_at=received)


@pytest.mark.parametrize(
    ("found", "mid"),
    [
        (quote("99", "101"), "100"),
        (quote("100", "100"), "100"),
        (quote("99", "101", age=30), "100"),
        (quote("99", "101", age=-30), "100"),
        # too old; from too far in the future; crossed; without a bid
        (quote("99", "101", age=30.1), None),
        (quote("99", "101", age=-30.1), None),
        (quote("101", "99"), None),
        (quote("0", "100"), None),
    ],
)
def test_only_a_fresh_quote_with_a_sane_bid_and_ask_is_a_price(found: Quote, mid: str | None) -> None:
    board = BoardReader(FakeQuoteBoard(**{BTC: found}), FixedClock(), MAX_AGE).read("binance", [BTC, ETH])
    assert board.mids == ({} if mid is None else {BTC: Decimal(mid)})
    assert board.usable(BTC) == (None if mid is None else found)
    assert (board.usable(ETH), board.age(ETH)) == (None, None)


def read(**found: Quote) -> Board:
    quotes = {symbol.replace("_", "/"): quote for symbol, quote in found.items()}
    return BoardReader(FakeQuoteBoard(**quotes), FixedClock(), MAX_AGE).read("binance", list(quotes))


@pytest.mark.parametrize(
    ("found", "is_a_price"),
    [
        (quote("95", "105"), True),  # 10 % of the middle
        (quote("94.9", "105"), False),
        (quote("1", "200"), False),
    ],
)
def test_a_quote_that_is_too_wide_can_be_traded_and_not_valued_by(found: Quote, is_a_price: bool) -> None:
    board = read(BTC_USDT=found)
    assert (BTC in board.mids, BTC in board.too_wide) == (is_a_price, not is_a_price)
    assert board.usable(BTC) == found


def test_what_has_no_price_for_a_quote_that_is_too_wide_is_told_with_the_quote() -> None:
    board = read(BTC_USDT=quote("1", "200"), ETH_USDT=quote("99", "101"))
    assert board.without_price(["BTC"]) == (
        "no fresh price of BTC; bid and ask are more than 10.00 % apart, no price to value by: BTC/USDT (198.01 %)"
    )
    assert read(ETH_USDT=quote("99", "101")).without_price(["BTC"]) == "no fresh price of BTC"


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_a_price_is_never_far_from_what_somebody_bids_and_asks(bid: int, ask: int) -> None:
    for mid in read(BTC_USDT=quote(str(bid), str(ask))).mids.values():
        assert max(mid / bid - 1, 1 - mid / ask) <= WIDEST_SPREAD / 2 / (1 - WIDEST_SPREAD / 2)


def test_a_quote_that_nobody_renews_becomes_stale_though_it_was_a_price_before() -> None:
    clock, quotes = FixedClock(), FakeQuoteBoard(**{BTC: quote("99", "101"), ETH: quote("9.9", "10.1")})
    reader = BoardReader(quotes, clock, MAX_AGE)
    assert reader.read("binance", [BTC, ETH]).mids.keys() == {BTC, ETH}
    clock.advance(timedelta(seconds=31))
    quotes.quotes[ETH] = quote("10.9", "11.1", age=-31)
    board = reader.read("binance", [BTC, ETH])
    assert board.mids == {ETH: Decimal(11)}
    assert (board.usable(BTC), board.age(BTC)) == (None, timedelta(seconds=31))


PRICES = st.integers(-1, 3).map(str)
STEPS = st.lists(st.tuples(st.sampled_from([BTC, ETH]), PRICES, PRICES, st.integers(-60, 60), st.integers(0, 40)))


@given(STEPS)
def test_what_was_read_before_changes_nothing(steps: list[tuple[str, str, str, int, int]]) -> None:
    clock, quotes = FixedClock(), FakeQuoteBoard()
    reader = BoardReader(quotes, clock, MAX_AGE)
    for symbol, bid, ask, age, passed in steps:
        quotes.quotes[symbol] = quote(bid, ask, age)
        clock.advance(timedelta(seconds=passed))
        anew = BoardReader(quotes, clock, MAX_AGE).read("binance", [BTC, ETH])
        assert reader.read("binance", [BTC, ETH]) == anew
