"""The pure rules: names of orders, states, rounding."""

import itertools
import uuid
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.execution import FakeExecutionTransaction
from tests.unit.execution.orders import approved, desk
from volexswarm.errors import Rejected, Stop
from volexswarm.execution import states
from volexswarm.execution.identity import client_order_id
from volexswarm.execution.model import MarketRules, Order
from volexswarm.execution.record import Record
from volexswarm.execution.rounding import fit
from volexswarm.messages import OrderState, OrderType, Side
from volexswarm.portfolio.bookkeeping import Bookkeeper

S = OrderState
RULES = MarketRules(Decimal("0.01"), Decimal("0.5"), Decimal("0.1"), Decimal(100), Decimal(10))


@given(st.uuids())
def test_a_client_order_id_is_short_plain_and_always_the_same(proposal: uuid.UUID) -> None:
    name = client_order_id(str(proposal))
    assert name.isascii()
    assert name.isalnum()
    assert name[0].isalpha()
    assert len(name) <= 18
    assert name == client_order_id(str(proposal))


def test_different_proposals_have_different_client_order_ids() -> None:
    assert len({client_order_id(str(uuid.UUID(int=n))) for n in range(2000)}) == 2000


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, S.SUBMITTED),  # nothing is sent that was not intended
        (S.INTENDED, S.UNKNOWN),  # only what was sent can be unknown
        (S.ACCEPTED, S.SUBMITTED),  # what stands is not sent again
        (S.PARTIALLY_FILLED, S.REJECTED),
        (S.PARTIALLY_FILLED, S.ACCEPTED),
        *itertools.product([S.FILLED, S.CANCELED, S.REJECTED, S.EXPIRED], S),  # what is final stays
    ],
)
def test_illegal_transitions_stop(before: OrderState | None, after: OrderState) -> None:
    with pytest.raises(Stop):
        states.check(before, after)


def test_every_state_that_is_not_final_has_a_way_on_and_every_state_can_be_reached() -> None:
    assert set(states.TRANSITIONS) == {None, *S}
    assert all(
        bool(ways) is not (before is not None and before.is_final) for before, ways in states.TRANSITIONS.items()
    )
    assert set().union(*states.TRANSITIONS.values()) == set(S)


@pytest.mark.parametrize(
    ("current", "booked", "reported", "reported_filled", "after"),
    [
        (S.SUBMITTED, "0", S.ACCEPTED, "0", S.ACCEPTED),
        (S.UNKNOWN, "0.4", S.PARTIALLY_FILLED, "0.4", S.PARTIALLY_FILLED),
        (S.ACCEPTED, "1", S.PARTIALLY_FILLED, "0.4", S.FILLED),  # the fills know more than the report
        (S.ACCEPTED, "0", S.FILLED, "1", S.ACCEPTED),  # filled, says the exchange, but its fills are not booked yet
        (S.PARTIALLY_FILLED, "0.4", S.CANCELED, "0.6", S.PARTIALLY_FILLED),  # canceled with a fill still to come
        (S.PARTIALLY_FILLED, "0.6", S.CANCELED, "0.6", S.CANCELED),
        (S.ACCEPTED, "0", S.EXPIRED, "0", S.EXPIRED),
        (S.FILLED, "1", S.PARTIALLY_FILLED, "0.4", S.FILLED),  # late
        (S.CANCELED, "0.6", S.ACCEPTED, "0", S.CANCELED),  # late
    ],
)
def test_settle(
    current: OrderState, booked: str, reported: OrderState, reported_filled: str, after: OrderState
) -> None:
    assert states.settle(current, Decimal(1), Decimal(booked), reported, Decimal(reported_filled)) is after


@given(
    st.permutations([(S.ACCEPTED, "0"), (S.PARTIALLY_FILLED, "0.2"), (S.PARTIALLY_FILLED, "0.6"), (S.CANCELED, "0.6")])
)
def test_the_furthest_word_does_not_depend_on_the_order_of_hearing(words: list[tuple[OrderState, str]]) -> None:
    known: tuple[OrderState | None, Decimal] = (None, Decimal(0))
    for state, filled in words:
        known = states.furthest(*known, state, Decimal(filled))
    assert known == (S.CANCELED, Decimal("0.6"))


_AMOUNTS = st.decimals(0, 2, places=1)  # of an order of 1: also words that tell of more than there was


@given(
    st.lists(st.tuples(st.sampled_from(S), _AMOUNTS)),
    st.lists(st.tuples(st.sampled_from([s for s in S if not s.is_final]), _AMOUNTS)),
    st.sampled_from([S.CANCELED, S.EXPIRED]),
    _AMOUNTS,
)
def test_no_words_before_or_after_let_an_order_wait_for_more_than_the_exchanges_final_word_says(
    before: list[tuple[S, Decimal]], after: list[tuple[S, Decimal]], final: S, filled: Decimal
) -> None:
    known: tuple[S | None, Decimal] = (None, Decimal(0))
    for state, told in (*before, (final, filled), *after):
        known = states.furthest(*known, state, told)
    reported, waited_for = known
    assert reported is not None
    assert waited_for == filled
    assert states.settle(S.ACCEPTED, Decimal(1), filled, reported, waited_for).is_final


def order(side: Side, amount: str, limit_price: str | None) -> Order:
    at = desk()
    kind = OrderType.LIMIT if limit_price else OrderType.MARKET
    event = approved(side=side, amount=amount, order_type=kind, limit_price=limit_price)
    at.confirm(event.data)
    record: Record[FakeExecutionTransaction] = Record(Bookkeeper(at.clock), at.clock)
    return record.intend(at.tx, event)


@pytest.mark.parametrize(
    ("side", "amount", "price", "sent"),
    [
        (Side.BUY, "1.239", None, ("1.23", None)),
        (Side.BUY, "1.239", "99.9", ("1.23", "99.5")),  # never dearer than approved
        (Side.SELL, "1.239", "99.9", ("1.23", "100.0")),  # never cheaper than approved
    ],
)
def test_amounts_and_prices_are_fitted_to_the_venue(
    side: Side, amount: str, price: str | None, sent: tuple[str, str | None]
) -> None:
    fitted = fit(order(side, amount, price), RULES)
    assert fitted == (Decimal(sent[0]), None if sent[1] is None else Decimal(sent[1]), None)


@pytest.mark.parametrize(
    ("side", "trigger"),
    [(Side.BUY, "99.5"), (Side.SELL, "100.0")],  # a stop is reached no later, a take-profit is no worse
)
def test_triggers_are_fitted_to_the_venue(side: Side, trigger: str) -> None:
    waiting = replace(order(side, "1", None), order_type=OrderType.STOP_LOSS, trigger_price=Decimal("99.9"))
    assert fit(waiting, RULES).trigger_price == Decimal(trigger)


def test_a_trigger_below_the_venues_step_is_rejected() -> None:
    waiting = replace(order(Side.BUY, "1", None), order_type=OrderType.TAKE_PROFIT, trigger_price=Decimal("0.4"))
    with pytest.raises(Rejected, match=r"trigger price 0\.4 is below the venue's step"):
        fit(waiting, RULES)


@pytest.mark.parametrize(
    ("amount", "price", "reason"),
    [
        ("0.009", None, "amount 0.009 is below the venue's minimum 0.1"),
        ("0.05", None, "amount 0.05 is below the venue's minimum 0.1"),
        ("101", None, "above the venue's maximum 100"),
        ("0.1", "50", "value 5 is below the venue's minimum 10"),
        ("1", "0.4", "limit price 0.4 is below the venue's step"),
    ],
)
def test_what_the_venue_would_not_take_is_rejected_with_the_reason(amount: str, price: str | None, reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        fit(order(Side.BUY, amount, price), RULES)
