"""Every call of a venue is counted before it is made, cancellations with precedence; a venue that protests is left alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from ccxt.base import errors as ccxt

from tests.fakes.transaction import START
from tests.unit.adapters.wire import SYMBOL, connected
from volexswarm.errors import OutcomeUnknown, Unavailable
from volexswarm.execution.model import OrderRequest
from volexswarm.messages import OrderType, Side

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
