"""A purchase in slices ends when what it has bought is left or sold: nothing is bought behind a way out."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.unit.execution.guarded import GuardedDesk, protection
from tests.unit.execution.orders import approved
from volexswarm.execution.model import Order, OrderPlan, Proposal
from volexswarm.messages import Event, PlaceSlice, Protection, Purpose, Side

WANTED = protection(stop="95")


class Purchase:
    """Ten, bought in five slices."""

    def __init__(self, wanted: Protection = WANTED) -> None:
        self.at = GuardedDesk()
        tx, event = self.at.tx, approved(amount="10")
        trade = event.data
        tx.traded, tx.commands[trade.proposal_id], tx.wanted[trade.proposal_id] = Decimal(2000), event, wanted
        tx.proposals[trade.proposal_id] = Proposal(
            state="approved",
            **{name: getattr(trade, name) for name in (field.name for field in fields(Proposal)) if name != "state"},
        )
        self.id = trade.proposal_id
        assert self.at.slicer.take(event)

    @property
    def plan(self) -> OrderPlan:
        return self.at.tx.plans[self.id]

    @property
    def slices(self) -> list[Order]:
        return list(self.at.tx.slices(self.id).values())

    def step(self) -> None:
        """The next slice is due; whatever follows from it is done."""
        steps: list[Event[PlaceSlice]] = [e for e in self.at.tx.published if isinstance(e.data, PlaceSlice)]
        newest = steps[-1]
        late = int((newest.data.due_at - self.at.exchange.market_time()).total_seconds())
        self.at.exchange.trades += max(0, late)
        self.at.clock.advance(timedelta(minutes=1))
        self.at.slicer.place(newest)
        self.at.deliver()
        self.at.keep()


def test_below_its_stop_a_purchase_goes_on_buying_no_more() -> None:
    purchase = Purchase()
    purchase.step()
    purchase.at.trade_at("94")
    for _ in range(4):
        purchase.step()
    assert len(purchase.slices) == 1
    assert (purchase.plan.state, purchase.plan.reason) == ("stopped", "what it has bought is left by its stop")
    assert purchase.at.held == 0


@pytest.mark.parametrize(
    ("wanted", "prices", "way"),
    [
        (protection(target="110"), ["111"], Purpose.TAKE_PROFIT),
        (protection(trail="0.05"), ["100.5", "95"], Purpose.TRAILING_STOP),
    ],
)
def test_every_way_out_ends_the_purchase(wanted: Protection, prices: list[str], way: Purpose) -> None:
    purchase = Purchase(wanted)
    purchase.step()
    purchase.at.trade_at(*prices)
    purchase.step()
    assert len(purchase.slices) == 1
    assert purchase.plan.reason == f"what it has bought is left by its {way.in_words}"


def test_a_stop_that_has_sold_a_part_ends_the_purchase() -> None:
    purchase = Purchase()
    purchase.step()
    stop = next(order for order in purchase.at.exchange.standing if order.request.side is Side.SELL)
    purchase.at.exchange.fill(stop, "0.5", "95")
    purchase.at.hear()
    purchase.step()
    assert (len(purchase.slices), purchase.plan.state) == (1, "stopped")


def test_while_its_stop_only_waits_a_purchase_is_worked_to_its_end() -> None:
    purchase = Purchase()
    for _ in range(6):
        purchase.step()
    assert (len(purchase.slices), purchase.plan.state, purchase.plan.reason) == (5, "done", "executed")


def test_a_later_sale_of_the_same_strategy_ends_the_purchase() -> None:
    purchase = Purchase()
    purchase.step()
    purchase.at.tx.sold_again[purchase.id] = "another"
    purchase.step()
    assert len(purchase.slices) == 1
    assert (purchase.plan.state, purchase.plan.reason) == ("stopped", "its strategy sells again: proposal another")


def test_what_was_bought_whole_before_it_is_left_was_executed() -> None:
    purchase = Purchase()
    for _ in range(5):
        purchase.step()
    purchase.at.trade_at("94")
    purchase.step()
    assert (purchase.plan.state, purchase.plan.reason) == ("done", "executed")
