"""What compliance would decide, and its voice: the same rules, and nothing is stored."""

from __future__ import annotations

import copy
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fakes.questions import question
from tests.fakes.transaction import START, FakeQuoteBoard, FakeStore
from tests.unit.compliance.desk import Desk
from volexswarm.compliance.model import Flag
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.compliance.voice import ComplianceVoice
from volexswarm.messages import Check, OrderApproved, Quote, Side, Verdict
from volexswarm.policies import StoredPolicy

NO = Verdict(
    stage="risk", approved=False, policy_version=1, checks=(Check(name="x", limit="", value="", passed=False),)
)


@pytest.mark.parametrize(
    ("policy", "changes"),
    [
        (CompliancePolicy(), {}),
        (CompliancePolicy(restricted_symbols=("BTC/USDT",)), {}),
        (CompliancePolicy(), {"amount": "10"}),
        (CompliancePolicy(max_trades_per_hour=0), {}),
        (CompliancePolicy(allowed_venues=()), {"side": "sell"}),
        (CompliancePolicy(), {"verdict": NO}),
        (StoredPolicy(3, {"nonsense": 1}), {}),
    ],
)
def test_what_is_considered_is_what_would_be_decided(policy, changes):
    desk = Desk(policy)
    proposal = desk.proposal(**changes)
    before = copy.deepcopy(desk.state.__dict__)
    considered = desk.agent.consider(proposal)
    assert desk.state.__dict__ == before
    desk.review(proposal)
    (decided,) = desk.state.decisions.values()
    told = [check for check in decided.checks if check.name != "proposal_waiting"]
    assert list(considered.checks) == told
    assert considered.approved == isinstance(desk.state.published[-1].data, OrderApproved) == decided.approved


def test_what_is_not_in_our_records_can_be_considered():
    desk = Desk()
    assert desk.agent.consider(desk.proposal(known=False)).approved


class Room(Desk):
    def __init__(self, policy=None):
        super().__init__(policy)
        self.quotes = FakeQuoteBoard()
        self.quote()
        self.voice = ComplianceVoice(
            store=FakeStore(self.state),
            agent=self.agent,
            quotes=self.quotes,
            clock=self.clock,
            quote_max_age=timedelta(seconds=30),
        )

    def quote(self, age=0):
        received = self.clock.now() - timedelta(seconds=age)
        price = Decimal(50_000)
        self.quotes.quotes["BTC/USDT"] = Quote(bid=price, ask=price, as_of=START, received_at=received)

    def ask(self, **asked):
        return self.voice.testify(question(as_of=START, **asked))


def test_a_symbol_that_may_be_traded():
    said = Room().ask()
    assert said.features == {"passed": 1.0, "restricted": 0.0, "trades_left_today": 500.0, "open_flags": 0.0}


def test_a_restricted_symbol_is_said_to_be_one():
    said = Room(CompliancePolicy(restricted_symbols=("BTC/USDT",))).ask()
    assert (said.features["passed"], said.features["restricted"]) == (0.0, 1.0)
    assert "compliance:check:symbol_allowed" in {evidence.id for evidence in said.evidence}


def test_it_asks_for_a_trade_of_the_usual_size():
    room = Room(CompliancePolicy(max_order_value={"USDT": Decimal(5_000)}, max_trades_per_day=10))
    assert room.ask().features["passed"] == 1.0  # no usual size: values are not judged
    room.state.facing = None
    for _ in range(3):
        approved = room.proposal(amount="0.2")
        room.state.states[approved.id] = "approved"
    said = room.ask()
    assert (said.features["passed"], said.features["trades_left_today"]) == (0.0, 7.0)
    assert "compliance:check:order_value" in {evidence.id for evidence in said.evidence}
    assert room.ask(wish=Side.SELL).features["passed"] == 1.0  # a rule must not trap a position


def test_flags_that_nobody_has_cleared_are_told():
    room = Room()
    for rule, state in (("wash_trade", "open"), ("spoofing", "escalated"), ("unusual_size", "cleared")):
        flag = Flag(
            rule, "binance", "main", "binance:BTC/USDT", START.date(), "seen", START, START, START, "c", state=state
        )
        room.state.flags[flag.id] = flag
    said = room.ask()
    assert said.features["open_flags"] == 2
    assert sorted(one.text for one in said.evidence if one.kind == "flag") == ["spoofing: seen", "wash_trade: seen"]


def test_without_a_valid_policy_nothing_passes():
    said = Room(StoredPolicy(2, {"nonsense": 1})).ask()
    assert said.features == {"passed": 0.0, "open_flags": 0.0}


def test_without_a_present_price_it_says_so():
    room = Room()
    room.quote(age=31)
    assert room.ask().missing == "there is no present price of BTC/USDT"


def test_testifying_changes_nothing():
    room = Room()
    before = copy.deepcopy(room.state.__dict__)
    room.ask()
    assert room.state.__dict__ == before
