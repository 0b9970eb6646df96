"""Every call of a venue is counted before it is made, cancellations with precedence; a venue that protests is left alone."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from ccxt.base import errors as ccxt

from tests.fakes.execution import FakeExecutionTransaction, FakeSecrets, execution
from tests.fakes.transaction import START, FakeStore, FixedClock
from tests.unit.adapters.wire import SYMBOL, connected
from tests.unit.execution.orders import approved
from volexswarm.errors import OutcomeUnknown, Unavailable
from volexswarm.execution.model import OrderRequest
from volexswarm.execution.record import intent_of
from volexswarm.messages import OrderState, OrderType, Side
from volexswarm.portfolio.bookkeeping import Bookkeeper

ORDER = OrderRequest("v1", SYMBOL, Side.BUY, OrderType.LIMIT, Decimal(1), Decimal(60000), START)


@dataclass
class Room:
    """The room of every key at every venue; none while `full`."""

    full: bool = False
    keys: list[tuple[str, str]] = field(default_factory=list)
    taken: list[tuple[float, bool]] = field(default_factory=list)
    drained: list[timedelta] = field(default_factory=list)

    def bucket(self, venue: str, api_key: str) -> Room:
        self.keys.append((venue, api_key))
        return self

    def take(self, weight: float, *, urgent: bool = False) -> None:
        if self.full:
            raise Unavailable("exchange", "no room", timedelta(seconds=9))
        self.taken.append((weight, urgent))

    def drain(self, span: timedelta) -> None:
        self.drained.append(span)


def test_a_call_takes_what_it_weighs_and_a_cancellation_comes_first() -> None:
    room = Room()
    gateway, wire = connected("binance", limits=room)
    wire.answers = {"/account": {"balances": []}, "/order": {"orderId": 7, "status": "CANCELED", "symbol": "BTCUSDT"}}
    gateway.balances()
    gateway.cancel("v1", SYMBOL)
    gateway.balances()
    assert room.keys == [("binance", "the-key")]
    assert [urgent for _, urgent in room.taken] == [False, True, False]
    account, cancellation, _ = (weight for weight, _ in room.taken)
    assert account > cancellation > 0


def test_a_question_that_is_asked_again_is_counted_again() -> None:
    room = Room()
    gateway, wire = connected("binance", limits=room)
    with pytest.raises(Unavailable):
        gateway.balances()
    assert len(room.taken) == len(wire.sent) == 3


def test_without_room_nothing_is_sent_and_nobody_is_in_doubt() -> None:
    gateway, wire = connected("binance", limits=Room(full=True))
    for call in (gateway.balances, lambda: gateway.place(ORDER), lambda: gateway.cancel("v1", SYMBOL)):
        with pytest.raises(Unavailable) as refused:
            call()
        assert refused.value.after == timedelta(seconds=9)
    assert wire.sent == []


@pytest.mark.parametrize(
    ("headers", "span"),
    [({"Retry-After": "37"}, 37), ({"retry-after": "5"}, 5), ({"Retry-After": "soon"}, 10), ({}, 10)],
)
@pytest.mark.parametrize("asked", ["order", "question"])
def test_a_venue_that_protests_is_left_alone_as_long_as_it_wants(
    headers: dict[str, str], span: int, asked: str
) -> None:
    room = Room()
    gateway, wire = connected("binance", limits=room)

    def protest(_sent: Any) -> Any:
        raise ccxt.DDoSProtection("binance 429 Too Many Requests")

    wire.answers, wire.headers = {"/account": protest, "/order": protest}, headers
    if asked == "order":
        with pytest.raises(OutcomeUnknown):
            gateway.place(ORDER)
    else:
        with pytest.raises(Unavailable):
            gateway.balances()
    assert room.drained == [timedelta(seconds=span)]


class SilentCall:
    """A call of a function in which each request to the exchange waits in vain for all of its time-out."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds
        self.gateway, self.wire = connected("binance", limits=Room(), seconds_left=lambda: self.left)
        self.wire.answers = {"": self.wait}
        self.gateway._client.set_markets([])
        self.gateway._client.markets = None
        self.clock, self.tx = FixedClock(), FakeExecutionTransaction()
        self.parts = execution(FakeStore(self.tx), self.gateway, FakeSecrets(), Bookkeeper(self.clock), self.clock)

    def wait(self, _sent: Any) -> Any:
        self.left -= 5
        raise ccxt.RequestTimeout("nothing came back")


@pytest.mark.parametrize("state", [OrderState.INTENDED, OrderState.SUBMITTED, OrderState.ACCEPTED])
def test_a_command_against_a_silent_exchange_is_done_before_its_call_is_cut_off(state: OrderState) -> None:
    call = SilentCall(30)
    order = replace(intent_of(approved(order_type=OrderType.LIMIT, limit_price="90")), state=state, sent_at=START)
    call.tx.save_order(order, START)
    orders = call.parts.orders
    for command in (orders.go_on, orders.refresh, lambda order: orders.cancel(order.id, "not wanted"), orders.refresh):
        with suppress(Unavailable):
            command(call.tx.order(order.id))
    assert 5 <= call.left < 30


def test_an_order_for_whose_answer_there_is_no_time_is_not_sent() -> None:
    call = SilentCall(9)
    with pytest.raises(Unavailable, match="no time is left"):
        call.gateway.place(ORDER)
    assert call.wire.sent == []
