"""The exchange against our records: what evidence explains is repaired, the rest waits for a person."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fakes.execution import CAPABILITIES, FakeExchange, FakeSecrets, execution
from tests.fakes.reconciliation import FakeReconcilingTransaction
from tests.fakes.transaction import START, FakeStore, FixedClock
from tests.unit.execution.orders import OPENED, approved, reported
from volexswarm.errors import Conflict, Retry, Unavailable
from volexswarm.execution.agent import ExecutionAgent
from volexswarm.execution.differences import Acceptance, DifferenceDesk
from volexswarm.execution.model import OrderRequest, Proposal, Run
from volexswarm.execution.reconciler import Reconciler
from volexswarm.execution.reconciliation import Difference, Findings, Kind
from volexswarm.messages import (
    AcceptDifference,
    DifferenceFound,
    DifferenceSettled,
    Event,
    FillRecorded,
    OrderApproved,
    OrderState,
    OrderType,
    Side,
    TimeInForce,
    TransferRecorded,
)
from volexswarm.portfolio.bookkeeping import Bookkeeper
from volexswarm.ports import Fill, Transfer

S = OrderState


@dataclass
class Desk:
    tx: FakeReconcilingTransaction
    exchange: FakeExchange
    clock: FixedClock
    agent: ExecutionAgent
    reconciler: Reconciler
    differences: DifferenceDesk
    acceptance: Acceptance
    pauses: list[float]

    def place(self, event: Event[OrderApproved]) -> None:
        trade = event.data
        self.tx.proposals[trade.proposal_id] = Proposal(
            "approved",
            trade.venue,
            trade.account,
            trade.symbol,
            trade.side,
            trade.order_type,
            trade.amount,
            trade.limit_price,
            trade.trigger_price,
            trade.time_in_force,
        )
        self.agent.execute(event)

    def compare(self) -> Findings:
        self.clock.advance(timedelta(minutes=1))
        found = self.reconciler.reconcile("schedule")
        assert found is not None
        return found

    def accept(self, key: str, reason: str) -> None:
        self.differences.accept(key, actor="ann", reason=reason)
        self.clock.advance(timedelta(seconds=1))
        self.carry_out()

    def carry_out(self) -> None:
        """Deliver the last acceptance."""
        self.acceptance.carry_out([e for e in self.tx.published if isinstance(e.data, AcceptDifference)][-1])


@pytest.fixture
def desk() -> Desk:
    clock, tx, pauses = FixedClock(), FakeReconcilingTransaction(), list[float]()
    tx.add_account("binance", "main", OPENED, "simulated")
    exchange, store = FakeExchange(clock), FakeStore(tx)
    parts = execution(store, exchange, FakeSecrets(), Bookkeeper(clock), clock)
    reconciler = Reconciler(
        store=store,
        exchange=exchange,
        record=parts.record,
        clock=clock,
        venue="binance",
        account="main",
        symbols=["BTC/USDT"],
        pause=pauses.append,
    )
    differences = DifferenceDesk(store=store, clock=clock)
    acceptance = Acceptance(
        store=store, compare=lambda _: reconciler.reconcile("demand"), record=parts.record, clock=clock
    )
    return Desk(tx, exchange, clock, parts.agent, reconciler, differences, acceptance, pauses)


def limit(number: int = 1) -> Event[OrderApproved]:
    return approved(number, order_type=OrderType.LIMIT, limit_price="90")


def foreign(cid: str = "somebody") -> OrderRequest:
    return OrderRequest(
        cid, "BTC/USDT", Side.BUY, OrderType.LIMIT, Decimal(1), Decimal(80), START, time_in_force=TimeInForce.GTC
    )


def test_where_both_say_the_same_nothing_is_found_and_nobody_waits(desk: Desk) -> None:
    desk.place(approved(1))
    desk.place(limit(2))
    found = desk.compare()
    assert (found.orders, found.fills, found.repaired, found.open) == (1, 1, [], [])
    assert desk.pauses == []


def test_a_fill_that_was_not_reported_is_booked_and_told(desk: Desk) -> None:
    desk.place(event := limit())
    desk.exchange.fill(desk.exchange.standing[0], "0.4", "90")
    found = desk.compare()
    order = desk.tx.order(event.id)
    assert (order.state, order.filled) == (S.PARTIALLY_FILLED, Decimal("0.4"))
    assert [d.subject for d in found.repaired] == [order.client_order_id]
    assert desk.tx.assets("binance", "main") == desk.exchange.balances()
    assert len(desk.tx.of(DifferenceFound)) == len(desk.tx.of(DifferenceSettled)) == 1
    assert desk.compare().repaired == []


def test_an_order_that_ended_unseen_takes_its_end(desk: Desk) -> None:
    desk.place(event := limit())
    desk.exchange.standing[0].state = S.CANCELED
    assert len(desk.compare().repaired) == 1
    assert desk.tx.order(event.id).state is S.CANCELED


def test_what_reaches_us_while_we_wait_is_no_difference(desk: Desk) -> None:
    desk.place(limit())
    desk.exchange.standing[0].state = S.CANCELED

    def reports_arrive(_: float) -> None:
        desk.clock.advance(timedelta(minutes=1))
        desk.agent.resolve_open()

    desk.reconciler._pause = reports_arrive
    found = desk.compare()
    assert (found.repaired, found.open) == ([], [])


def test_an_order_that_the_exchange_forgot_waits_for_a_person(desk: Desk) -> None:
    desk.place(event := limit())
    desk.exchange.standing.clear()
    assert len(desk.compare().open) == 1
    assert len(desk.compare().open) == 1
    assert desk.tx.order(event.id).state is S.ACCEPTED
    assert len(desk.tx.of(DifferenceFound)) == 1
    desk.accept("d1", "the exchange lost it")
    assert desk.tx.order(event.id).state is S.CANCELED
    assert desk.compare().open == []
    with pytest.raises(Conflict):
        desk.differences.accept("d1", actor="ann", reason="again")


def test_an_order_of_somebody_else_is_shown_once_and_can_be_accepted(desk: Desk) -> None:
    desk.exchange._accept(foreign())
    for _ in range(2):
        assert [d.kind for d in desk.compare().open] == ["foreign_order"]
    assert desk.tx.differences["d1"].times == 2
    desk.accept("d1", "that is my own")
    desk.compare()
    assert [known.state for known in desk.tx.differences.values()] == ["accepted"]


def test_a_difference_that_went_away_is_settled(desk: Desk) -> None:
    standing = desk.exchange._accept(foreign())
    desk.compare()
    standing.state = S.CANCELED
    desk.compare()
    assert desk.tx.differences["d1"].state == "repaired"
    assert desk.tx.of(DifferenceSettled)[-1].outcome == "repaired"


def test_somebody_elses_fill_is_booked(desk: Desk) -> None:
    desk.exchange.fill(desk.exchange._accept(foreign()), "1", "80")
    found = desk.compare()
    assert [d.kind for d in found.repaired] == ["fill"]
    assert desk.tx.assets("binance", "main") == desk.exchange.balances()


def test_a_fill_that_is_booked_elsewhere_while_it_is_booked_here_counts_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.place(event := limit())
    standing, cid = desk.exchange.standing[0], desk.tx.order(event.id).client_order_id
    fill = desk.exchange.fill(standing, "0.4", "90")
    looked_up, looks = desk.tx.booked_fills, list[int]()

    def booked_fills(venue: str, account: str, fills: Sequence[Fill]) -> set[tuple[str, str]]:
        booked = looked_up(venue, account, fills)
        looks.append(len(fills))
        if len(looks) == 2:  # the report arrives right after the second look
            desk.agent.apply(reported(S.PARTIALLY_FILLED, "0.4", fill, cid))
        return booked

    monkeypatch.setattr(FakeReconcilingTransaction, "booked_fills", staticmethod(booked_fills))
    desk.reconciler._fills(Run("run", "reconnect", START), OPENED, Findings())
    standing.state = S.CANCELED
    desk.agent.apply(reported(S.CANCELED, "0.4", client_order_id=cid))
    order = desk.tx.order(event.id)
    assert (order.state, order.filled) == (S.CANCELED, Decimal("0.4"))


def test_an_order_that_waits_for_more_than_the_exchange_filled_ends_at_its_next_word(desk: Desk) -> None:
    desk.place(event := limit())
    desk.exchange.fill(desk.exchange.standing[0], "0.4", "90")
    desk.compare()
    desk.exchange.standing[0].state = S.CANCELED
    desk.tx.orders[event.id] = replace(
        desk.tx.order(event.id), reported_state=S.CANCELED, reported_filled=Decimal("0.8")
    )
    desk.compare()
    assert desk.tx.order(event.id).state is S.CANCELED
    assert desk.compare().repaired == []


def test_an_order_that_we_gave_up_is_taken_off_the_exchange(desk: Desk) -> None:
    desk.place(event := limit())
    order = desk.tx.order(event.id)
    desk.tx.orders[event.id] = type(order)(**{**order.__dict__, "state": S.EXPIRED})
    assert len(desk.compare().repaired) == 1
    assert desk.exchange.standing[0].state is S.CANCELED


def test_deposits_and_withdrawals_are_booked_once_as_what_they_are(desk: Desk) -> None:
    desk.exchange.transfers = [
        Transfer("deposit/1", "USDT", Decimal(500), Decimal(0), START + timedelta(seconds=1)),
        Transfer("withdrawal/1", "USDT", Decimal(-100), Decimal(1), START + timedelta(seconds=2)),
    ]
    found = desk.compare()
    assert (found.transfers, found.open) == (2, [])
    assert desk.tx.assets("binance", "main") == {"USDT": Decimal(399)}
    assert [t.amount for t in desk.tx.of(TransferRecorded)] == [Decimal(500), Decimal(-100)]
    assert desk.compare().transfers == 0


def test_a_balance_that_nothing_explains_is_never_overwritten_and_a_person_may_accept_it(desk: Desk) -> None:
    desk.exchange.windfall = {"BTC": Decimal("0.00000001")}
    found = desk.compare()
    assert [(d.kind, d.subject, d.ours, d.theirs) for d in found.open] == [("balance", "BTC", "0", "0.00000001")]
    assert desk.tx.assets("binance", "main") == {}
    desk.accept("d1", "an airdrop")
    assert desk.tx.assets("binance", "main") == {"BTC": Decimal("0.00000001")}
    assert desk.compare().open == []
    desk.carry_out()
    assert desk.tx.assets("binance", "main") == {"BTC": Decimal("0.00000001")}
    assert [done.outcome for done in desk.tx.of(DifferenceSettled)] == ["accepted"]


def test_a_balance_that_is_another_by_now_is_not_accepted_and_says_so(desk: Desk) -> None:
    desk.exchange.windfall = {"USDT": Decimal(7)}
    desk.compare()
    desk.exchange.windfall = {"USDT": Decimal(9)}
    desk.accept("d1", "an airdrop")
    known = desk.tx.differences["d1"]
    assert (known.state, known.difference.theirs, desk.tx.assets("binance", "main")) == ("open", "9", {})
    assert known.difference.cause.startswith("ann accepted 7 against 0, but it has changed since")
    assert desk.tx.of(DifferenceFound)[-1].cause == known.difference.cause
    desk.accept("d1", "two airdrops")
    assert (desk.tx.differences["d1"].state, desk.tx.assets("binance", "main")) == ("accepted", {"USDT": Decimal(9)})


def test_a_balance_that_a_late_deposit_explains_is_not_booked_twice(desk: Desk) -> None:
    late = Transfer("deposit/1", "USDT", Decimal(500), Decimal(0), START + timedelta(seconds=1))
    desk.exchange.windfall = {"USDT": late.amount}
    desk.compare()
    desk.exchange.windfall, desk.exchange.transfers = {}, [late]
    desk.accept("d1", "must be my deposit")
    assert (desk.tx.differences["d1"].state, desk.tx.assets("binance", "main")) == ("repaired", {"USDT": late.amount})


def test_a_trade_in_between_does_not_change_what_was_accepted(desk: Desk) -> None:
    desk.exchange.windfall = {"USDT": Decimal(7)}
    desk.compare()
    desk.place(approved(1))
    desk.accept("d1", "an airdrop")
    assert desk.tx.differences["d1"].state == "accepted"
    assert desk.tx.assets("binance", "main") == desk.exchange.balances()


@dataclass
class Flight:
    """Fills on their way, seen between two looks: what of USDT is unexplained at each further one."""

    desk: Desk
    gaps: list[int]

    def __call__(self, _: float) -> None:
        self.desk.clock.advance(timedelta(seconds=3))
        self.desk.exchange.windfall = {"USDT": Decimal(self.gaps.pop(0))}


def test_a_difference_that_is_hidden_by_a_moving_balance_stays_open_as_it_is(desk: Desk) -> None:
    desk.exchange.windfall = {"USDT": Decimal(5)}
    desk.compare()
    desk.exchange.windfall = {"USDT": Decimal(105)}
    desk.reconciler._pause = Flight(desk, [5, 5])
    found = desk.compare()
    assert [d.subject for d in found.open] == ["USDT"]
    known = desk.tx.differences["d1"]
    assert (known.state, known.difference.theirs, known.seen_at) == ("open", "5", desk.clock.now())
    desk.compare()
    assert list(desk.tx.differences) == ["d1"]
    assert len(desk.tx.of(DifferenceFound)) == 1


def test_what_moves_while_nothing_is_open_opens_nothing(desk: Desk) -> None:
    desk.exchange.windfall = {"USDT": Decimal(100)}
    desk.reconciler._pause = Flight(desk, [5])
    assert desk.compare().open == []
    assert desk.tx.differences == {}


def test_a_difference_that_the_second_look_does_not_show_is_settled(desk: Desk) -> None:
    desk.exchange.windfall = {"USDT": Decimal(5)}
    desk.compare()
    desk.exchange.windfall = {"USDT": Decimal(105)}
    desk.reconciler._pause = Flight(desk, [0])
    desk.compare()
    assert desk.tx.differences["d1"].state == "repaired"


def test_an_acceptance_waits_until_the_balance_rests(desk: Desk) -> None:
    desk.exchange.windfall = {"USDT": Decimal(5)}
    desk.compare()
    desk.exchange.windfall = {"USDT": Decimal(105)}
    desk.reconciler._pause = Flight(desk, [5, 5])
    with pytest.raises(Retry, match="the balance of USDT moves"):
        desk.accept("d1", "an airdrop")
    assert (desk.tx.differences["d1"].state, desk.tx.assets("binance", "main")) == ("open", {})
    desk.carry_out()
    assert (desk.tx.differences["d1"].state, desk.tx.assets("binance", "main")) == ("accepted", {"USDT": Decimal(5)})


def test_an_acceptance_of_what_is_gone_is_told(desk: Desk) -> None:
    desk.exchange.windfall = {"USDT": Decimal(5)}
    desk.compare()
    desk.exchange.windfall = {}
    desk.accept("d1", "an airdrop")
    desk.carry_out()
    words = "ann accepted it when it was settled already: nothing was done"
    known = desk.tx.differences["d1"]
    assert known.state == "repaired"
    assert known.reason is not None
    assert known.reason.endswith(f"; {words}")
    assert [(e.outcome, e.reason) for e in desk.tx.of(DifferenceSettled)[1:]] == [("repaired", words)]


def test_nothing_is_accepted_while_the_exchange_is_silent(desk: Desk) -> None:
    desk.exchange.windfall = {"USDT": Decimal(7)}
    desk.compare()
    desk.exchange.mishaps = ["lost"]
    with pytest.raises(Unavailable):
        desk.accept("d1", "an airdrop")
    assert (desk.tx.differences["d1"].state, desk.tx.assets("binance", "main")) == ("open", {})


def test_a_silent_exchange_leaves_everything_as_it_is(desk: Desk) -> None:
    desk.place(limit())
    desk.exchange.mishaps = ["lost"]
    with pytest.raises(Unavailable):
        desk.compare()
    assert desk.tx.runs == []


def test_before_the_books_are_opened_nothing_is_compared(desk: Desk) -> None:
    desk.tx.accounts.clear()
    assert desk.reconciler.reconcile("start") is None


def test_the_next_comparison_goes_on_where_the_last_ended(desk: Desk) -> None:
    desk.place(approved(int(uuid.UUID(int=7))))
    desk.compare()
    assert desk.tx.compared_to("binance", "main") == (OPENED, desk.tx.runs[0][2])


def test_the_first_look_after_a_while_counts_as_a_start(desk: Desk) -> None:
    for _ in range(2):
        desk.reconciler.look()
    desk.clock.advance(timedelta(minutes=6))
    desk.reconciler.look()
    assert [run.occasion for run, *_ in desk.tx.runs] == ["start", "schedule", "start"]


def test_an_exchange_that_does_not_tell_of_transfers_is_not_asked_for_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = replace(CAPABILITIES, transfers=False)
    monkeypatch.setattr(FakeExchange, "capabilities", property(lambda _: silent))
    desk.exchange.transfers = [Transfer("deposit/1", "USDT", Decimal(100), Decimal(0), START)]
    found = desk.compare()
    assert found.transfers == 0
    assert [(one.kind.value, one.subject) for one in found.open] == [("balance", "USDT")]


def test_an_order_whose_absence_proves_nothing_is_put_before_a_person_who_may_end_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgetful = replace(CAPABILITIES, remembers=timedelta(hours=2))
    monkeypatch.setattr(FakeExchange, "capabilities", property(lambda _: forgetful))
    desk.exchange.mishaps = ["", "lost"]
    with pytest.raises(Retry):
        desk.place(event := limit())
    assert desk.compare().open == []  # it has a way of its own to an end
    desk.clock.advance(timedelta(hours=2))
    assert [(d.kind, d.ours, d.theirs) for d in desk.compare().open] == [("order", "unknown", "nothing")]
    desk.agent.resolve_open()
    assert desk.tx.order(event.id).state is S.UNKNOWN
    desk.accept("d1", "its page of orders has none")
    assert desk.tx.order(event.id).state is S.CANCELED
    assert desk.compare().open == []


def test_a_fill_of_an_order_without_an_answer_is_not_taken_for_somebody_elses(desk: Desk) -> None:
    desk.exchange.mishaps = ["", "mute", "lost"]
    with pytest.raises(Retry):
        desk.place(event := approved(1))
    found = desk.compare()
    assert (found.repaired, found.open) == ([], [])
    assert desk.tx.order(event.id).state is S.FILLED
    assert desk.tx.of(FillRecorded)[0].order_id == event.id


def test_what_another_comparison_saw_meanwhile_is_not_settled(desk: Desk) -> None:
    def another(_: float) -> None:
        desk.clock.advance(timedelta(seconds=3))
        desk.tx.see_difference(
            Run("other", "demand", desk.clock.now()),
            "binance",
            "main",
            Difference(Kind.BALANCE, "ETH", "0", "1", "?"),
            desk.clock.now(),
        )

    desk.exchange.windfall = {"BTC": Decimal(1)}
    desk.reconciler._pause = another
    desk.compare()
    assert [known.state for known in desk.tx.differences.values()] == ["open", "open"]
