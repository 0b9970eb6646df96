"""Whatever happens in whatever order: no way out sells more than its entry bought, and in the end every position is left."""

from __future__ import annotations

import random
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.unit.execution.guarded import GuardedDesk, protection
from volexswarm.execution.protection import State
from volexswarm.messages import OrderState, OrderType, PriceReached, Protection, ReviewProtections

STEP = Decimal("0.001")
DUST = Decimal("0.06")  # worth less than the venue takes at the lowest stop

WANTED = st.builds(
    protection,
    stop=st.sampled_from(["90", "95", "97"]),
    target=st.sampled_from([None, "105", "110"]),
    trail=st.sampled_from([None, "0.03", "0.1"]),
    hold=st.sampled_from([None, 3620]),
)
AMOUNTS = st.sampled_from(["0.1", "0.5", "1"])
MISHAPS = st.lists(st.sampled_from(["", "", "lost", "mute", "late", "killed", "refused"]), max_size=6)


class Interleavings(RuleBasedStateMachine):
    """Coins that were there before let a mistake sell too much: the exchange itself would not refuse it."""

    def __init__(self) -> None:
        super().__init__()
        self.at = GuardedDesk()
        self.at.move_coins("10")
        self.number = 0
        self.entries: list[str] = []

    @precondition(lambda self: len(self.entries) < 3)
    @rule(amount=AMOUNTS, wanted=WANTED, limit=st.sampled_from([None, "99"]))
    def buy(self, amount: str, wanted: Protection, limit: str | None) -> None:
        self.number += 1
        self.entries.append(self.at.buy(self.number, amount, wanted, limit))

    @rule(amount=AMOUNTS, limit=st.sampled_from([None, "104"]))
    def sell(self, amount: str, limit: str | None) -> None:
        self.number += 1
        self.at.sell(self.number, amount, limit)

    @rule(price=st.sampled_from(["89", "94", "96", "98.5", "100", "103", "106", "111"]), first=st.booleans())
    def trade(self, price: str, first: bool) -> None:
        self.at.trade_at(price, exchange_first=first)

    @rule(mishaps=MISHAPS)
    def go_wrong(self, mishaps: list[str]) -> None:
        self.at.exchange.mishaps = mishaps

    @rule(part=st.sampled_from(["0.3", "0.7"]), which=st.integers(0, 5))
    def fill_a_part(self, part: str, which: int) -> None:
        standing = [order for order in self.at.exchange.standing if not order.state.is_final]
        if standing:
            order = standing[which % len(standing)]
            left = order.request.amount - order.filled
            amount = max(STEP, (left * Decimal(part)).quantize(STEP))
            if amount < left:
                self.at.exchange.fill(order, str(amount), "96")

    @rule(which=st.integers(0, 5))
    def somebody_cancels(self, which: int) -> None:
        standing = [order for order in self.at.exchange.standing if not order.state.is_final]
        if standing:
            self.at.exchange.drop(standing[which % len(standing)])

    @rule(amount=st.sampled_from(["0.2", "1", "9", "12"]), booked=st.booleans())
    def withdraw(self, amount: str, booked: bool) -> None:
        taken = min(Decimal(amount), self.at.exchange.free)
        if taken > 0:
            self.at.move_coins(-taken, booked=booked)

    @rule()
    def compare(self) -> None:
        self.at.compare()

    @rule(halted=st.booleans())
    def halt(self, halted: bool) -> None:
        self.at.halt("halted by ann: strange prices" if halted else None)

    @rule()
    def keep(self) -> None:
        self.at.keep()

    @rule(seed=st.integers(0, 9))
    def deliver_again(self, seed: int) -> None:
        commands = [e for e in self.at.tx.published if isinstance(e.data, ReviewProtections | PriceReached)]
        if commands:
            self.at.waiting += random.Random(seed).sample(commands, min(3, len(commands)))
            self.at.deliver()

    @invariant()
    def no_way_out_sells_what_its_entry_did_not_buy(self) -> None:
        for entry in self.at.tx.protections:
            guarded = self.at.guarded(entry)
            asked = [order for order in self.at.ways_out(entry) if not order.state.is_final]
            assert len(asked) <= 1
            assert guarded.exited + sum((o.amount - o.filled for o in asked), Decimal(0)) <= guarded.bought

    @invariant()
    def no_more_is_protected_than_was_bought(self) -> None:
        assert all(guarded.sold_elsewhere <= self.at.sold for guarded in self.at.tx.protections.values())

    def teardown(self) -> None:
        at = self.at
        at.exchange.mishaps = []
        at.halt(None)
        at.keep(3)
        for order in [o for o in at.tx.orders.values() if not o.state.is_final and o.parent_id is None]:
            at.orders.cancel(order.id, "the day is over")
        at.deliver()
        at.keep(2)
        at.trade_at("100", "80", "79")
        at.keep(3)
        for entry in at.tx.protections:
            guarded = at.guarded(entry)
            assert guarded.state is State.CLOSED, guarded
            # what is left could not be sold: it is too little, or the coins were withdrawn
            assert guarded.left < DUST or at.exchange.balance("BTC").total < len(self.entries) * DUST, guarded
            assert at.tx.standing_watches(entry) == {}
        assert not [order for order in at.exchange.standing if not order.state.is_final]
        left = sum((at.guarded(entry).left for entry in at.tx.protections), Decimal(0))
        assert at.tx.position("", "", "BTC/USDT").amount <= left
        filled = [order for order in at.exchange.standing if order.request.order_type is OrderType.MARKET]
        assert len({order.request.client_order_id for order in filled}) == len(filled)
        assert all(order.state is OrderState.FILLED for order in filled)


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(stateful_step_count=14, deadline=None)
