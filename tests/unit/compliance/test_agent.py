"""The compliance agent: each rule refuses by its name, counts in market time, and doubt is a refusal."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fakes.transaction import START
from tests.unit.compliance.desk import YES, Desk, failed
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.messages import OrderApproved, Verdict
from volexswarm.policies import StoredPolicy

NO = Verdict(stage="risk", approved=False, policy_version=1, checks=())


def test_an_approved_order_is_the_proposal_and_names_it():
    desk = Desk()
    proposal = desk.proposal(limit_price="49000", order_type="limit", stop_price="48000")
    order = desk.review(proposal)
    assert isinstance(order, OrderApproved)
    assert order.proposal_id == proposal.id
    common = set(OrderApproved.model_fields) - {"proposal_id"}
    assert all(getattr(order, name) == getattr(proposal.data, name) for name in common)
    assert desk.state.states[proposal.id] == "approved"


def test_the_order_stays_in_the_proposals_chain():
    desk = Desk()
    proposal = desk.proposal()
    desk.agent.review(proposal)
    (order,) = desk.state.published
    assert (order.correlationid, order.causationid) == (proposal.correlationid, proposal.id)


@pytest.mark.parametrize(
    ("policy", "fields", "rule"),
    [
        ({}, {"venue": "nowhere"}, "venue_allowed"),
        ({"allowed_venues": []}, {}, "venue_allowed"),
        ({"restricted_symbols": ["XMR/USDT", "BTC/USDT"]}, {}, "symbol_allowed"),
        ({"max_order_value": {"USDT": "4999.99"}}, {}, "order_value"),
        ({"max_daily_value": {"USDT": "4999.99"}}, {}, "daily_value"),
        ({"max_trades_per_hour": 0}, {}, "trades_per_hour"),
        ({"max_trades_per_day": 0}, {}, "trades_per_day"),
        ({}, {"verdict": NO}, "risk_approved"),
        ({}, {"verdict": YES.model_copy(update={"stage": "compliance"})}, "risk_approved"),
        ({}, {"known": False}, "proposal_waiting"),
    ],
)
def test_a_buy_is_refused_by_the_name_of_the_rule(policy, fields, rule):
    desk = Desk(CompliancePolicy.model_validate(policy))
    assert failed(desk.buy(**fields)) == [rule]
    assert "approved" not in desk.state.states.values()


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_proposal_that_lay_in_its_queue_for_too_long_is_refused(side):
    desk = Desk()
    desk.clock.advance(timedelta(minutes=15))
    assert isinstance(desk.review(desk.proposal(side)), OrderApproved)
    desk.clock.advance(timedelta(seconds=1))
    assert failed(desk.review(desk.proposal(side))) == ["proposal_fresh"]


def test_a_currency_without_limits_is_not_spent():
    assert failed(Desk().buy(symbol="BTC/GBP")) == ["order_value", "daily_value"]


def test_a_limit_orders_value_is_at_its_limit_price():
    desk = Desk(CompliancePolicy(max_order_value={"USDT": Decimal(4900)}))
    assert isinstance(desk.buy(order_type="limit", limit_price="49000"), OrderApproved)


@pytest.mark.parametrize(
    "stored",
    [
        None,
        StoredPolicy(3, {"max_trades_per_hour": -1}),
        StoredPolicy(3, {"max_trades_per_hours": 1}),
        StoredPolicy(3, {"max_order_value": {"USDT": "NaN"}}),
    ],
)
def test_without_a_valid_policy_everything_is_refused(stored):
    desk = Desk()
    desk.state.policy = stored
    assert failed(desk.buy()) == ["policy"]
    assert failed(desk.sell()) == ["policy"]


def test_the_daily_value_adds_up_over_symbols_of_the_same_currency():
    desk = Desk(CompliancePolicy(max_daily_value={"USDT": Decimal(12_000), "BTC": Decimal(1)}))
    desk.buy()
    desk.sell(symbol="ETH/USDT")
    assert failed(desk.buy()) == ["daily_value"]
    assert isinstance(desk.buy(symbol="ETH/BTC", amount="10", reference_price="0.05"), OrderApproved)


@pytest.mark.parametrize(
    ("rule", "window"), [("trades_per_hour", timedelta(hours=1)), ("trades_per_day", timedelta(days=1))]
)
def test_trades_are_counted_by_symbol_in_a_window_of_market_time(rule, window):
    desk = Desk(CompliancePolicy.model_validate({f"max_{rule}": 2}))
    desk.buy()
    desk.sell()
    assert failed(desk.buy(as_of=START + window - timedelta(seconds=1))) == [rule]
    assert isinstance(desk.buy(symbol="ETH/USDT"), OrderApproved)
    assert isinstance(desk.buy(as_of=START + window), OrderApproved)


def test_a_proposal_that_comes_late_counts_the_later_ones_too():
    desk = Desk(CompliancePolicy(max_trades_per_hour=1))
    desk.buy(as_of=START + timedelta(minutes=1))
    assert failed(desk.buy(as_of=START)) == ["trades_per_hour"]


def test_refused_proposals_are_no_trades():
    desk = Desk(CompliancePolicy(max_trades_per_hour=1, max_order_value={"USDT": Decimal(5000)}))
    desk.buy(amount="1")
    assert isinstance(desk.buy(), OrderApproved)


def test_no_rule_of_size_or_number_traps_a_position():
    nothing = {"USDT": "0.01"}
    policy = {"max_order_value": nothing, "max_daily_value": nothing, "max_trades_per_hour": 0, "max_trades_per_day": 0}
    assert isinstance(Desk(CompliancePolicy.model_validate(policy)).sell(), OrderApproved)


def test_a_restricted_symbol_is_not_sold_either():
    assert failed(Desk(CompliancePolicy(restricted_symbols=("BTC/USDT",))).sell()) == ["symbol_allowed"]


def test_a_proposal_delivered_again_changes_nothing():
    desk = Desk()
    proposal = desk.proposal()
    desk.agent.review(proposal)
    desk.agent.review(proposal)
    assert len(desk.state.published) == 1
    assert desk.state.states == {proposal.id: "approved"}


def test_the_default_policy_survives_the_database():
    policy = CompliancePolicy()
    assert CompliancePolicy.model_validate(policy.model_dump(mode="json")) == policy
