"""Changing a policy: whole or by field, never invalid, never over somebody else's change, and told with what changed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.rulebook import FakePolicyTransaction
from tests.fakes.transaction import FakeStore, FixedClock
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.errors import Conflict, InvalidInput, NotFound
from volexswarm.messages import PolicyActivated
from volexswarm.policies import StoredPolicy
from volexswarm.rulebook.desk import Activated, PolicyDesk, Wanted

MODELS = {"compliance": CompliancePolicy}


class Office:
    def __init__(self, body: dict[str, Any] | None) -> None:
        self.state = FakePolicyTransaction(**{} if body is None else {"compliance": StoredPolicy(3, body)})
        self.desk = PolicyDesk(FakeStore(self.state), MODELS, FixedClock())

    def change(self, expected_version: int = 3, reason: str = "because", **changes: object) -> Activated:
        wanted = Wanted(changes={name.replace("__", "."): value for name, value in changes.items()})
        return self.desk.activate("compliance", wanted, expected_version=expected_version, actor="ann", reason=reason)

    @property
    def in_force(self) -> CompliancePolicy:
        return CompliancePolicy.model_validate(self.state.policies["compliance"][-1].body)


def test_a_field_is_changed_and_every_other_stays():
    office = Office({"max_trades_per_hour": 7})
    assert office.change(max_trades_per_day=9) == Activated(4, {"max_trades_per_day": "500 → 9"})
    assert office.in_force == CompliancePolicy(max_trades_per_hour=7, max_trades_per_day=9)
    assert office.state.reasons["compliance", 4] == ("ann", "because")
    (told,) = office.state.of(PolicyActivated)
    assert (told.name, told.version, told.actor, told.reason) == ("compliance", 4, "ann", "because")
    assert told.changed == {"max_trades_per_day": "500 → 9"}


def test_one_entry_of_a_mapping_is_changed_added_or_taken_away():
    office = Office({"max_order_value": {"USDT": "10", "BTC": "1"}})
    changed = office.change(max_order_value__USDT="20", max_order_value__GBP=5, max_order_value__BTC=None).changed
    assert changed == {
        "max_order_value.USDT": "10 → 20",
        "max_order_value.GBP": "none → 5",
        "max_order_value.BTC": "1 → none",
    }
    assert office.in_force.max_order_value == {"USDT": Decimal(20), "GBP": Decimal(5)}


def test_lists_are_told_in_words():
    office = Office({"restricted_symbols": ["XMR/USDT"]})
    assert office.change(restricted_symbols=["XMR/USDT", "BTC/USDT"], watched_symbols=["ETH/USDT"]).changed == {
        "restricted_symbols": "XMR/USDT → XMR/USDT, BTC/USDT",
        "watched_symbols": "none → ETH/USDT",
    }


def test_a_whole_policy_replaces_the_old_one():
    office = Office({"max_trades_per_hour": 7})
    wanted = Wanted(whole={"max_trades_per_day": 9})
    office.desk.activate("compliance", wanted, expected_version=3, actor="ann", reason="x")
    assert office.in_force == CompliancePolicy(max_trades_per_day=9)


def test_a_broken_policy_is_mended_by_changing_its_broken_field():
    office = Office({"max_trades_per_hour": -7})
    office.change(max_trades_per_hour=7)
    assert office.in_force.max_trades_per_hour == 7


def test_the_first_version_comes_after_none():
    office = Office(None)
    whole = Wanted(whole={})
    assert office.desk.activate("compliance", whole, expected_version=0, actor="a", reason="x").version == 1


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"max_trades_per_hour": -1}, "max_trades_per_hour", "at least 0"),
        ({"max_trades_per_hours": 1}, "max_trades_per_hours", "one of the fields allowed_venues"),
        ({"max_order_value__USDT": "NaN"}, "max_order_value.USDT", "finite"),
        ({"max_trades_per_hour__USDT": 1}, "max_trades_per_hour.USDT", "has no entries"),
        ({"wash_trade": "whatever"}, "wash_trade", "'refuse', 'flag' or 'ignore'"),
        ({"max_trades_per_day": 500}, "changes", "another value"),
        ({}, "changes", "another value"),
        ({"reason": "  ", "max_trades_per_day": 1}, "reason", "in words"),
    ],
)
def test_what_makes_no_valid_change_is_refused_by_its_field(changes, field, expected):
    office = Office({})
    with pytest.raises(InvalidInput) as refusal:
        office.change(**changes)
    assert refusal.value.field == field
    assert expected in refusal.value.expected
    assert office.state.published == []


def test_a_change_made_on_an_older_version_is_refused():
    office = Office({})
    office.change(max_trades_per_day=9)
    with pytest.raises(Conflict, match="version 4 of policy compliance is in force, not 3"):
        office.change(max_trades_per_day=10)
    assert office.in_force.max_trades_per_day == 9


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(whole={}, changes={})])
def test_it_is_either_the_whole_policy_or_changes(wanted):
    with pytest.raises(InvalidInput):
        Office({}).desk.activate("compliance", wanted, expected_version=3, actor="a", reason="x")


def test_there_is_no_other_policy():
    with pytest.raises(NotFound, match="there are compliance"):
        Office({}).desk.activate("magic", Wanted(whole={}), expected_version=0, actor="a", reason="x")
