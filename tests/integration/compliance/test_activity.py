"""What the review finds in the stored truth: each trade once, what stands in the book, what was pulled from it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fakes.transaction import START
from tests.integration.compliance.desk import Desk
from volexswarm.adapters.postgres.compliance import ComplianceTransaction
from volexswarm.compliance.flags import FlagDesk
from volexswarm.compliance.model import Activity, OwnTrade
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.messages import Event, TradeProposed

STANDING = {"order_type": "limit", "limit_price": 50010, "side": "sell", "state": "accepted", "time_in_force": "gtc"}


def look(desk: Desk, proposal: Event[TradeProposed]) -> Activity:
    with desk.database.connection() as connection:
        return ComplianceTransaction(connection).activity(proposal, CompliancePolicy().look)


def test_the_slices_of_one_proposal_are_one_trade(desk):
    sliced, itself = desk.trade(), desk.propose()
    done = {"purpose": "slice", "state": "filled", "amount": Decimal("0.004"), "filled": Decimal("0.004"), "cost": 200}
    desk.order(sliced, **done)
    desk.order(sliced, **done | {"state": "accepted", "filled": 0, "cost": 0})
    desk.run(
        "INSERT INTO order_plans (proposal_id, venue, account, symbol, profile, amount, slices, interval_seconds,"
        " worst_price, state, started_at, updated_at, correlation_id) VALUES (%s, 'binance', 'main', 'BTC/USDT',"
        " 'default', 0.01, 3, 60, 51000, 'working', now(), now(), %s)",
        sliced.id,
        sliced.correlationid,
    )

    def found() -> tuple[int, Decimal]:
        activity = look(desk, itself)
        return activity.trades_of_day, activity.value_of_day

    assert found() == (1, Decimal(500))  # while it goes on, all of it may still be executed
    desk.run("UPDATE orders SET state = 'canceled' WHERE state = 'accepted'")
    assert found() == (1, Decimal(500))
    desk.run("UPDATE order_plans SET state = 'stopped'")
    assert found() == (1, Decimal(200))


@pytest.mark.parametrize(
    ("side", "order"),
    [
        ("buy", {"order_type": "market"}),
        ("buy", {"order_type": "stop_loss", "trigger_price": "60000"}),
        ("buy", {"order_type": "take_profit", "trigger_price": "40000"}),
        ("buy", {"order_type": "stop_loss_limit", "trigger_price": "60000", "limit_price": "61000"}),
        ("sell", {"order_type": "stop_loss", "trigger_price": "40000"}),
    ],
)
def test_what_waits_for_a_price_is_worth_what_it_counts_as(desk, side, order):
    trade, itself = desk.trade(side, **order), desk.propose("sell" if side == "buy" else "buy")
    found = look(desk, itself)
    assert found.value_of_day == trade.data.notional
    assert [own.price for own in found.opposite] == [trade.data.counted_price]


def test_the_weeks_average_leaves_out_the_trade_itself_and_what_was_never_executed(desk):
    first, second, _third, itself = (desk.trade() for _ in range(4))
    desk.order(first, state="filled", filled=Decimal("0.008"), cost=400)
    desk.order(second, state="rejected")
    desk.fill(None, "buy", "0.01", "60000")
    found = look(desk, itself)
    assert (found.trades_of_week, found.average_of_week) == (3, Decimal(500))  # 400, 500 to come, 600 past us


@pytest.mark.parametrize(
    ("changes", "faces"),
    [
        ({}, True),
        ({"state": "partially_filled", "time_in_force": "post_only"}, True),
        ({"state": "unknown"}, True),
        ({"state": "canceled"}, False),
        ({"time_in_force": "ioc"}, False),
        ({"trigger_price": 49000, "order_type": "stop_loss_limit"}, False),
        ({"side": "buy"}, False),
        ({"order_type": "market", "limit_price": None}, False),
    ],
)
def test_what_stands_on_the_other_side_of_the_book(desk, changes, faces):
    desk.order(desk.trade(), **STANDING | changes)
    assert look(desk, desk.propose()).facing == (Decimal(50010) if faces else None)


def test_an_approved_order_on_its_way_to_the_book_is_met_like_one_that_stands_there(desk):
    desk.trade("sell", order_type="limit", limit_price="50010")
    desk.trade("buy")
    assert desk.refusals() == [["own_order_match"]]
    flags = desk.rows("SELECT rule, subject, count, state FROM compliance_flags")
    assert flags == [{"rule": "own_order_match", "subject": "binance:BTC/USDT", "count": 1, "state": "open"}]
    assert len(desk.rows("SELECT FROM events WHERE type = 'volexswarm.FlagChanged'")) == 1


def test_orders_that_were_pulled_soon_after_sending_are_told_from_those_that_stood_or_were_filled(desk):
    at = START + timedelta(minutes=1)
    for changes in (
        {"updated_at": START + timedelta(minutes=5)},
        {"updated_at": START + timedelta(minutes=5, seconds=1)},
        {"updated_at": at, "filled": Decimal("0.001"), "cost": 50},
        {"updated_at": at, "state": "filled"},
        {"updated_at": at, "sent_at": None},  # it never came to the exchange
        {"updated_at": at, "time_in_force": "fok"},  # it was never meant to stay
    ):
        desk.order(desk.trade(), **STANDING | {"state": "canceled"} | changes)
    found = look(desk, desk.propose())
    assert (found.orders_of_day, found.pulled_of_day) == (4, 1)


def test_what_other_strategies_did_on_the_other_side_is_found_within_the_window(desk):
    sold, itself = desk.propose("sell", strategy_id="rsi"), desk.propose("buy")
    assert look(desk, itself).opposite == ()
    desk.review(sold)
    assert look(desk, itself).opposite == (OwnTrade("rsi", Decimal(50_000), START),)
    desk.run("UPDATE proposals SET as_of = as_of - interval '6 minutes' WHERE side = 'sell'")
    assert look(desk, itself).opposite == ()


def test_a_flag_is_answered_and_one_that_is_not_is_escalated(desk):
    desk.activate("compliance", CompliancePolicy(watched_symbols=("BTC/USDT", "ETH/USDT")))
    for symbol in ("BTC/USDT", "ETH/USDT", "ETH/USDT"):
        desk.trade(symbol=symbol)
    flags = {row["subject"]: row for row in desk.rows("SELECT id::text, subject, count FROM compliance_flags")}
    assert {subject: row["count"] for subject, row in flags.items()} == {"binance:BTC/USDT": 1, "binance:ETH/USDT": 2}
    answers = FlagDesk(desk.store(ComplianceTransaction), desk.clock)
    cleared = answers.clear(flags["binance:BTC/USDT"]["id"], actor="ann", reason="known")
    assert cleared.id == flags["binance:BTC/USDT"]["id"]
    desk.clock.advance(timedelta(hours=24, seconds=1))
    assert (answers.escalate_unanswered(), answers.escalate_unanswered()) == (1, 0)
    states = desk.rows("SELECT subject, state, escalated_by, cleared_by FROM compliance_flags ORDER BY subject")
    assert [tuple(row.values()) for row in states] == [
        ("binance:BTC/USDT", "cleared", None, "ann"),
        ("binance:ETH/USDT", "escalated", "compliance", None),
    ]
