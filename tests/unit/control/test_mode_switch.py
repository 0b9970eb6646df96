"""A mode is switched only to what the deployment has, only at rest, and to real money only twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest

from tests.fakes.control import BEGINNING, FakeControlTransaction
from tests.fakes.transaction import START, FakeStore, FixedClock
from volexswarm.control import modes
from volexswarm.control.mode_switch import CONFIRM_WITHIN, ModeSwitch, Wanted
from volexswarm.errors import ConfirmationRequired, Conflict, InvalidInput
from volexswarm.messages import ModeSwitched
from volexswarm.ports import Halt

PAPER = Wanted("paper", "ann", "first without money")
LIVE = Wanted("live", "ann", "the tests are over", Decimal(1000))


class Switch:
    def __init__(self, environment: str = "live") -> None:
        account = "main-paper" if environment == "live" else "main"
        mode = "paper" if environment == "live" else environment
        self.tx = FakeControlTransaction(replace(BEGINNING, account=account, mode=mode))
        self.clock = FixedClock()
        codes = count(1)
        self.switch = ModeSwitch(
            FakeStore(self.tx),
            self.clock,
            venue="binance",
            account="main",
            environment=environment,
            new_code=lambda: f"code-{next(codes)}",
        )

    def code(self, wanted: Wanted = LIVE) -> str:
        with pytest.raises(ConfirmationRequired) as asked:
            self.switch.switch(wanted)
        return asked.value.code

    @property
    def now(self) -> tuple[str, str, Decimal | None]:
        return self.tx.mode.mode, self.tx.mode.account, self.tx.mode.cap


@pytest.mark.parametrize(
    ("environment", "offered"),
    [
        ("simulated", ("simulated", "paper")),
        ("sandbox", ("sandbox", "paper")),
        ("live", ("live", "paper")),
    ],
)
def test_a_deployment_offers_its_own_money_and_paper(environment: str, offered: tuple[str, ...]) -> None:
    assert modes.available(environment) == offered
    for mode in set(modes.MODES) - set(offered):
        cap = Decimal(1) if mode == "live" else None
        at = Switch(environment)
        before = at.now
        with pytest.raises(InvalidInput, match="mode"):
            at.switch.switch(Wanted(mode, "ann", "why not", cap))
        assert at.now == before


def test_paper_trades_in_books_of_its_own() -> None:
    at = Switch("simulated")
    at.switch.switch(PAPER)
    assert at.now == ("paper", "main-paper", None)
    (switched,) = at.tx.of(ModeSwitched)
    assert (switched.before, switched.after, switched.actor, switched.reason) == (
        "simulated",
        "paper",
        "ann",
        "first without money",
    )


def test_asking_for_what_is_in_force_changes_nothing() -> None:
    at = Switch("live")
    at.switch.switch(PAPER)
    assert at.tx.published == []


def test_real_money_comes_with_the_second_word_only() -> None:
    at = Switch()
    code = at.code()
    assert at.now == ("paper", "main-paper", None)
    at.switch.switch(replace(LIVE, confirm=code))
    assert at.now == ("live", "main", Decimal(1000))


def test_a_cap_is_not_lowered_under_a_trade_that_is_on_its_way_unless_a_halt_holds_it() -> None:
    at = Switch()
    at.switch.switch(replace(LIVE, confirm=at.code()))
    at.tx.unplaced["main"] = [START]
    less = replace(LIVE, cap=Decimal(10))
    with pytest.raises(Conflict, match="1 trades of the books main are decided and have no order yet"):
        at.switch.switch(less)
    at.tx.halt = Halt("h", "ann", "enough", False, START, START)
    at.switch.switch(replace(less, confirm=at.code(less)))
    assert at.now[2] == Decimal(10)


def test_a_trade_that_never_became_an_order_holds_a_switch_up_for_an_hour() -> None:
    at = Switch()
    at.tx.unplaced["main-paper"] = [START]
    with pytest.raises(Conflict, match="no order yet"):
        at.switch.switch(LIVE)
    at.clock.advance(timedelta(hours=1, seconds=1))
    assert at.code()


def test_another_cap_is_confirmed_like_the_first() -> None:
    at = Switch()
    at.switch.switch(replace(LIVE, confirm=at.code()))
    more = replace(LIVE, cap=Decimal(5000))
    code = at.code(more)
    assert at.now[2] == Decimal(1000)
    at.switch.switch(replace(more, confirm=code))
    assert at.now[2] == Decimal(5000)


@pytest.mark.parametrize(
    "other",
    [
        {"actor": "eve"},
        {"cap": Decimal(1001)},
        {"confirm": "code-2"},
        {"confirm": ""},
    ],
    ids=str,
)
def test_a_confirmation_is_good_for_who_asked_and_what_was_asked(other: dict[str, object]) -> None:
    at = Switch()
    code = at.code()
    with pytest.raises(Conflict, match="confirmation"):
        at.switch.switch(replace(LIVE, **({"confirm": code} | other)))
    assert at.now == ("paper", "main-paper", None)


def test_a_confirmation_is_good_once() -> None:
    at = Switch()
    code = at.code()
    at.switch.switch(replace(LIVE, confirm=code))
    at.switch.switch(PAPER)
    with pytest.raises(Conflict, match="confirmation"):
        at.switch.switch(replace(LIVE, confirm=code))
    assert at.now[0] == "paper"


@pytest.mark.parametrize(("late", "good"), [(timedelta(seconds=-1), True), (timedelta(0), False)])
def test_a_confirmation_ends_after_five_minutes(late: timedelta, good: bool) -> None:
    at = Switch()
    code = at.code()
    at.clock.advance(CONFIRM_WITHIN + late)
    if good:
        at.switch.switch(replace(LIVE, confirm=code))
    else:
        with pytest.raises(Conflict):
            at.switch.switch(replace(LIVE, confirm=code))
    assert at.now[0] == ("live" if good else "paper")


def test_a_code_is_kept_only_as_its_digest() -> None:
    at = Switch()
    code = at.code()
    assert code not in repr(at.tx.codes)


@pytest.mark.parametrize("cap", [None, Decimal(0), Decimal(-1), Decimal("NaN"), Decimal("Infinity")])
def test_real_money_needs_a_cap(cap: Decimal | None) -> None:
    at = Switch()
    with pytest.raises(InvalidInput, match="cap"):
        at.switch.switch(replace(LIVE, cap=cap))


def test_nothing_is_switched_while_orders_of_the_present_books_are_open() -> None:
    at = Switch("simulated")
    at.tx.open["main"] = 2
    with pytest.raises(Conflict, match="2 orders of the books main are open"):
        at.switch.switch(PAPER)
    assert at.now[0] == "simulated"


@pytest.mark.parametrize("settled", [True, False])
def test_nothing_is_switched_while_a_halt_is_being_settled(settled: bool) -> None:
    at = Switch("simulated")
    at.tx.add_halt(Halt("1", "ann", "it runs wild", True, START, START if settled else None))
    if settled:
        at.switch.switch(PAPER)
    else:
        with pytest.raises(Conflict, match="halt"):
            at.switch.switch(PAPER)
    assert at.now[0] == ("paper" if settled else "simulated")


def test_every_books_name_says_what_money_they_are_of() -> None:
    assert modes.mode_of("main", "main", "live") == "live"
    assert modes.mode_of("main-paper", "main", "live") == "paper"
    with pytest.raises(InvalidInput, match="main, main-paper"):
        modes.mode_of("other", "main", "live")
