"""A person's trade becomes one signal, at a present price, or none."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.desk import FakeDeskTransaction
from tests.fakes.transaction import START, FakeQuoteBoard, FakeStore, FixedClock
from volexswarm.desk.agent import Taken, TradingDesk, Wish
from volexswarm.errors import Conflict, InvalidInput, Unavailable
from volexswarm.messages import OrderType, Protection, Quote, Side, SignalRaised

MARKET_TIME = START - timedelta(days=400)
MAX_AGE = timedelta(seconds=30)
WISH = Wish("BTC/USDT", Side.BUY, Decimal("0.5"), OrderType.MARKET)


class Desk:
    def __init__(self) -> None:
        self.clock = FixedClock()
        self.quotes = FakeQuoteBoard()
        self.store = FakeStore(FakeDeskTransaction())
        self.quote("100", "102")
        self.desk = TradingDesk(
            self.store, self.quotes, self.clock, venue="binance", symbols=("BTC/USDT",), quote_max_age=MAX_AGE
        )

    def quote(self, bid: str, ask: str) -> None:
        self.quotes.quotes["BTC/USDT"] = Quote(
            bid=Decimal(bid), ask=Decimal(ask), as_of=MARKET_TIME, received_at=self.clock.now()
        )

    def take(self, wish: Wish = WISH, by: str = "ann", key: str = "request-1") -> Taken:
        return self.desk.take(wish, requested_by=by, idempotency_key=key)

    @property
    def raised(self) -> list[SignalRaised]:
        return self.store.state.of(SignalRaised)


def test_a_wish_is_raised_at_the_mid_price_in_market_time() -> None:
    desk = Desk()
    desk.take()
    (signal,) = desk.raised
    assert (signal.price, signal.as_of, signal.amount) == (Decimal("101"), MARKET_TIME, Decimal("0.5"))
    assert (signal.strategy, signal.strategy_id, signal.requested_by) == ("manual", "manual", "ann")


def test_the_same_request_is_answered_as_the_first_time_although_the_price_has_moved() -> None:
    desk = Desk()
    first = desk.take()
    desk.quote("200", "202")
    again = desk.take()
    assert (again.event_id, again.signal, again.repeated) == (first.event_id, first.signal, True)
    assert len(desk.raised) == 1


def test_it_is_answered_so_also_where_the_market_would_refuse_it_by_now_or_there_is_none() -> None:
    desk = Desk()
    wish = replace(WISH, protection=Protection(stop_price=Decimal(95)))
    first = desk.take(wish)
    desk.quote("93", "94")
    assert desk.take(wish).event_id == first.event_id
    desk.quotes.quotes.clear()
    assert desk.take(wish).repeated
    assert len(desk.raised) == 1


def test_a_key_for_another_wish_is_a_conflict() -> None:
    desk = Desk()
    desk.take()
    with pytest.raises(Conflict):
        desk.take(Wish("BTC/USDT", Side.SELL, Decimal("0.5"), OrderType.MARKET))
    assert len(desk.raised) == 1


@pytest.mark.parametrize(
    ("age", "taken"), [(MAX_AGE, True), (MAX_AGE + timedelta(milliseconds=1), False)], ids=["just fresh", "stale"]
)
def test_only_a_present_price_will_do(age: timedelta, taken: bool) -> None:
    desk = Desk()
    desk.clock.advance(age)
    if taken:
        desk.take()
    else:
        with pytest.raises(Unavailable, match="30 s old"):
            desk.take()
    assert len(desk.raised) == int(taken)


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        (Wish("ETH/USDT", Side.BUY, Decimal(1), OrderType.MARKET), "symbol"),
        (Wish("BTC/USDT", Side.BUY, Decimal(0), OrderType.MARKET), "amount"),
        (Wish("BTC/USDT", Side.BUY, Decimal("NaN"), OrderType.MARKET), "amount"),
        (Wish("BTC/USDT", Side.BUY, Decimal("Infinity"), OrderType.MARKET), "amount"),
        (Wish("BTC/USDT", Side.BUY, Decimal(1), OrderType.LIMIT), "price"),
        (Wish("BTC/USDT", Side.BUY, Decimal(1), OrderType.LIMIT, Decimal(0)), "price"),
        (Wish("BTC/USDT", Side.BUY, Decimal(1), OrderType.LIMIT, Decimal("-Infinity")), "price"),
        (Wish("BTC/USDT", Side.BUY, Decimal(1), OrderType.MARKET, Decimal(100)), "price"),
    ],
)
def test_what_makes_no_order_is_refused_by_its_field(wish: Wish, field: str) -> None:
    desk = Desk()
    with pytest.raises(InvalidInput) as refusal:
        desk.take(wish)
    assert refusal.value.field == field
    assert desk.raised == []


requests = st.tuples(st.text(max_size=3), st.text(max_size=3))


@given(st.lists(requests, max_size=8))
def test_as_many_signals_as_there_are_different_people_and_keys(asked: list[tuple[str, str]]) -> None:
    desk = Desk()
    ids = {request: desk.take(by=request[0], key=request[1]).event_id for request in asked}
    assert len(desk.raised) == len(set(asked)) == len(set(ids.values()))
