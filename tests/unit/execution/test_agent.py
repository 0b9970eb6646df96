"""Each approved order is placed once and its fills are booked once, whatever is lost, repeated or out of order."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.execution import Killed
from tests.unit.execution.orders import Desk, approved, desk, reported
from volexswarm.errors import InvalidInput, Retry, Unavailable
from volexswarm.execution.identity import client_order_id
from volexswarm.execution.model import Evidence
from volexswarm.messages import Event, FillRecorded, OrderApproved, OrderChanged, OrderState, OrderType, Side
from volexswarm.portfolio.model import LedgerAccount

S = OrderState
CLIENT_ID = client_order_id(approved().data.proposal_id)


def execute(at: Desk, event: Event[OrderApproved] | None = None) -> None:
    """One delivery; the message may come back, or the process die."""
    with suppress(Retry, Killed):
        at.place(event or approved())


def keep_at_it(at: Desk, event: Event[OrderApproved] | None = None, deliveries: int = 12) -> None:
    """Deliver until it is through, four seconds apart."""
    for _ in range(deliveries):
        execute(at, event)
        at.clock.advance(timedelta(seconds=4))
        at.exchange.deliver_late()


def books(at: Desk) -> dict[str, Decimal]:
    held = at.tx.balances("binance", "main", LedgerAccount.ASSETS)
    return {currency: amount for currency, amount in held.items() if amount}


def test_a_market_order_is_placed_filled_and_booked() -> None:
    at = desk()
    at.place(approved(amount="1.0005"))
    order = at.tx.order(approved().id)
    assert at.tx.states(order.id) == [S.INTENDED, S.SUBMITTED, S.FILLED]
    assert order.amount == order.filled == 1
    assert order.cost == 100
    assert order.exchange_order_id == "e1"
    assert books(at) == {"BTC": Decimal("0.999"), "USDT": Decimal(-100)}
    (fill,) = at.tx.of(FillRecorded)
    assert fill.order_id == order.id
    assert fill.position_amount == Decimal("0.999")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"state": "proposed"}, "expected approved; nothing was sent, got 'proposed'"),
        ({"state": "refused"}, "got 'refused'"),
        ({"venue": "kraken"}, "venue of proposal"),
        ({"account": "other"}, "account of proposal"),
        ({"symbol": "ETH/USDT"}, "symbol of proposal"),
        ({"side": Side.SELL}, "side of proposal"),
        ({"order_type": OrderType.LIMIT}, "order_type of proposal"),
        ({"amount": Decimal("0.1")}, "expected 0.1 as approved; nothing was sent, got '1'"),
        ({"limit_price": Decimal("1E+2")}, "expected 100 as approved; nothing was sent, got 'None'"),
    ],
)
def test_a_command_that_our_records_do_not_confirm_is_never_sent(changed: dict[str, Any], words: str) -> None:
    at, event = desk(), approved()
    at.confirm(event.data)
    at.tx.proposals = {key: replace(proposal, **changed) for key, proposal in at.tx.proposals.items()}
    with pytest.raises(InvalidInput, match=words):
        at.agent.execute(event)
    assert (at.exchange.calls, at.tx.orders) == ([], {})


def test_a_command_without_a_proposal_is_never_sent() -> None:
    at = desk()
    with pytest.raises(InvalidInput, match="not in our records"):
        at.agent.execute(approved())
    assert (at.exchange.calls, at.tx.orders) == ([], {})


def test_every_change_is_published_in_the_orders_own_chain() -> None:
    at = desk(parts=3)
    event = approved()
    at.place(event)
    told = at.tx.published
    assert [type(e.data) for e in told] == [OrderChanged, OrderChanged, *[FillRecorded] * 3, OrderChanged]
    assert {e.correlationid for e in told} == {event.correlationid}
    assert {e.causationid for e in told} == {event.id}
    assert len({e.id for e in told}) == len(told)


def test_a_limit_order_stands_until_reports_fill_it() -> None:
    at = desk()
    event = approved(order_type=OrderType.LIMIT, limit_price="99.999")
    at.place(event)
    standing = at.exchange.standing[0]
    assert standing.request.limit_price == Decimal("99.99")
    assert at.tx.order(event.id).state is S.ACCEPTED
    first, second = at.exchange.fill(standing, "0.4", "99"), at.exchange.fill(standing, "0.6", "99.5")
    at.agent.apply(reported(S.PARTIALLY_FILLED, "0.4", first, CLIENT_ID))
    assert at.tx.order(event.id).state is S.PARTIALLY_FILLED
    at.agent.apply(reported(S.FILLED, "1", second, CLIENT_ID))
    assert at.tx.states(event.id)[-3:] == [S.ACCEPTED, S.PARTIALLY_FILLED, S.FILLED]
    assert at.tx.order(event.id).cost == Decimal("0.4") * 99 + Decimal("0.6") * Decimal("99.5")
    assert books(at) == at.exchange.balances()


def test_the_command_delivered_again_changes_nothing() -> None:
    at = desk()
    at.place(approved())
    before = list(at.tx.published)
    at.place(approved())
    assert at.tx.published == before
    assert len(at.exchange.standing) == 1


@pytest.mark.parametrize(
    ("mishaps", "life"),
    [
        # the answer is lost, the order stands: found by our id at once
        (["", "mute"], [S.INTENDED, S.SUBMITTED, S.UNKNOWN, S.FILLED]),
        # answer and first question lost: found at the next delivery
        (["", "mute", "lost"], [S.INTENDED, S.SUBMITTED, S.UNKNOWN, S.FILLED]),
        # the request never arrives: sent again after the window
        (["", "lost"], [S.INTENDED, S.SUBMITTED, S.UNKNOWN, S.SUBMITTED, S.FILLED]),
        # it arrives late, within the window: found, not sent again
        (["", "late"], [S.INTENDED, S.SUBMITTED, S.UNKNOWN, S.FILLED]),
        # the exchange is silent before anything is sent
        (["lost", "lost"], [S.INTENDED, S.SUBMITTED, S.FILLED]),
        # refused: final, with the reason
        (["", "refused"], [S.INTENDED, S.SUBMITTED, S.REJECTED]),
    ],
)
def test_a_lost_answer_leads_to_one_order_and_never_to_two(mishaps: list[str], life: list[OrderState]) -> None:
    at = desk(*mishaps)
    keep_at_it(at)
    assert at.tx.states(approved().id) == life
    assert len(at.exchange.standing) == (life[-1] is S.FILLED)
    assert books(at) == at.exchange.balances()


def test_nothing_is_sent_again_while_the_first_attempt_can_still_arrive() -> None:
    at = desk("", "late")
    execute(at)
    at.clock.advance(timedelta(seconds=5))
    execute(at)
    assert at.exchange.calls.count("place") == 1
    with pytest.raises(Retry, match="may still arrive") as wait:
        at.place(approved())
    assert wait.value.after == timedelta(seconds=3)


def test_without_a_window_an_order_that_got_lost_waits_for_a_person() -> None:
    at = desk("", "lost")
    at.exchange.window = None
    keep_at_it(at)
    order = at.tx.order(approved().id)
    assert order.state is S.UNKNOWN
    assert order.reason is not None
    assert "sets no limit" in order.reason
    assert at.exchange.calls.count("place") == 1


@pytest.mark.parametrize(
    ("mishaps", "left"),
    [(["", "killed"], S.SUBMITTED), (["", "mute", "killed"], S.UNKNOWN), (["killed"], S.INTENDED)],
)
def test_a_process_that_was_killed_is_taken_over_from(mishaps: list[str], left: OrderState) -> None:
    at = desk(*mishaps)
    with pytest.raises(Killed):
        at.place(approved())
    assert at.tx.order(approved().id).state is left
    at.place(approved())
    assert at.tx.order(approved().id).state is S.FILLED
    assert at.exchange.calls.count("place") == 1


def test_a_sealed_vault_keeps_the_order_says_why_and_lets_it_go_on_later() -> None:
    at = desk()
    at.secrets.sealed = True
    with pytest.raises(Unavailable, match="vault"):
        at.place(approved())
    order = at.tx.order(approved().id)
    assert order.state is S.INTENDED
    assert order.reason == "vault is unavailable: it is sealed"
    assert at.exchange.calls == []
    at.secrets.sealed = False
    at.place(approved())
    order = at.tx.order(approved().id)
    assert order.state is S.FILLED
    assert order.reason is None


def test_a_vault_sealed_after_a_lost_answer_holds_the_second_attempt_back() -> None:
    at = desk("", "lost")
    execute(at)
    at.clock.advance(timedelta(seconds=60))
    at.secrets.sealed = True
    with pytest.raises(Unavailable, match="vault"):
        at.place(approved())
    assert at.exchange.calls.count("place") == 1
    assert at.tx.order(approved().id).state is S.UNKNOWN


def test_without_a_database_nothing_is_sent() -> None:
    at = desk()

    def gone(order: object) -> bool:
        raise Unavailable("database", "connection refused")

    at.tx.add_order = gone  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="database"):
        at.place(approved())
    assert at.exchange.calls == []
    assert at.tx.orders == {}


def test_an_order_below_the_venues_minimum_is_rejected_with_the_reason() -> None:
    at = desk()
    at.place(approved(amount="0.01"))
    order = at.tx.order(approved().id)
    assert order.state is S.REJECTED
    assert order.reason == "the order's value 1 is below the venue's minimum 5"
    assert "place" not in at.exchange.calls


@pytest.mark.parametrize("mishaps", [["lost"] * 9, ["", "lost", *["lost"] * 5]])
def test_a_decision_that_is_too_old_is_not_sent_any_more(mishaps: list[str]) -> None:
    at = desk(*mishaps)
    execute(at)
    at.exchange.mishaps = []
    at.clock.advance(timedelta(minutes=16))
    at.place(approved())
    order = at.tx.order(approved().id)
    assert order.state is S.EXPIRED
    assert order.reason == "not at the exchange within 0:15:00 of the decision"
    assert at.exchange.standing == []


def test_a_command_that_lay_in_its_queue_for_too_long_is_not_sent() -> None:
    """A database that was away over night, or a dead letter replayed: the market of the decision is gone."""
    at = desk()
    at.clock.advance(timedelta(minutes=16))
    at.place(approved())
    assert at.tx.states(approved().id) == [S.INTENDED, S.EXPIRED]
    assert at.exchange.calls == []


def test_a_fill_of_an_order_that_was_given_up_is_booked_and_cries_out(caplog: pytest.LogCaptureFixture) -> None:
    at, other = desk(*["lost"] * 9), desk()
    execute(at)
    at.clock.advance(timedelta(minutes=16))
    execute(at)
    assert at.tx.order(approved().id).state is S.EXPIRED
    execute(other)
    fill = other.exchange.standing[0].fills[0]
    with caplog.at_level("ERROR"):
        at.agent.apply(reported(S.FILLED, "1", fill, CLIENT_ID))
    assert books(at) == other.exchange.balances()
    assert "expired: 1 of 1 are filled" in caplog.text
    caplog.clear()
    at.agent.apply(reported(S.FILLED, "1", None, CLIENT_ID))
    assert caplog.text == ""


def test_two_workers_on_one_order_send_it_once() -> None:
    at = desk()
    at.exchange.meanwhile = [lambda: at.place(approved())]
    with pytest.raises(Retry, match="elsewhere"):
        at.place(approved())
    assert at.exchange.calls.count("place") == 1
    assert at.tx.order(approved().id).state is S.FILLED


def test_a_report_that_overtakes_the_answer_loses_nothing() -> None:
    at = desk("", "mute", "lost")
    execute(at)
    (fill,) = at.exchange.standing[0].fills
    at.agent.apply(reported(S.FILLED, "1", fill, CLIENT_ID))
    assert at.tx.order(approved().id).state is S.FILLED
    keep_at_it(at)
    assert len(at.tx.of(FillRecorded)) == 1
    assert books(at) == at.exchange.balances()


def test_a_canceled_order_ends_only_when_its_last_fill_is_booked() -> None:
    at = desk()
    event = approved(order_type=OrderType.LIMIT, limit_price="99")
    at.place(event)
    fill = at.exchange.fill(at.exchange.standing[0], "0.4")
    at.agent.apply(reported(S.CANCELED, "0.4", None, CLIENT_ID))
    assert at.tx.order(event.id).state is S.ACCEPTED
    at.agent.apply(reported(S.PARTIALLY_FILLED, "0.4", fill, CLIENT_ID))
    assert at.tx.order(event.id).state is S.CANCELED
    assert at.tx.order(event.id).filled == Decimal("0.4")


def test_fills_of_somebody_else_in_the_account_are_booked_too() -> None:
    at = desk()
    execute(at, approved(7))
    (fill,) = at.exchange.standing[0].fills
    elsewhere = desk()
    elsewhere.agent.apply(reported(S.FILLED, "1", fill, "someone"))
    assert books(elsewhere) == at.exchange.balances()
    (recorded,) = elsewhere.tx.of(FillRecorded)
    assert recorded.order_id is None
    assert elsewhere.tx.orders == {}


def test_a_fill_told_without_our_id_finds_its_order_in_the_end() -> None:
    at = desk("", "mute", "lost")
    execute(at)
    (fill,) = at.exchange.standing[0].fills
    at.agent.apply(reported(S.FILLED, "1", fill, None))  # and their id is not known yet either
    assert at.tx.of(FillRecorded)[0].order_id is None
    keep_at_it(at)
    assert at.tx.order(approved().id).state is S.FILLED
    assert books(at) == at.exchange.balances()


def test_an_order_of_another_symbol_with_the_same_number_is_another_order() -> None:
    """Venues number the orders of each symbol by themselves."""
    at = desk()
    own = approved(order_type=OrderType.LIMIT, limit_price="99")
    at.place(own)
    assert at.tx.order(own.id).exchange_order_id == "e1"
    event = reported(S.FILLED, "1", at.exchange.fill(at.exchange.standing[0], "1"), "someone", "e1")
    at.agent.apply(event.model_copy(update={"data": event.data.model_copy(update={"symbol": "ETH/USDT"})}))
    (recorded,) = at.tx.of(FillRecorded)
    assert (recorded.symbol, recorded.order_id) == ("ETH/USDT", None)
    assert at.tx.order(own.id).state is S.ACCEPTED


def test_a_report_before_the_books_are_open_comes_back_later() -> None:
    at = desk(opened_at=None)
    other = desk()
    execute(other)
    event = reported(S.FILLED, "1", other.exchange.standing[0].fills[0], "someone")
    with pytest.raises(Retry, match="not opened"):
        at.agent.apply(event)
    at.tx.add_account("binance", "main", event.time - timedelta(hours=1), "simulated")
    at.agent.apply(event)
    assert len(at.tx.recorded) == 1


def test_a_trade_without_its_fee_is_refused_and_not_guessed() -> None:
    at = desk()
    other = desk()
    execute(other)
    event = reported(S.FILLED, "1", other.exchange.standing[0].fills[0], "someone")
    broken = event.model_copy(update={"data": event.data.model_copy(update={"fee": None})})
    with pytest.raises(InvalidInput, match="fee"):
        at.agent.apply(broken)


def test_the_keeper_carries_on_with_what_was_left_behind() -> None:
    at = desk("lost", "", "lost")
    execute(at, approved(1))  # never sent
    execute(at, approved(2))  # sent, lost
    event = approved(3, order_type=OrderType.LIMIT, limit_price="99")
    execute(at, event)  # stands; its fill's report is lost
    at.exchange.mishaps = []
    at.exchange.fill(at.exchange.standing[0], "1")
    assert at.agent.resolve_open() == 0  # just touched
    at.clock.advance(timedelta(seconds=31))
    assert at.agent.resolve_open() == 3
    assert [at.tx.order(approved(n).id).state for n in (1, 2, 3)] == [S.FILLED] * 3
    assert books(at) == at.exchange.balances()
    at.clock.advance(timedelta(seconds=31))
    assert at.agent.resolve_open() == 0


def test_one_order_that_can_not_be_resolved_does_not_hold_the_others_back() -> None:
    at = desk()
    for number in (1, 2):
        execute(at, approved(number, order_type=OrderType.LIMIT, limit_price="99"))
        at.exchange.fill(at.exchange.standing[-1], "1")
    at.clock.advance(timedelta(seconds=31))
    at.exchange.mishaps = ["lost"]
    assert at.agent.resolve_open() == 2
    assert {at.tx.order(approved(n).id).state for n in (1, 2)} == {S.ACCEPTED, S.FILLED}


def test_an_order_that_breaks_the_keeper_does_not_hold_the_others_back(monkeypatch: pytest.MonkeyPatch) -> None:
    at = desk()
    for number in (1, 2):
        execute(at, approved(number, order_type=OrderType.LIMIT, limit_price="99"))
        at.exchange.fill(at.exchange.standing[-1], "1")
    find = at.exchange.find

    def answer_of_an_unknown_kind(client_id: str, symbol: str, exchange_order_id: str | None = None) -> Evidence | None:
        if client_id == CLIENT_ID:
            raise KeyError("PENDING_NEW")
        return find(client_id, symbol)

    monkeypatch.setattr(at.exchange, "find", answer_of_an_unknown_kind)
    at.clock.advance(timedelta(seconds=31))
    with pytest.raises(KeyError, match="PENDING_NEW"):
        at.agent.resolve_open()
    assert [at.tx.order(approved(n).id).state for n in (1, 2)] == [S.ACCEPTED, S.FILLED]


def test_orders_that_stand_still_do_not_hide_the_others_from_the_keeper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("volexswarm.execution.agent._ROUND", 1)
    at = desk()
    for number in (1, 2):
        execute(at, approved(number, order_type=OrderType.LIMIT, limit_price="99"))
    at.exchange.fill(at.exchange.standing[1], "1")
    at.clock.advance(timedelta(seconds=31))
    at.agent.resolve_open()
    at.agent.resolve_open()
    assert at.tx.order(approved(2).id).state is S.FILLED


def test_orders_that_the_exchange_is_slow_to_answer_for_have_their_turn_one_after_the_other() -> None:
    at, asked = desk(), list[str]()
    for number in (1, 2, 3):
        execute(at, approved(number, order_type=OrderType.LIMIT, limit_price="99"))

    def slow(name: str, *_: object) -> None:
        asked.append(name)
        at.clock.advance(timedelta(seconds=30))
        raise Unavailable("exchange", "RequestTimeout")

    at.exchange.find = slow  # type: ignore[method-assign,assignment]
    for _ in range(3):
        at.clock.advance(timedelta(minutes=1))
        at.agent.resolve_open()
    assert len(set(asked)) == len(asked) == 3


MISHAPS = st.lists(st.sampled_from(["", "lost", "mute", "late", "killed"]), max_size=10)


@settings(deadline=None)
@given(st.data(), st.lists(MISHAPS, min_size=1, max_size=3), st.integers(1, 3))
def test_whatever_is_lost_repeated_or_late_the_books_equal_the_exchange(
    data: st.DataObject, mishaps: list[list[str]], parts: int
) -> None:
    """Several orders, every call of the exchange may go wrong; then all reports arrive, any number of times in any order."""
    at = desk(parts=parts)
    events = [
        approved(number, data.draw(st.sampled_from(Side)), amount=data.draw(st.sampled_from(["0.6", "3"])))
        for number in range(len(mishaps))
    ]
    for event, wrong in zip(events, mishaps, strict=True):
        at.exchange.mishaps = list(wrong)
        keep_at_it(at, event, 30)
    reports = [
        reported(order.state, str(order.filled), fill, order.request.client_order_id, order.id)
        for order in at.exchange.standing
        for fill in order.fills
    ]
    for report in data.draw(st.permutations(reports + reports)):
        at.agent.apply(report)
    assert len(at.exchange.standing) == len(events)
    assert {at.tx.order(event.id).state for event in events} == {S.FILLED}
    assert books(at) == {currency: amount for currency, amount in at.exchange.balances().items() if amount}


@settings(deadline=None)
@given(st.data())
def test_any_order_of_reports_ends_in_the_same_order_and_books(data: st.DataObject) -> None:
    at = desk()
    event = approved(order_type=OrderType.LIMIT, limit_price="100")
    at.place(event)
    standing = at.exchange.standing[0]
    parts = [
        at.exchange.fill(standing, amount, price) for amount, price in (("0.2", "99"), ("0.3", "98"), ("0.1", "97"))
    ]
    done = Decimal(0)
    reports = [reported(S.ACCEPTED, "0", None, CLIENT_ID), reported(S.CANCELED, "0.6", None, CLIENT_ID)]
    for part in parts:
        done += part.amount
        reports.append(reported(S.PARTIALLY_FILLED, str(done), part, CLIENT_ID))
    for report in data.draw(st.permutations(reports + reports)):
        at.agent.apply(report)
    order = at.tx.order(event.id)
    assert (order.state, order.filled, order.cost) == (S.CANCELED, Decimal("0.6"), Decimal("58.9"))
    assert books(at) == at.exchange.balances()
    assert sum(1 for change in at.tx.of(OrderChanged) if change.after.is_final) == 1
