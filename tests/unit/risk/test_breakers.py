"""The circuit breaker goes only the legal ways, stays on during its cooldown, and lets one probe pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from volexswarm.risk.breakers import Breaker, Cooldowns, Finding, Kind, Outcome, Probe, advance, closed, fresh, probing

START = datetime.fromisoformat("2026-03-01T09:00:00+00:00")
COOLDOWNS = Cooldowns(timedelta(minutes=5), timedelta(minutes=30))
CALM = Finding(Kind.PRICE_MOVE, "BTC/USDT", Decimal("0.1"), Decimal("0.01"), "1.00 %", tripped=False)
WILD = replace(CALM, measure=Decimal("0.2"), words="20.00 %", tripped=True)
CLOSED = fresh(CALM, START)
LEGAL = {("closed", "open"), ("open", "half_open"), ("half_open", "open"), ("half_open", "closed")}


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def step(
    breaker: Breaker, finding: Finding, minutes: float, outcome: Outcome | None = None, probed: float | None = None
) -> Breaker:
    """A look so many minutes later; the probe, if there is one, was proposed just then, or at `probed`."""
    probe = None if outcome is None else Probe(outcome, after(minutes if probed is None else probed))
    return advance(breaker, finding, probe, COOLDOWNS, after(minutes))


def test_it_trips_cools_down_is_probed_and_closes():
    tripped = step(CLOSED, WILD, 0)
    assert (tripped.state, tripped.until, tripped.reason) == ("open", after(5), "20.00 %")
    half = step(tripped, CALM, 5)
    assert half.state == "half_open"
    tried = probing(half, "p1")
    assert step(tried, CALM, 6, Outcome.OUTSTANDING) == tried
    assert step(tried, CALM, 7, Outcome.FILLED).state == "closed"


@pytest.mark.parametrize("minutes", [0, 1, 4.99])
@pytest.mark.parametrize("finding", [CALM, WILD])
def test_it_is_on_during_its_cooldown_whatever_the_market_does(minutes, finding):
    tripped = step(CLOSED, WILD, 0)
    assert step(tripped, finding, minutes) == tripped


def test_where_it_is_as_bad_as_before_it_cools_for_as_long_again():
    again = step(step(CLOSED, WILD, 0), WILD, 5)
    assert (again.state, again.until, again.cooldown) == ("open", after(10), timedelta(minutes=5))


@pytest.mark.parametrize(("finding", "outcome"), [(WILD, None), (WILD, Outcome.FILLED), (CALM, Outcome.FAILED)])
def test_a_probe_that_fails_opens_it_for_twice_as_long_up_to_the_longest(finding, outcome):
    breaker, waits = step(CLOSED, WILD, 0), []
    now = 0.0
    for _ in range(5):
        now += breaker.cooldown.total_seconds() / 60
        half = probing(step(breaker, CALM, now), "p1")
        breaker = step(half, finding, now, outcome)
        waits.append(breaker.cooldown.total_seconds() / 60)
        assert breaker.probe_id is None
    assert waits == [10, 20, 30, 30, 30]


def test_a_probe_that_proves_nothing_makes_room_for_another():
    half = probing(step(step(CLOSED, WILD, 0), CALM, 5), "p1")
    assert step(half, CALM, 6, Outcome.VOID) == replace(half, probe_id=None)


@pytest.mark.parametrize(("minutes", "void"), [(5, False), (10.9, False), (11, True), (1_000, True)])
def test_a_probe_of_which_nothing_is_known_after_a_cooldown_makes_room_for_another(minutes, void):
    half = probing(step(step(CLOSED, WILD, 0), CALM, 5), "p1")
    found = step(half, CALM, minutes, Outcome.OUTSTANDING, probed=6)
    assert found == (replace(half, probe_id=None) if void else half)


def test_after_closing_the_next_cooldown_is_a_short_one_again():
    half = probing(step(step(CLOSED, WILD, 0), CALM, 5), "p1")
    reopened = step(half, CALM, 6, Outcome.FAILED)
    shut = step(probing(step(reopened, CALM, 16), "p2"), CALM, 17, Outcome.FILLED)
    assert step(shut, WILD, 18).cooldown == timedelta(minutes=5)


OFF = replace(CALM, limit=None)


@pytest.mark.parametrize(
    "breaker",
    [
        step(CLOSED, WILD, 0),
        step(step(CLOSED, WILD, 0), CALM, 5),
        probing(step(step(CLOSED, WILD, 0), CALM, 5), "p1"),
    ],
    ids=["open", "half open", "probed"],
)
def test_one_that_is_switched_off_is_closed_whatever_it_was(breaker):
    shut = step(breaker, OFF, 6, Outcome.OUTSTANDING if breaker.probe_id else None)
    assert (shut.state, shut.reason, shut.since) == ("closed", "switched off by the policy", after(6))
    assert (shut.until, shut.probe_id) == (None, None)
    assert step(shut, OFF, 7) is shut
    assert step(shut, WILD, 8).cooldown == timedelta(minutes=5)  # on again, it begins anew


def test_its_name_fits_an_address():
    assert CLOSED.id == "price-move-btc-usdt"
    assert replace(CLOSED, kind=Kind.EXCHANGE_ERRORS, scope="account").id == "exchange-errors-account"


@given(calm=st.booleans(), minutes=st.floats(0, 100), outcome=st.none() | st.sampled_from(Outcome))
def test_a_person_can_close_it_from_any_state(calm, minutes, outcome):
    breaker = step(step(CLOSED, WILD, 0), CALM if calm else WILD, minutes, outcome)
    shut = closed(breaker, "a wrong tick", after(minutes))
    assert (shut.state, shut.until, shut.probe_id, shut.reason) == ("closed", None, None, "a wrong tick")


class Life(RuleBasedStateMachine):
    """Any market, any fate of the probes, time going on."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = CLOSED
        self.now = 0.0
        self.opened_at = 0.0

    @rule(
        minutes=st.floats(0, 20),
        wild=st.booleans(),
        outcome=st.sampled_from(Outcome),
        trade=st.booleans(),
    )
    def look(self, minutes, wild, outcome, trade):
        self.now += minutes
        before = self.breaker
        self.breaker = step(before, WILD if wild else CALM, self.now, outcome if before.probe_id else None)
        if before.state != self.breaker.state:
            assert (before.state, self.breaker.state) in LEGAL
        if before.state == "open" and self.breaker.state == "half_open":
            assert before.until is not None
            assert after(self.now) >= before.until
        if before.state == "half_open" and self.breaker.state == "closed":
            assert before.probe_id is not None
            assert outcome is Outcome.FILLED
        if trade and self.breaker.state == "half_open" and self.breaker.probe_id is None:
            self.breaker = probing(self.breaker, f"probe at {self.now}")

    @invariant()
    def a_state_has_what_belongs_to_it(self):
        assert (self.breaker.state == "open") == (self.breaker.until is not None)
        assert self.breaker.probe_id is None or self.breaker.state == "half_open"
        assert self.breaker.cooldown <= COOLDOWNS.longest
        if self.breaker.state != "closed":
            assert self.breaker.cooldown >= COOLDOWNS.first


TestLife = Life.TestCase
