"""The policy time machine: past decisions asked again, by what their checks measured, with words for what can't be known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from volexswarm.rulebook.whatif import Budgets, Decided, Effects, Otherwise, Result, TimeMachine

START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
IN_FORCE: dict[str, Any] = {
    "max_entries": 10,
    "max_loss": "0.10",
    "max_trade": "0.05",
    "max_symbol": "0.20",
    "min_trade": "0.01",
    "max_value": {"USDT": "100", "BTC": "1"},
    "off": None,
    "listed": ["a"],
}
BUDGETS = Budgets(frozenset({"max_trade"}), frozenset({"max_symbol"}), least="min_trade")


def check(
    setting: str | None, measure: object, bound: str = "at_most", passed: bool = True, name: str = "", **others: object
) -> dict:
    found = {"name": name or setting or "fixed", "passed": passed, "setting": setting, "bound": bound}
    return found | others | {"measure": None if measure is None else str(measure)}


def decided(*checks: dict, side: str = "buy", **others: object) -> Decided:
    fields = {
        "signal_id": "s",
        "symbol": "BTC/USDT",
        "side": side,
        "strategy_id": "ma",
        "as_of": START,
        "approved": all(c["passed"] for c in checks),
        "checks": checks,
        "then": IN_FORCE,
    }
    return Decided(**fields | others)


def ask(past: Decided, **changes: object) -> Otherwise | None:
    return TimeMachine(IN_FORCE, IN_FORCE | changes, BUDGETS, run_again={"listed"}).ask(past)


@pytest.mark.parametrize(
    ("stored", "changes", "effect"),
    [
        (check("max_entries", 5), {"max_entries": 5}, None),
        (check("max_entries", 6), {"max_entries": 5}, "refused"),
        (check("max_loss", "0.05", "below"), {"max_loss": "0.05"}, "refused"),
        (check("max_loss", "0.0499", "below"), {"max_loss": "0.05"}, None),
        (check("min_trade", "0.02", "at_least"), {"min_trade": "0.03"}, "refused"),
        (check("max_entries", 11, passed=False), {"max_entries": 11}, "allowed"),
        (check("max_entries", 11, passed=False), {"max_entries": 10}, None),
        (check("max_value.USDT", 90), {"max_value": {"USDT": "80"}}, "refused"),
        (check("max_value.BTC", "0.1"), {"max_value": {"USDT": "100"}}, "refused"),
        (check("max_value.GBP", 90, passed=False), {"max_value": {"GBP": "100"}}, "allowed"),
        (check("max_loss", "0.5", "below", passed=False), {"max_loss": None}, "allowed"),
        (check("gone", 90), {"max_entries": 1}, None),
        (check(None, None), {"max_entries": 1}, None),
        (check(None, None, passed=False), {"max_entries": 1000}, None),
    ],
)
def test_another_limit_is_held_against_what_was_measured(stored, changes, effect):
    answer = ask(decided(stored), **changes)
    assert (answer.effect if answer else None) == effect
    assert answer is None or answer.checks == (stored["name"],)


def test_a_limit_that_is_the_same_is_not_asked_again_for_stored_measures_are_rounded():
    assert ask(decided(check("max_loss", "0.100000001", "below")), max_loss="0.1") is None


def test_a_decision_by_an_older_version_is_held_against_what_is_proposed():
    past = decided(check("max_entries", 15), then=IN_FORCE | {"max_entries": 20})
    assert ask(past).effect == "refused"


def test_only_when_no_other_check_fails_would_a_refused_trade_pass():
    fails = check("max_entries", 11, passed=False)
    assert ask(decided(fails, check(None, None, passed=False, name="kill_switch")), max_entries=20) is None
    assert ask(decided(fails, check(None, None, name="kill_switch")), max_entries=20).effect == "allowed"


def test_what_was_run_again_counts_before_what_is_stored():
    stored = check(None, None, name="symbol_allowed")
    refused = ask(decided(stored, again={"symbol_allowed": False}))
    assert (refused.effect, refused.checks) == ("refused", ("symbol_allowed",))
    # a rule that did not exist when this was decided
    assert ask(decided(check(None, None), again={"wash_trade": False})).checks == ("wash_trade",)
    assert ask(decided(check(None, None, passed=False), again={"wash_trade": False})) is None


@pytest.mark.parametrize(
    ("checks", "changes", "effect", "part"),
    [
        # twice the size that would be allowed: half of it goes
        ([check("max_trade", "0.04")], {"max_trade": "0.02"}, "reduced", "0.5"),
        # 0.15 is held with it, 0.05 of that is the trade itself: of 0.05 a fifth is too much
        ([check("max_symbol", "0.15"), check("min_trade", "0.05", "at_least")], {"max_symbol": "0.14"}, "reduced", "0.2"),
        # nothing of it fits
        ([check("max_symbol", "0.15"), check("min_trade", "0.05", "at_least")], {"max_symbol": "0.10"}, "refused", "1"),
        # what fits is too small to be worth its fees
        ([check("max_symbol", "0.15"), check("min_trade", "0.05", "at_least")], {"max_symbol": "0.105"}, "refused", "1"),
        # its own share is not known
        ([check("max_symbol", "0.15")], {"max_symbol": "0.14"}, "refused", "1"),
        # the tightest of several decides
        ([check("max_trade", "0.04"), check("max_symbol", "0.15"), check("min_trade", "0.04", "at_least")],
         {"max_trade": "0.03", "max_symbol": "0.13"}, "reduced", "0.5"),
        # all sizes were halved: measured as 0.05, it was 0.025 of what is held, and two fifths are too much
        ([check("max_symbol", "0.15"), check("min_trade", "0.05", "at_least", scale="0.5")],
         {"max_symbol": "0.14"}, "reduced", "0.4"),
        # what made the trade smaller made the least one smaller, too: half of 0.025 is more than half of 0.01
        ([check("max_symbol", "0.15"), check("min_trade", "0.05", "at_least", scale="0.5")],
         {"max_symbol": "0.1375", "min_trade": "0.02"}, "reduced", "0.5"),
        # what was stored before scales were
        ([check("max_symbol", "0.15"), check("min_trade", "0.05", "at_least", scale=None)],
         {"max_symbol": "0.14"}, "reduced", "0.2"),
        # another limit fails as well, to which no size is cut down
        ([check("max_trade", "0.04"), check("max_entries", 9)], {"max_trade": "0.02", "max_entries": 5}, "refused", "1"),
    ],
)  # fmt: skip
def test_what_risk_sized_itself_would_have_been_smaller(checks, changes, effect, part):
    answer = ask(decided(*checks, sized=True), **changes)
    assert (answer.effect, answer.part) == (effect, Decimal(part))
    assert ask(decided(*checks), **changes).effect == "refused"  # a person's size is taken or left


def test_it_says_what_it_could_not_ask():
    changes = {"max_entries": 5, "max_loss": "0.2", "listed": ["a", "b"], "max_value": {"USDT": "100", "BTC": "2"}}
    machine = TimeMachine(IN_FORCE, IN_FORCE | changes, run_again={"listed"})
    machine.ask(decided(check("max_entries", 3), check(None, None), check(None, None, name="cash")))
    machine.ask(decided(check("max_entries", 3), check(None, None)))
    assert machine.not_asked == ["max_loss", "max_value.BTC"]
    assert (machine.asked, machine.kept) == (2, {"fixed": 2, "cash": 1})


def test_effects_are_summed_by_every_heading_and_a_loss_avoided_is_a_gain():
    effects = Effects()
    one = ask(decided(check("max_entries", 9), check("max_loss", "0.09", "below")), max_entries=5, max_loss="0.05")
    effects.add(one, Result("USDT", Decimal(-30), Decimal(-10), ("o1",)))
    later = decided(check("max_entries", 9), symbol="ETH/USDT", strategy_id="rsi", as_of=START + timedelta(days=1))
    effects.add(ask(later, max_entries=5), Result("USDT", Decimal(25), None, ("o2",)))
    effects.add(ask(decided(check("max_entries", 9), side="sell"), max_entries=5), None)
    effects.add(ask(decided(check("max_entries", 11, passed=False)), max_entries=20), None)
    assert (effects.total.refused, effects.total.allowed, effects.exits_stopped) == (3, 1, 1)
    worth = effects.total.worth["USDT"]
    assert (worth.lost, worth.won, worth.effect) == (Decimal(-40), Decimal(25), Decimal(15))
    assert (worth.unrealised, worth.unvalued) == (Decimal(-10), 1)
    assert {name: tally.refused for name, tally in effects.by_check.items()} == {"max_entries": 3, "max_loss": 1}
    assert {name: tally.refused for name, tally in effects.by_symbol.items()} == {"BTC/USDT": 2, "ETH/USDT": 1}
    assert effects.by_strategy["rsi"].worth["USDT"].won == 25
    assert list(effects.by_day) == ["2026-01-05", "2026-01-06"]
    assert len(effects.caveats) == 3


def test_of_a_smaller_trade_only_the_part_that_is_cut_off_counts():
    effects = Effects()
    smaller = ask(decided(check("max_trade", "0.04"), sized=True), max_trade="0.02")
    effects.add(smaller, Result("USDT", Decimal(-30), Decimal(10)))
    assert effects.total.reduced == 1
    assert effects.total.worth["USDT"].effect == Decimal(10)


def test_examples_end_at_twenty():
    effects = Effects()
    for _ in range(30):
        effects.add(ask(decided(check("max_entries", 9)), max_entries=5), None)
    assert (effects.total.refused, len(effects.examples)) == (30, 20)


@given(some.lists(some.integers(0, 30), max_size=30), some.integers(0, 30), some.integers(0, 30))
def test_a_limits_answer_is_what_deciding_anew_would_have_been(measures, then, proposed):
    """For a rule that does not depend on what was decided before, replaying the decisions gives the same."""
    past = IN_FORCE | {"max_entries": then}
    machine = TimeMachine(past, IN_FORCE | {"max_entries": proposed})
    for measure in measures:
        answer = machine.ask(decided(check("max_entries", measure, passed=measure <= then), then=past))
        anew = measure <= proposed
        assert (answer.effect if answer else None) == (
            None if anew == (measure <= then) else "allowed" if anew else "refused"
        )
