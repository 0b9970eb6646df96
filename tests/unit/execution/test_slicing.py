"""Large orders in slices: each made once, none at a worse price, never more than was approved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.execution import FakeExchange
from tests.unit.execution.orders import Desk, approved, desk
from volexswarm.errors import InvalidInput, Retry, Unavailable
from volexswarm.execution import profiles
from volexswarm.execution.slicing import Slicer
from volexswarm.execution.slippage import slippage
from volexswarm.messages import CancelOrder, Event, OrderApproved, OrderState, OrderType, PlaceSlice, Purpose, Side

S = OrderState


@dataclass
class Market:
    """A fake exchange that gives each slice a share of what it wants, calls the rest so, and whose clock the test sets."""

    at: Desk
    share: Decimal = Decimal(1)
    rest: OrderState = OrderState.EXPIRED

    def __post_init__(self) -> None:
        exchange = self.at.exchange
        accept = exchange._accept

        def take(request: Any) -> Any:
            standing = accept(request)
            amount = (request.amount * self.share).quantize(Decimal("0.001"), ROUND_DOWN)
            if request.order_type is OrderType.LIMIT:
                if amount:
                    exchange.fill(standing, str(amount), "100")
                if standing.state is not S.FILLED:
                    standing.state = self.rest
            return standing

        exchange._accept = take  # type: ignore[method-assign]


def large(amount: str = "10") -> tuple[Market, Event[OrderApproved]]:
    """An order of 1,000 where 2,000 are traded in a minute: half of it, so five slices of a tenth each."""
    at = desk()
    event = approved(amount=amount)
    at.tx.traded = Decimal(2000)
    at.tx.commands[event.data.proposal_id] = event
    return Market(at), event


def slicer(at: Desk) -> Slicer:
    return at.agent._slicer


def steps(at: Desk) -> list[Event[PlaceSlice]]:
    return [event for event in at.tx.published if isinstance(event.data, PlaceSlice)]


def work(market: Market, exchange: FakeExchange | None = None) -> None:
    """Deliver every step when it is due, until none is left."""
    at, done = market.at, 0
    while done < len(steps(at)):
        step = steps(at)[done]
        at.exchange.trades += max(0, int((step.data.due_at - at.exchange.market_time()).total_seconds()))
        slicer(at).place(step)
        done += 1


def slices(at: Desk) -> list[Any]:
    return [order for order in at.tx.orders.values() if order.purpose is Purpose.SLICE]


def test_a_large_order_goes_out_in_equal_slices_at_no_worse_price() -> None:
    market, event = large()
    market.at.place(event)
    work(market)
    made = slices(market.at)
    assert [order.amount for order in made] == [Decimal(2)] * 5
    assert {(o.state, o.limit_price, o.time_in_force.value) for o in made} == {(S.FILLED, Decimal("101.00"), "ioc")}
    assert market.at.tx.plans[event.data.proposal_id].state == "done"
    assert len({order.client_order_id for order in made}) == 5


def test_a_small_order_goes_out_whole() -> None:
    market, event = large("0.1")
    market.at.place(event)
    assert (slices(market.at), steps(market.at)) == ([], [])
    assert market.at.tx.order(event.id).state is S.FILLED


def test_where_nothing_is_known_of_the_market_the_order_goes_out_as_it_was_approved() -> None:
    market, event = large()
    market.at.tx.traded = None
    market.at.place(event)
    assert market.at.tx.order(event.id).order_type is OrderType.MARKET


@pytest.mark.parametrize("rest", [S.EXPIRED, S.CANCELED])  # binance says expired, most others canceled
def test_what_a_slice_did_not_get_is_spread_over_the_others_and_the_rest_is_told(rest: OrderState) -> None:
    market, event = large()
    market.share, market.rest = Decimal("0.5"), rest
    market.at.place(event)
    work(market)
    made = slices(market.at)
    assert [order.filled for order in made] == [Decimal(v) for v in ("1", "1.125", "1.312", "1.640", "2.461")]
    plan = market.at.tx.plans[event.data.proposal_id]
    assert plan.state == "done"
    assert plan.reason == "2.462 not executed: no better than 101.000 to be had"


def test_every_step_delivered_twice_makes_no_slice_twice() -> None:
    market, event = large()
    for _ in range(2):
        market.at.place(event)
    work(market)
    for step in steps(market.at):
        slicer(market.at).place(step)
    assert len(slices(market.at)) == 5
    assert sum(order.filled for order in slices(market.at)) == Decimal(10)


def test_a_slice_waits_for_its_time_and_for_the_end_of_the_one_before() -> None:
    market, event = large()
    at = market.at
    at.place(event)
    slicer(at).place(steps(at)[0])
    with pytest.raises(Retry, match="is due at"):
        slicer(at).place(steps(at)[1])
    first = slices(at)[0]
    at.tx.orders[first.id] = replace(first, state=S.UNKNOWN, sent_at=at.clock.now())
    at.exchange.standing.clear()
    at.exchange.trades = 1000
    with pytest.raises(Retry, match="may still arrive"):
        slicer(at).place(steps(at)[1])
    assert len(slices(at)) == 1


def test_an_order_is_not_cut_into_slices_that_the_venue_would_not_take() -> None:
    market, event = large("0.16")  # 16 of a market of 16 a minute: 10 slices, but for the venue's least value of 5
    market.at.tx.traded = Decimal(16)
    market.at.place(event)
    assert market.at.tx.order(event.id).state is S.FILLED
    way = profiles.way(Side.BUY, Decimal(100), Decimal(100), None, Decimal(100), Decimal(30))
    assert way.slices == 3


def test_after_an_outage_the_slices_go_on_at_their_pace() -> None:
    market, event = large()
    at = market.at
    at.place(event)
    slicer(at).place(steps(at)[0])
    at.exchange.trades += 3600
    slicer(at).place(steps(at)[1])
    resumed = at.exchange.market_time()
    assert timedelta(0) < steps(at)[2].data.due_at - resumed <= timedelta(minutes=1)
    with pytest.raises(Retry, match="is due at"):
        slicer(at).place(steps(at)[2])


def test_a_command_that_comes_too_late_is_no_plan_and_expires_as_every_order_does() -> None:
    market, event = large()
    market.at.clock.advance(timedelta(minutes=15, seconds=1))
    market.at.place(event)
    order = market.at.tx.order(event.id)
    assert (market.at.tx.plans, steps(market.at)) == ({}, [])
    assert (order.state, order.reason) == (S.EXPIRED, "not at the exchange within 0:15:00 of the decision")


def test_a_command_that_became_a_plan_in_time_is_not_sent_whole_when_it_comes_again() -> None:
    market, event = large()
    market.at.place(event)
    market.at.clock.advance(timedelta(hours=1))
    market.at.place(event)
    assert event.id not in market.at.tx.orders


@pytest.mark.parametrize(("minutes", "made"), [(20, 2), (21, 1)])
def test_a_plan_that_was_held_up_for_too_long_is_stopped(minutes: int, made: int) -> None:
    market, event = large()
    at = market.at
    at.place(event)
    slicer(at).place(steps(at)[0])
    at.clock.advance(timedelta(minutes=minutes))
    at.exchange.trades += 60
    slicer(at).place(steps(at)[1])
    plan = at.tx.plans[event.data.proposal_id]
    assert len(slices(at)) == made
    if made == 1:
        assert (plan.state, plan.reason) == (
            "stopped",
            "8.000 not executed: it was to take 0:05:00, and was held up for too long",
        )


def test_a_halt_ends_the_plan() -> None:
    market, event = large()
    at = market.at
    at.place(event)
    at.tx.state = replace(at.tx.state, halt="halted by ann: enough")
    work(market)
    assert [order.state for order in slices(at)] == [S.CANCELED]
    assert at.tx.plans[event.data.proposal_id].state == "stopped"
    assert at.exchange.standing == []


def test_a_plan_does_not_go_on_after_a_halt_that_it_outlived() -> None:
    market, event = large()
    at = market.at
    at.place(event)
    at.clock.advance(timedelta(minutes=1))
    at.tx.state = replace(at.tx.state, since=at.clock.now())  # halted and resumed while no slice was made
    at.clock.advance(timedelta(minutes=1))
    work(market)
    assert ([order.state for order in slices(at)], at.exchange.standing) == ([S.CANCELED], [])
    assert "decided at 2026-01-05 12:00:00 UTC" in str(at.tx.plans[event.data.proposal_id].reason)


def test_canceling_a_slice_ends_the_plan() -> None:
    market, event = large()
    at = market.at
    at.place(event)
    slicer(at).place(steps(at)[0])
    cancel(at, event, order_id=slices(at)[0].id)
    work(market)
    assert len(slices(at)) == 1
    assert at.tx.plans[event.data.proposal_id].reason == "canceled by ann: enough"


@pytest.mark.parametrize("made", [0, 1, 2])
def test_a_large_order_is_canceled_by_its_proposal(made: int) -> None:
    market, event = large()
    at = market.at
    at.place(event)
    for number in range(made):
        minutes_later(market, number)
        slicer(at).place(steps(at)[number])
    cancel(at, event, proposal_id=event.data.proposal_id)
    work(market)
    assert len(slices(at)) == made
    assert at.tx.plans[event.data.proposal_id].reason == "canceled by ann: enough"


def test_a_slice_that_is_not_sent_yet_is_canceled_with_its_large_order() -> None:
    market, event = large()
    at = market.at
    at.place(event)
    at.secrets.sealed = True
    with pytest.raises(Retry):
        slicer(at).place(steps(at)[0])
    cancel(at, event, proposal_id=event.data.proposal_id)
    at.secrets.sealed = False
    work(market)
    assert ([order.state for order in slices(at)], at.exchange.standing) == ([S.CANCELED], [])


def cancel(at: Desk, event: Event[OrderApproved], **named: str) -> None:
    about = {"venue": "binance", "symbol": "BTC/USDT", "account": "main"}
    command = CancelOrder(**about, **named, requested_by="ann", reason="enough")
    at.agent.cancel(Event.caused_by(event, command, source="api", subject=command.of, time=at.clock.now()))


def test_a_slice_that_somebody_withdrew_ends_the_plan_with_their_reason() -> None:
    market, event = large()
    market.share, market.rest = Decimal("0.5"), S.ACCEPTED
    at = market.at
    at.place(event)
    slicer(at).place(steps(at)[0])
    at.agent._orders("main").cancel(slices(at)[0].id, "the position is being left")
    work(market)
    assert [order.reported_state for order in slices(at)] == [S.CANCELED]
    plan = at.tx.plans[event.data.proposal_id]
    assert (plan.state, plan.reason) == ("stopped", "slice 1 canceled: the position is being left")


def test_a_slice_that_a_person_gave_up_for_lost_ends_the_plan() -> None:
    market, event = large()
    at = market.at
    at.place(event)
    slicer(at).place(steps(at)[0])
    lost = replace(slices(at)[0], state=S.CANCELED, filled=Decimal(0), reported_state=None, reason="accepted by ann")
    at.tx.orders[lost.id] = lost
    work(market)
    assert len(slices(at)) == 1
    assert at.tx.plans[event.data.proposal_id].reason == "slice 1 canceled: accepted by ann"


def test_a_large_order_that_nobody_approved_is_not_worked() -> None:
    market, event = large()
    with pytest.raises(InvalidInput, match="not in our records"):
        market.at.agent.execute(event)
    assert market.at.tx.plans == {}


@pytest.mark.parametrize(
    ("value", "volatility", "name", "count"),
    [
        ("100", None, "default", 1),
        ("100", 0.001, "aggressive", 1),
        ("100", 0.03, "conservative", 2),
        ("500", 0.001, "default", 5),
        ("1500", 0.001, "conservative", 30),
        ("100000", None, "conservative", 60),
    ],
)
def test_the_profile_follows_volatility_liquidity_and_size(
    value: str, volatility: float | None, name: str, count: int
) -> None:
    way = profiles.way(Side.BUY, Decimal(value), Decimal(100), volatility, Decimal(1000))
    assert (way.profile.name, way.slices) == (name, count)


@given(
    value=st.decimals("0.01", "1000000", places=2),
    traded=st.decimals("0.01", "1000000", places=2),
    side=st.sampled_from(Side),
    volatility=st.none() | st.floats(0, 1),
)
def test_the_worst_price_is_near_the_decision_on_the_side_that_costs(
    value: Decimal, traded: Decimal, side: Side, volatility: float | None
) -> None:
    way = profiles.way(side, value, Decimal(100), volatility, traded)
    assert 1 <= way.slices <= 60
    lost = slippage(side, way.worst_price, Decimal(100))
    assert lost == way.profile.tolerance
    assert slippage(side, Decimal(100), Decimal(100)) == 0


@pytest.mark.parametrize(("refusals", "state", "executed"), [(1, "done", "10"), (2, "stopped", "0")])
def test_a_slice_that_is_refused_has_another_turn_a_second_refusal_ends_the_plan(
    refusals: int, state: str, executed: str
) -> None:
    market, event = large()
    at = market.at
    at.place(event)
    at.exchange.mishaps = ["", "refused"] * refusals  # each slice asks for the rules first
    work(market)
    assert at.tx.plans[event.data.proposal_id].state == state
    assert sum(order.filled for order in slices(at)) == Decimal(executed)


def minutes_later(market: Market, minutes: int) -> None:
    market.at.clock.advance(timedelta(minutes=minutes))
    market.at.exchange.trades += 60 * minutes


def test_a_step_that_was_buried_is_commanded_again_and_the_plan_comes_to_its_end() -> None:
    market, event = large()
    at = market.at
    at.place(event)
    slicer(at).place(steps(at)[0])
    minutes_later(market, 3)
    slicer(at).look_after()
    assert len(steps(at)) == 2  # it may be on its way
    minutes_later(market, 3)
    slicer(at).look_after()
    slicer(at).look_after()
    buried, again = steps(at)[1:]
    assert (again.data, again.correlationid) == (buried.data, buried.correlationid)
    assert again.id != buried.id
    work(market)
    slicer(at).place(buried)
    assert [order.sequence for order in slices(at)] == [0, 1, 2, 3, 4]
    assert at.tx.plans[event.data.proposal_id].state == "done"


def test_a_plan_whose_step_comes_to_nothing_again_and_again_is_stopped() -> None:
    market, event = large()
    at = market.at
    at.place(event)
    for _ in range(120):
        minutes_later(market, 1)
        slicer(at).look_after()
    assert len(steps(at)) == 5
    plan = at.tx.plans[event.data.proposal_id]
    assert plan.state == "stopped"
    assert plan.reason == "slice 1 of 5 was not placed by 5 commands: see the dead letters of orders.fifo"


def silent() -> NoReturn:
    raise Unavailable("exchange", "RequestTimeout")


@pytest.mark.parametrize("why", ["silent", "not due", "not ended"])
def test_a_step_that_can_not_be_placed_yet_is_not_commanded_again(why: str) -> None:
    market, event = large()
    at = market.at
    at.place(event)
    slicer(at).place(steps(at)[0])
    at.clock.advance(timedelta(hours=1))
    if why == "silent":
        at.exchange.market_time = silent  # type: ignore[method-assign]
        with pytest.raises(Retry):
            slicer(at).look_after()
    else:
        first = slices(at)[0]
        if why == "not ended":
            at.exchange.trades += 3600
            at.tx.orders[first.id] = replace(first, state=S.UNKNOWN)
        slicer(at).look_after()
    assert len(steps(at)) == 2
