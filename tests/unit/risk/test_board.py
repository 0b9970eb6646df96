"""Which quotes are prices: judged anew at every reading, whatever was read before."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.transaction import START, FakeQuoteBoard, FixedClock
from volexswarm.messages import Quote
from volexswarm.risk.board import BoardReader

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


def test_a_quote_that_nobody_renews_becomes_stale_though_it_was_a_price_before() -> None:
    clock, quotes = FixedClock(), FakeQuoteBoard(**{BTC: quote("99", "101"), ETH: quote("9", "11")})
    reader = BoardReader(quotes, clock, MAX_AGE)
    assert reader.read("binance", [BTC, ETH]).mids.keys() == {BTC, ETH}
    clock.advance(timedelta(seconds=31))
    quotes.quotes[ETH] = quote("10", "12", age=-31)
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
