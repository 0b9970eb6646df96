"""One halt at a time, told once, lifted only when the exchange is clear."""

from __future__ import annotations

from itertools import count
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.control import FakeControlTransaction
from tests.fakes.transaction import START, FakeStore, FixedClock
from volexswarm.control.kill_switch import KillSwitch
from volexswarm.errors import Conflict, InvalidInput
from volexswarm.messages import Queue, TradingHalted, TradingResumed


class Switch:
    def __init__(self) -> None:
        self.tx = FakeControlTransaction()
        ids = count(1)
        self.switch = KillSwitch(FakeStore(self.tx), FixedClock(), new_id=lambda: str(UUID(int=next(ids))))

    def halt(self, *, flatten: bool = False, actor: str = "ann") -> bool:
        return self.switch.halt(actor=actor, reason="it runs wild", flatten=flatten).repeated

    def resume(self) -> None:
        self.switch.resume(actor="bob", reason="it is mended")


def test_a_halt_goes_to_execution_with_its_reason() -> None:
    at = Switch()
    assert not at.halt(flatten=True)
    (event,) = at.tx.published
    assert (event.data.QUEUE, event.data.group, event.correlationid) == (Queue.ORDERS, "halt", at.tx.halt.id)
    assert (event.data.actor, event.data.reason, event.data.flatten) == ("ann", "it runs wild", True)
    assert at.tx.held == 1


def test_halting_again_answers_with_the_halt_in_force_and_tells_nobody() -> None:
    at = Switch()
    at.halt()
    first = at.tx.halt
    assert at.halt(actor="eve")
    assert at.tx.halt == first
    assert len(at.tx.published) == 1


def test_selling_what_is_held_can_be_added_and_is_not_settled_then() -> None:
    at = Switch()
    at.halt()
    at.tx.settle()
    assert not at.halt(flatten=True)
    assert at.tx.halt.settled_at is None
    assert [event.data.flatten for event in at.tx.published] == [False, True]
    assert len({event.id for event in at.tx.published}) == 2


def test_a_halt_is_lifted_only_when_it_is_settled() -> None:
    at = Switch()
    with pytest.raises(Conflict, match="not halted"):
        at.resume()
    at.halt()
    with pytest.raises(Conflict, match="not settled"):
        at.resume()
    assert at.tx.halt is not None
    at.tx.settle()
    at.resume()
    assert at.tx.halt is None
    assert [(event.actor, event.reason) for event in at.tx.of(TradingResumed)] == [("bob", "it is mended")]


@pytest.mark.parametrize("reason", ["", "  "])
def test_neither_comes_without_a_reason(reason: str) -> None:
    at = Switch()
    with pytest.raises(InvalidInput, match="reason"):
        at.switch.halt(actor="ann", reason=reason, flatten=False)
    with pytest.raises(InvalidInput, match="reason"):
        at.switch.resume(actor="ann", reason=reason)
    assert at.tx.published == []


def test_an_order_that_it_ends_says_by_whom_and_why() -> None:
    at = Switch()
    at.halt()
    assert at.tx.halt.words == "halted by ann: it runs wild"


@given(st.lists(st.sampled_from(["halt", "flatten", "settle", "resume"]), max_size=30))
def test_whatever_is_pressed_in_whatever_order_every_halt_is_told_and_no_id_twice(steps: list[str]) -> None:
    at = Switch()
    for step in steps:
        if step in ("halt", "flatten"):
            at.halt(flatten=step == "flatten")
            assert at.tx.halt is not None
        elif step == "settle" and at.tx.halt is not None:
            at.tx.settle(START)
        elif step == "resume":
            settled = at.tx.halt is not None and at.tx.halt.settled_at is not None
            if settled:
                at.resume()
            else:
                with pytest.raises(Conflict):
                    at.resume()
    told = {event.halt_id for event in at.tx.of(TradingHalted)}
    lifted = {event.halt_id for event in at.tx.of(TradingResumed)}
    assert told - lifted == ({at.tx.halt.id} if at.tx.halt else set())
    assert len({event.id for event in at.tx.published}) == len(at.tx.published)
