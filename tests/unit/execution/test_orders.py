"""Orders off the exchange, and the gate before it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fakes.execution import CAPABILITIES, FakeExchange
from tests.fakes.transaction import START
from tests.unit.execution.orders import Desk, approved, desk, reported
from volexswarm.errors import Retry, Stop, Unavailable
from volexswarm.execution.model import Evidence, OrderRequest
from volexswarm.messages import CancelOrder, Event, OrderApproved, OrderState, OrderType

S = OrderState


def standing(*mishaps: str) -> tuple[Desk, Event[OrderApproved]]:
    """A desk with a limit order that stands at the exchange; the mishaps come afterwards."""
    at = desk()
    event = approved(order_type=OrderType.LIMIT, limit_price="90")
    at.place(event)
    at.exchange.mishaps = list(mishaps)
    return at, event


def cancel(at: Desk, event: Event[OrderApproved]) -> None:
    command = CancelOrder(
        venue="binance", symbol="BTC/USDT", account="main", order_id=event.id, requested_by="ann", reason="too far away"
    )
    at.agent.cancel(Event.caused_by(event, command, source="api", subject=event.id, time=at.clock.now()))


def test_an_order_is_taken_off_the_exchange_and_ends_by_the_exchanges_word() -> None:
    at, event = standing()
    cancel(at, event)
    assert at.tx.states(event.id)[-2:] == [S.ACCEPTED, S.CANCELED]
    assert at.exchange.standing[0].state is S.CANCELED
    assert at.tx.order(event.id).cancel_reason == "canceled by ann: too far away"


def test_canceling_twice_changes_nothing_more() -> None:
    at, event = standing()
    cancel(at, event)
    before = at.tx.transitions.copy()
    cancel(at, event)
    assert at.tx.transitions == before


@pytest.mark.parametrize("mishap", ["lost", "mute"])
def test_a_cancellation_without_an_answer_is_repeated_until_the_end_is_certain(mishap: str) -> None:
    at, event = standing(mishap)
    with pytest.raises(Unavailable):
        cancel(at, event)
    assert at.tx.order(event.id).cancel_requested_at is not None
    at.clock.advance(timedelta(minutes=1))
    at.agent.resolve_open()
    assert at.tx.order(event.id).state is S.CANCELED


def test_what_was_filled_meanwhile_stays_filled() -> None:
    at, event = standing()
    at.exchange.fill(at.exchange.standing[0], "0.4", "90")
    cancel(at, event)
    order = at.tx.order(event.id)
    assert (order.state, order.filled) == (S.CANCELED, Decimal("0.4"))


def test_an_order_that_was_filled_first_ends_filled() -> None:
    at, event = standing()
    at.exchange.fill(at.exchange.standing[0], "1", "90")
    cancel(at, event)
    assert at.tx.order(event.id).state is S.FILLED


def test_an_order_that_was_never_sent_is_canceled_without_asking_the_exchange() -> None:
    at = desk()
    at.secrets.sealed = True
    event = approved()
    with pytest.raises(Unavailable):
        at.place(event)
    cancel(at, event)
    at.secrets.sealed = False
    at.place(event)
    assert at.tx.order(event.id).state is S.CANCELED
    assert at.exchange.standing == []


def test_an_order_of_unknown_outcome_is_looked_for_before_it_is_canceled_and_is_not_sent_again() -> None:
    at = desk("", "late")
    event = approved(order_type=OrderType.LIMIT, limit_price="90")
    with pytest.raises(Retry):
        at.place(event)
    with pytest.raises(Retry, match="may still arrive"):
        cancel(at, event)
    at.clock.advance(timedelta(minutes=1))
    cancel(at, event)
    at.exchange.deliver_late()
    assert at.tx.order(event.id).state is S.CANCELED
    assert at.exchange.standing == []


def test_a_cancellation_that_is_stored_just_before_an_order_is_sent_again_keeps_it_from_being_sent() -> None:
    at = desk("", "lost", "", "lost")
    event = approved(order_type=OrderType.LIMIT, limit_price="90")
    with pytest.raises(Retry):
        at.place(event)

    def cancel_meanwhile() -> None:
        at.exchange.mishaps = ["lost"]
        with pytest.raises(Unavailable):
            cancel(at, event)

    at.clock.advance(timedelta(minutes=1))
    at.exchange.mishaps, at.exchange.meanwhile = [], [cancel_meanwhile]
    at.agent.resolve_open()
    order = at.tx.order(event.id)
    assert (order.state, order.reason, at.exchange.standing) == (S.CANCELED, "canceled by ann: too far away", [])
    assert at.exchange.calls.count("place") == 1


def test_nothing_is_sent_while_trading_is_halted() -> None:
    at = desk()
    at.tx.state = replace(at.tx.state, halt="halted by ann: strange prices")
    event = approved()
    at.place(event)
    order = at.tx.order(event.id)
    assert (order.state, order.reason) == (S.CANCELED, "halted by ann: strange prices")
    assert "place" not in at.exchange.calls


@pytest.mark.parametrize(("seconds", "sent"), [(0, True), (1, False)])
def test_what_was_decided_before_trading_went_on_as_it_does_is_not_sent(seconds: int, sent: bool) -> None:
    at = desk()
    event = approved()
    at.tx.state = replace(at.tx.state, since=START + timedelta(seconds=seconds))
    at.place(event)
    order = at.tx.order(event.id)
    assert bool(at.exchange.standing) == sent
    if not sent:
        words = "decided at 2026-01-05 12:00:00 UTC, and trading was resumed or switched at 2026-01-05 12:00:01 UTC"
        assert (order.state, order.reason) == (S.CANCELED, words)


def test_nothing_is_sent_for_books_that_do_not_trade() -> None:
    at = desk()
    at.tx.state = replace(at.tx.state, account="main-paper", mode="paper")
    at.place(event := approved())
    assert at.tx.order(event.id).reason == "trading goes on in the books main-paper, mode paper"
    assert at.exchange.standing == []


def test_nothing_is_sent_where_the_exchange_moves_other_money_than_is_in_force() -> None:
    at = desk()
    at.tx.state = replace(at.tx.state, mode="live")
    at.place(event := approved())
    assert at.tx.order(event.id).state is S.CANCELED
    assert at.exchange.standing == []


def test_a_fill_of_other_money_is_not_booked() -> None:
    at = desk()
    at.tx.modes["binance", "main"] = "live"
    with pytest.raises(Stop, match="the books main are of live money, the fill at binance moved simulated money"):
        at.agent.apply(reported(S.FILLED, "1", exchange_order_id="e1"))
    assert at.tx.recorded == {}
    assert at.tx.inbox == set()


@pytest.mark.parametrize("age", [timedelta(hours=2), timedelta(hours=2, seconds=1)])
def test_an_order_that_the_exchange_may_have_forgotten_is_left_to_a_person(
    age: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been filled and forgotten: to send it again would trade twice, to give it up would lose the fill."""
    forgetful = replace(CAPABILITIES, acceptance_window=timedelta(seconds=5), remembers=timedelta(hours=2))
    monkeypatch.setattr(FakeExchange, "capabilities", property(lambda _: forgetful))
    at = desk("", "lost")
    event = approved()
    with pytest.raises(Retry):
        at.place(event)
    at.clock.advance(age)
    if age > timedelta(hours=2):
        at.agent.execute(event)  # nothing else of the symbol waits for it
        assert at.tx.order(event.id).state is S.UNKNOWN
        assert "may have been filled" in (at.tx.order(event.id).reason or "")
    else:
        at.agent.execute(event)
        assert at.tx.order(event.id).state is S.EXPIRED
    assert at.exchange.standing == []


def crowd(monkeypatch: pytest.MonkeyPatch, *answers: bool) -> None:
    """Let the rate limit leave no room where an answer is False."""
    place, room = FakeExchange.place, list(answers)

    def crowded(exchange: FakeExchange, request: OrderRequest) -> Evidence:
        if room and not room.pop(0):
            raise Unavailable("exchange", "the rate limit leaves no room")
        return place(exchange, request)

    monkeypatch.setattr(FakeExchange, "place", crowded)


def test_an_order_that_was_not_sent_for_want_of_room_is_sent_once_as_soon_as_there_is_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd(monkeypatch, False)
    at, event = desk(), approved()
    with pytest.raises(Unavailable):
        at.place(event)
    order = at.tx.order(event.id)
    assert (order.state, order.sent_at) == (S.INTENDED, None)
    assert "no room" in (order.reason or "")
    at.agent.execute(event)
    assert at.tx.states(event.id) == [S.INTENDED, S.SUBMITTED, S.INTENDED, S.SUBMITTED, S.FILLED]
    assert at.tx.order(event.id).attempts == 2
    assert len(at.exchange.standing) == 1


def test_an_order_that_was_not_sent_for_want_of_room_is_canceled_without_asking_the_exchange(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd(monkeypatch, False)
    at, event = desk(), approved()
    with pytest.raises(Unavailable):
        at.place(event)
    at.exchange.calls.clear()
    cancel(at, event)
    assert at.tx.order(event.id).state is S.CANCELED
    assert at.exchange.calls == []


def test_a_second_attempt_without_room_does_not_hide_that_the_first_may_have_arrived(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crowd(monkeypatch, True, False)
    at, event = desk("", "late"), approved()
    with pytest.raises(Retry):
        at.place(event)
    with pytest.raises(Retry, match="may still arrive"):
        at.agent.execute(event)
    assert at.tx.order(event.id).state is S.UNKNOWN
    at.clock.advance(timedelta(seconds=9))
    with pytest.raises(Unavailable):
        at.agent.execute(event)
    at.exchange.deliver_late()
    at.agent.execute(event)
    assert at.tx.order(event.id).state is S.FILLED
    assert len(at.exchange.standing) == 1
