"""After a halt nothing of ours stands at the exchange, whatever was on its way and whatever fails."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.execution import FakeExchange, FakeSecrets, Killed, execution
from tests.fakes.halting import FakeHaltingTransaction
from tests.fakes.transaction import FakeStore, FixedClock
from tests.unit.execution.orders import OPENED, approved
from volexswarm.errors import MarketClosed, NotYet, Retry
from volexswarm.execution.halting import Halting, Way
from volexswarm.execution.model import OrderPlan, OrderRequest, Proposal
from volexswarm.execution.orders import Orders
from volexswarm.execution.record import Record
from volexswarm.messages import Event, HaltSettled, OrderApproved, OrderState, OrderType, Purpose, Side, TradingHalted
from volexswarm.portfolio.bookkeeping import Bookkeeper
from volexswarm.ports import Halt

S = OrderState
WINDOW = timedelta(seconds=8)  # acceptance window of the fake exchange, and the margin


@dataclass
class Desk:
    """The halting service with a desk that has traded."""

    halting: Halting[FakeHaltingTransaction]
    orders: Orders[FakeHaltingTransaction]
    record: Record[FakeHaltingTransaction]
    tx: FakeHaltingTransaction
    exchange: FakeExchange
    clock: FixedClock

    def place(self, event: Event[OrderApproved]) -> str:
        """Bring an approved order to the exchange, as far as it comes."""
        trade = event.data
        terms = {name: getattr(trade, name) for name in Proposal.__dataclass_fields__ if name != "state"}
        self.tx.proposals[trade.proposal_id] = Proposal(state="approved", **terms)
        order = self.record.intend(self.tx, event)
        with suppress(Retry):  # its outcome may not be known
            self.orders.go_on(order)
        return order.id

    def limit(self, number: int) -> str:
        return self.place(approved(number, order_type=OrderType.LIMIT, limit_price="90"))

    def buy(self, number: int, amount: str = "1") -> str:
        return self.place(approved(number, amount=amount))

    def press(self, *, flatten: bool = False) -> Event[TradingHalted]:
        halt = Halt("4a170000-0000-5000-8000-000000000001", "ann", "it runs wild", flatten, self.clock.now(), None)
        self.tx.press(halt)
        data = TradingHalted(
            halt_id=halt.id, actor="ann", reason="it runs wild", flatten=flatten, halted_at=halt.halted_at
        )
        return Event.caused_by(halt, data, source="api", subject="trading", time=self.clock.now())

    def settle(self, command: Event[TradingHalted], rounds: int = 12) -> None:
        """Deliver the command until it is done; a process that dies is followed by another."""
        for _ in range(rounds):
            try:
                self.halting.carry_out(command)
                return
            except Retry as wait:
                self.clock.advance(wait.after)
            except Killed:
                self.clock.advance(timedelta(seconds=1))
            self.exchange.deliver_late()
        raise AssertionError("the halt is still not settled")

    @property
    def open_at_exchange(self) -> list[OrderRequest]:
        return [order.request for order in self.exchange.standing if not order.state.is_final]


def desk(*mishaps: str) -> Desk:
    clock, tx = FixedClock(), FakeHaltingTransaction()
    tx.add_account("binance", "main", OPENED, "simulated")
    exchange = FakeExchange(clock, list(mishaps))
    store = FakeStore(tx)
    parts = execution(store, exchange, FakeSecrets(), Bookkeeper(clock), clock)
    halting = Halting(
        store=store,
        way=lambda _: Way(parts.orders, exchange),
        clock=clock,
        venue="binance",
        symbols=["BTC/USDT"],
        currency="USDT",
    )
    return Desk(halting, parts.orders, parts.record, tx, exchange, clock)


def test_open_orders_are_canceled_and_the_halt_is_settled_with_its_figures() -> None:
    at = desk()
    names = [at.limit(number) for number in (1, 2, 3)]
    command = at.press()
    at.settle(command)
    assert at.open_at_exchange == []
    assert {at.tx.order(name).state for name in names} == {S.CANCELED}
    assert at.tx.order(names[0]).cancel_reason == "halted by ann: it runs wild"
    (settled,) = at.tx.of(HaltSettled)
    assert (settled.canceled, settled.sold, settled.left) == (3, {}, ())
    assert settled.seconds == WINDOW.total_seconds()


def test_open_orders_are_canceled_at_once_and_the_exchange_is_looked_at_until_nothing_can_arrive() -> None:
    at = desk()
    at.limit(1)
    command = at.press()
    with pytest.raises(NotYet) as wait:
        at.halting.carry_out(command)
    assert at.open_at_exchange == []
    assert (wait.value.after, at.tx.outcome) == (WINDOW, None)


def test_a_large_order_that_is_worked_is_not_worked_on_after_the_halt() -> None:
    at = desk()
    proposal = approved(1).data.proposal_id
    at.tx.add_plan(
        OrderPlan(
            proposal_id=proposal,
            venue="binance",
            account="main",
            symbol="BTC/USDT",
            profile="default",
            amount=Decimal(10),
            slices=5,
            next_slice=2,
            interval=timedelta(minutes=1),
            worst_price=Decimal(101),
            state="working",
            reason=None,
            started_at=at.clock.now(),
            correlation_id=proposal,
        )
    )
    at.settle(at.press())
    plan = at.tx.plans[proposal]
    assert (plan.state, plan.reason) == ("stopped", "halted by ann: it runs wild")


def test_an_order_that_was_on_its_way_is_caught_when_it_arrives() -> None:
    at = desk()
    at.exchange.mishaps = ["", "late"]
    name = at.limit(1)
    assert at.tx.order(name).state is S.UNKNOWN
    command = at.press()
    with pytest.raises(Retry):
        at.halting.carry_out(command)
    at.clock.advance(timedelta(seconds=3))
    at.exchange.deliver_late()
    assert len(at.open_at_exchange) == 1
    at.settle(command)
    assert at.open_at_exchange == []
    assert at.tx.order(name).state is S.CANCELED


def test_an_order_that_never_arrives_ends_without_being_sent_again() -> None:
    at = desk()
    at.exchange.mishaps = ["", "lost"]
    name = at.limit(1)
    at.settle(at.press())
    assert at.tx.order(name).state is S.CANCELED
    assert at.exchange.standing == []
    assert at.exchange.calls.count("place") == 1


def test_an_order_that_our_records_hold_for_ended_does_not_stand() -> None:
    at = desk()
    name = at.limit(1)
    at.tx.orders[name] = replace(at.tx.orders[name], state=S.EXPIRED)
    at.settle(at.press())
    assert at.open_at_exchange == []


def test_an_order_of_somebody_else_is_left_and_said() -> None:
    at = desk()
    at.exchange.place(
        OrderRequest("someone", "BTC/USDT", Side.BUY, OrderType.LIMIT, Decimal(1), Decimal(90), at.clock.now())
    )
    at.settle(at.press())
    assert [request.client_order_id for request in at.open_at_exchange] == ["someone"]
    assert at.tx.outcome == (0, ["order e1 of BTC/USDT in main is none of ours and stands"])


def test_one_order_that_can_t_be_canceled_keeps_no_other_from_it() -> None:
    at = desk()
    for number in (1, 2, 3):
        at.limit(number)
    command = at.press()
    at.exchange.mishaps = ["lost"]
    with pytest.raises(Retry):
        at.halting.carry_out(command)
    assert len(at.open_at_exchange) <= 1
    at.settle(command)
    assert at.open_at_exchange == []


def test_what_is_held_is_kept_unless_it_is_to_be_sold() -> None:
    at = desk()
    at.buy(1)
    at.settle(at.press())
    assert at.exchange.balances()["BTC"] == Decimal("0.999")


def test_what_is_held_is_sold_and_counted() -> None:
    at = desk()
    at.buy(1)
    command = at.press(flatten=True)
    at.settle(command)
    assert at.exchange.balances()["BTC"] == 0
    (sale,) = at.tx.sales_of(command.data.halt_id, "main", "BTC/USDT")
    assert (sale.state, sale.purpose, sale.filled) == (S.FILLED, Purpose.FLATTEN, Decimal("0.999"))
    (settled,) = at.tx.of(HaltSettled)
    assert (settled.sold, settled.left) == ({"BTC/USDT": Decimal("0.999")}, ())


def test_dust_and_what_is_not_traded_is_left_and_said() -> None:
    at = desk()
    at.exchange.windfall = {"BTC": Decimal("0.0105"), "DOGE": Decimal(7), "USDT": Decimal(50)}
    at.settle(at.press(flatten=True))
    (settled,) = at.tx.of(HaltSettled)
    assert settled.left == (
        "7 DOGE in main: it is not traded here",
        "0.0105 BTC in main: the order's value 1 is below the venue's minimum 5",
    )
    assert settled.sold == {}


def test_what_the_exchange_refuses_to_buy_is_given_up_after_three_sales() -> None:
    at = desk()
    at.buy(1)
    at.exchange.mishaps = ["", "", "", ""]
    command = at.press(flatten=True)
    place, refused = at.exchange.place, []

    def refuse(request: OrderRequest) -> object:
        refused.append(request.client_order_id)
        at.exchange.mishaps = ["refused"]
        return place(request)

    at.exchange.place = refuse  # type: ignore[method-assign,assignment]
    at.settle(command)
    assert len(set(refused)) == len(refused) == 3
    (settled,) = at.tx.of(HaltSettled)
    assert settled.left == ("0.999 BTC in main: 3 sales came to nothing, the last: InsufficientFunds: not enough",)


def test_selling_can_be_added_to_a_halt_that_is_settled() -> None:
    at = desk()
    at.buy(1)
    at.settle(at.press())
    at.settle(at.press(flatten=True))
    assert at.exchange.balances()["BTC"] == 0
    assert len({event.id for event in at.tx.published}) == len(at.tx.published)
    assert len(at.tx.of(HaltSettled)) == 2


def test_a_lifted_or_settled_halt_is_left_alone() -> None:
    at = desk()
    command = at.press()
    at.settle(command)
    calls = len(at.exchange.calls)
    at.halting.carry_out(command)
    at.halting.look_after()
    at.tx.halt = None
    at.halting.carry_out(command)
    assert len(at.exchange.calls) == calls
    assert len(at.tx.of(HaltSettled)) == 1


def test_an_old_command_does_not_settle_another_halt() -> None:
    at = desk()
    old = at.press()
    at.tx.press(replace(at.tx.halt, id="4a170000-0000-5000-8000-000000000002"))  # type: ignore[type-var]
    at.limit(1)
    calls = len(at.exchange.calls)
    at.halting.carry_out(old)
    assert len(at.exchange.calls) == calls


def test_the_keeper_settles_a_halt_whose_command_is_lost() -> None:
    at = desk()
    at.limit(1)
    at.press()
    at.clock.advance(timedelta(minutes=1))
    at.halting.look_after()
    assert at.open_at_exchange == []
    assert at.tx.halt.settled_at is not None


@settings(deadline=None)
@given(
    orders=st.lists(st.sampled_from(["limit", "buy"]), min_size=1, max_size=4),
    before=st.lists(st.sampled_from(["", "", "", "late", "lost", "mute"]), max_size=8),
    after=st.lists(st.sampled_from(["", "", "lost", "mute", "killed"]), max_size=14),
    flatten=st.booleans(),
)
def test_whatever_is_lost_and_whoever_dies_nothing_stands_and_every_order_was_sent_once(
    orders: list[str], before: list[str], after: list[str], flatten: bool
) -> None:
    at = desk()
    at.exchange.mishaps = before
    for number, kind in enumerate(orders, start=1):
        at.limit(number) if kind == "limit" else at.buy(number)
    command = at.press(flatten=flatten)
    sent = at.exchange.calls.count("place")
    at.exchange.mishaps = after
    at.settle(command, rounds=40)
    assert at.open_at_exchange == []
    names = [order.request.client_order_id for order in at.exchange.standing]
    assert len(set(names)) == len(names)
    assert all(order.state.is_final for order in at.tx.orders.values())
    sales = at.tx.sales_of(command.data.halt_id, "main", "BTC/USDT")
    assert at.exchange.calls.count("place") - sent == 0 or flatten
    if flatten:
        assert at.exchange.balances().get("BTC", Decimal(0)) < Decimal("0.05")  # less than the venue takes
    else:
        assert sales == []


def test_what_is_held_in_a_market_that_is_closed_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    at = desk()
    at.buy(1)
    command = at.press(flatten=True)

    def closed(_: FakeExchange, symbol: str) -> None:
        raise MarketClosed("binance", symbol)

    monkeypatch.setattr(FakeExchange, "rules", closed)
    at.settle(command)
    (settled,) = at.tx.of(HaltSettled)
    assert settled.left == ("0.999 BTC in main: market is unavailable: binance does not trade BTC/USDT at the moment",)
