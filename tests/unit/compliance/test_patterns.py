"""Patterns of our own trading: what is refused, what is flagged, and that a sell is never trapped."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.fakes.transaction import START
from tests.unit.compliance.desk import Desk, failed
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.messages import FlagChanged, OrderApproved


def policy(**fields: object) -> CompliancePolicy:
    return CompliancePolicy.model_validate(fields)


def rules_flagged(desk: Desk) -> list[str]:
    return [flag.rule for flag in desk.state.of(FlagChanged)]


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_watched_symbol_is_traded_and_flagged(side):
    desk = Desk(policy(watched_symbols=["BTC/USDT"]))
    assert isinstance(desk.review(desk.proposal(side)), OrderApproved)
    assert isinstance(desk.review(desk.proposal(side, symbol="ETH/USDT")), OrderApproved)
    assert rules_flagged(desk) == ["symbol_watched"]


@pytest.mark.parametrize(
    ("side", "facing", "fields", "meets"),
    [
        # a market order is taken to reach 0.1 % beyond its decision price of 50,000
        ("buy", "50050", {}, True),
        ("buy", "50051", {}, False),
        ("sell", "49950", {}, True),
        ("sell", "49949", {}, False),
        # a limit order reaches to its limit
        ("buy", "50051", {"order_type": "limit", "limit_price": "50051"}, True),
        ("buy", "50052", {"order_type": "limit", "limit_price": "50051"}, False),
        ("sell", "49000", {"order_type": "limit", "limit_price": "49000"}, True),
        # a stop order to where it wakes up
        ("buy", "51000", {"order_type": "stop_loss", "trigger_price": "51000"}, True),
    ],
)
def test_an_order_that_could_meet_our_own_is_refused_and_flagged(side, facing, fields, meets):
    desk = Desk()
    desk.state.facing = Decimal(facing)
    answer = desk.review(desk.proposal(side, **fields))
    if meets:
        assert failed(answer) == ["own_order_match"]
        assert rules_flagged(desk) == ["own_order_match"]
    else:
        assert isinstance(answer, OrderApproved)
        assert rules_flagged(desk) == []


@pytest.mark.parametrize(
    ("fields", "washes"),
    [
        ({}, True),
        ({"strategy_id": "rsi-btc"}, False),  # the strategy that sold may buy again
        ({"as_of": START + timedelta(minutes=5)}, True),
        ({"as_of": START + timedelta(minutes=5, seconds=1)}, False),
        ({"as_of": START - timedelta(minutes=5)}, True),  # it was overtaken by the sell
        ({"reference_price": "50050.05"}, True),
        ({"reference_price": "50100"}, False),
        ({"symbol": "ETH/USDT"}, False),
    ],
)
def test_buying_what_another_strategy_has_just_sold(fields, washes):
    desk = Desk(policy(wash_trade="refuse"))
    assert isinstance(desk.sell(strategy_id="rsi-btc"), OrderApproved)
    answer = desk.buy(**fields)
    assert failed(answer) == ["wash_trade"] if washes else isinstance(answer, OrderApproved)
    assert rules_flagged(desk) == ["wash_trade"] * washes


def test_selling_what_another_strategy_has_just_bought_is_flagged_and_not_trapped():
    desk = Desk(policy(wash_trade="refuse"))
    desk.buy(strategy_id="rsi-btc")
    assert isinstance(desk.sell(), OrderApproved)
    assert rules_flagged(desk) == ["wash_trade"]


@pytest.mark.parametrize(
    ("orders", "pulled", "refused"), [(20, 11, True), (20, 10, False), (19, 19, False), (0, 0, False)]
)
def test_orders_for_show_end_buying_from_a_least_number_on(orders, pulled, refused):
    desk = Desk()
    desk.state.orders_of_day, desk.state.pulled_of_day = orders, pulled
    answer = desk.buy()
    assert failed(answer) == ["spoofing"] if refused else isinstance(answer, OrderApproved)
    assert isinstance(desk.sell(), OrderApproved)
    assert rules_flagged(desk) == ["spoofing"] * refused


@pytest.mark.parametrize(
    ("amount", "unusual"), [("0.02", False), ("0.0199", True), ("0.5", False), ("0.501", True), ("0.1", False)]
)
def test_a_size_far_from_the_weeks_average_of_the_other_trades(amount, unusual):
    desk = Desk(policy(unusual_size="refuse", unusual_size_min_trades=3, max_order_value={"USDT": "1000000"}))
    for day in range(3):
        desk.buy(as_of=START - timedelta(days=day), amount=str(Decimal("0.05") * (day + 1)))  # on average 0.1
    answer = desk.buy(amount=amount)
    assert failed(answer) == ["unusual_size"] if unusual else isinstance(answer, OrderApproved)


def test_a_few_trades_are_no_average():
    desk = Desk(policy(unusual_size="refuse", unusual_size_min_trades=3))
    desk.buy()
    desk.buy()
    assert isinstance(desk.buy(amount="0.0001"), OrderApproved)


@pytest.mark.parametrize("consequence", ["flag", "ignore"])
def test_a_pattern_that_does_not_refuse_lets_the_order_pass(consequence):
    fields = dict.fromkeys(("own_order_match", "wash_trade", "spoofing", "unusual_size"), consequence)
    desk = Desk(policy(**fields, unusual_size_min_trades=1))
    desk.sell(strategy_id="rsi-btc")
    desk.state.facing, desk.state.orders_of_day, desk.state.pulled_of_day = Decimal(1), 100, 100
    assert isinstance(desk.buy(amount="0.001"), OrderApproved)
    assert rules_flagged(desk) == (list(fields) if consequence == "flag" else [])


@given(
    facing=some.none() | some.decimals("0.01", "100000", places=2).filter(lambda price: price < 49_000),
    orders=some.integers(0, 100),
    share=some.floats(0, 1),
    earlier=some.lists(some.sampled_from(["0.001", "0.1", "2"]), max_size=5),
)
def test_nothing_but_an_own_order_in_reach_keeps_a_sell_from_leaving(facing, orders, share, earlier):
    rules = dict.fromkeys(("own_order_match", "wash_trade", "spoofing", "unusual_size"), "refuse")
    desk = Desk(policy(**rules, unusual_size_min_trades=1, max_trades_per_hour=0))
    for amount in earlier:
        desk.sell(amount=amount)
    desk.state.facing = facing
    desk.state.orders_of_day, desk.state.pulled_of_day = orders, int(orders * share)
    assert isinstance(desk.sell(), OrderApproved)
