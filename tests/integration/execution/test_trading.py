"""Real orders on the simulated exchange through unmodified ccxt: one order per decision, and books equal to the balances."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.integration.execution.conftest import SYMBOL, Desk, approved
from volexswarm.errors import OutcomeUnknown, Rejected, Retry, Unavailable
from volexswarm.execution.model import OrderRequest
from volexswarm.messages import Event, ExecutionReported, OrderApproved, OrderState, OrderType, Side


def test_a_market_order_is_filled_and_booked_to_the_last_digit(desk: Desk) -> None:
    desk.portfolio.open_account()
    desk.place(approved(Side.BUY, "0.0123456789"))
    ((state, filled, sent),) = desk.query("SELECT state, filled, amount FROM orders")
    assert state == "filled"
    assert filled == sent == Decimal("0.01234")
    assert desk.books() == desk.held()
    ((entries, unbalanced),) = desk.query(
        "SELECT count(*), (SELECT count(*) FROM (SELECT FROM ledger_entries GROUP BY transaction_id, currency"
        " HAVING sum(amount) <> 0) AS t) FROM ledger_entries"
    )
    assert entries
    assert unbalanced == 0


def test_the_whole_chain_is_stored(desk: Desk) -> None:
    desk.portfolio.open_account()
    event = approved()
    desk.place(event)
    lived = desk.query("SELECT before, after FROM order_transitions WHERE order_id = %s ORDER BY position", event.id)
    assert lived == [(None, "intended"), ("intended", "submitted"), ("submitted", "filled")]
    told = {row[0] for row in desk.query("SELECT type FROM events WHERE correlation_id = %s", event.correlationid)}
    assert told == {"volexswarm.OrderChanged", "volexswarm.FillRecorded"}
    assert desk.query("SELECT count(*) FROM outbox WHERE published_at IS NULL") == [(0,)]
    ((amount, average),) = desk.query("SELECT amount, average_price FROM positions")
    assert amount == desk.query("SELECT sum(amount) - sum(fee) FROM fills")[0][0]
    assert average > 0


def test_an_order_of_another_symbol_with_the_same_number_is_another_order(desk: Desk) -> None:
    """Venues number the orders of each symbol by themselves."""
    desk.portfolio.open_account()
    desk.place(approved(limit_price="30000"))
    ((order_id, number),) = desk.query("SELECT id, exchange_order_id FROM orders")
    report = ExecutionReported(
        venue="binance",
        symbol="ETH/USDT",
        account="main",
        client_order_id="someone",
        exchange_order_id=number,
        side=Side.BUY,
        state=OrderState.FILLED,
        filled=Decimal(1),
        as_of=datetime.now(UTC),
    )
    desk.agent.apply(Event.root(report, source="realtime-data", subject=report.key, identity="1", time=report.as_of))
    assert desk.query("SELECT reported_state FROM orders WHERE id = %s", order_id) == [("accepted",)]


@pytest.mark.parametrize(
    "lost",
    [
        {"POST order": ["answer"]},
        {"POST order": ["answer"], "GET order": ["answer", "request"]},
        {"POST order": ["request"]},
        {"POST order": ["request", "answer"], "GET order": ["", "request"]},
        {"GET myTrades": ["answer"], "POST order": ["answer"]},
    ],
)
def test_whatever_the_network_loses_there_is_one_order(desk: Desk, lost: dict[str, list[str]]) -> None:
    desk.portfolio.open_account()
    event = approved()
    for call, fates in lost.items():
        desk.lose(call, *fates)
    for _ in range(5):
        with suppress(Retry):
            desk.place(event)
        desk.age_orders()
    assert desk.states() == ["filled"]
    assert len(desk.other.fetch_orders(SYMBOL)) == 1
    assert desk.books() == desk.held()


def test_a_request_that_leaves_after_its_window_is_refused_by_the_exchange(desk: Desk) -> None:
    """A process that stood still between storing and sending can't place what another has placed in the meantime."""
    sent_long_ago = OrderRequest(
        client_order_id="vstoodstill",
        symbol=SYMBOL,
        side=Side.BUY,
        order_type=OrderType.MARKET,
        amount=Decimal("0.01"),
        limit_price=None,
        sent_at=datetime.now(UTC) - timedelta(seconds=6),
    )
    with pytest.raises(OutcomeUnknown, match="InvalidNonce"):
        desk.gateway.place(sent_long_ago)
    assert desk.other.fetch_orders(SYMBOL) == []


def test_every_message_twice_changes_nothing(desk: Desk) -> None:
    desk.portfolio.open_account()
    events = [approved(Side.BUY, "0.02"), approved(Side.SELL, "0.01")]
    for event in events:
        desk.place(event)
    count = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM fills), (SELECT count(*) FROM ledger_entries)"
    before = desk.query(count), desk.books(), desk.query("SELECT * FROM positions")
    for event in events:
        desk.place(event)
    for report in desk.reports() * 2:
        desk.agent.apply(report)
    assert not desk.portfolio.open_account()
    assert (desk.query(count), desk.books(), desk.query("SELECT * FROM positions")) == before


def test_trades_from_before_the_opening_are_not_booked_again(desk: Desk) -> None:
    desk.other.create_order(SYMBOL, "market", "buy", "0.05")
    desk.other.create_order(SYMBOL, "market", "sell", "0.02")
    desk.portfolio.open_account()
    assert desk.books() == desk.held()
    desk.other.create_order(SYMBOL, "market", "buy", "0.01")
    for report in desk.reports():
        desk.agent.apply(report)
    assert desk.books() == desk.held()
    assert desk.query("SELECT sum(amount), count(order_id) FROM fills") == [(Decimal("0.01"), 0)]


def test_a_sealed_vault_places_nothing_and_keeps_the_order(desk: Desk) -> None:
    desk.portfolio.open_account()
    desk.secrets.sealed = True
    event = approved()
    with pytest.raises(Unavailable, match="vault"):
        desk.place(event)
    assert desk.query("SELECT state, reason FROM orders") == [("intended", "vault is unavailable: it is sealed")]
    assert desk.other.fetch_orders(SYMBOL) == []
    desk.secrets.sealed = False
    desk.age_orders()
    assert desk.agent.resolve_open() == 1
    assert desk.states() == ["filled"]


def test_the_exchanges_refusal_is_final_and_says_why(desk: Desk) -> None:
    desk.portfolio.open_account()
    desk.place(approved(Side.SELL, "2"))
    ((state, reason),) = desk.query("SELECT state, reason FROM orders")
    assert state == "rejected"
    assert "insufficient balance" in reason
    assert desk.books() == desk.held()


def test_a_symbol_that_the_venue_does_not_trade_is_rejected(desk: Desk) -> None:
    with pytest.raises(Rejected, match="does not trade DOGE/USDT"):
        desk.gateway.rules("DOGE/USDT")


@pytest.mark.parametrize("seed", [1, 2])
def test_after_random_trading_over_a_bad_network_the_books_equal_the_exchange(desk: Desk, seed: int) -> None:
    """Market and limit orders of ours, trades of somebody else, losses everywhere, reports twice and shuffled."""
    chance = random.Random(seed)
    desk.portfolio.open_account()
    events = [trade_at_random(desk, chance) for _ in range(30)]
    come_to_rest(desk)
    reports = desk.reports() * 2
    chance.shuffle(reports)
    for report in reports:
        desk.agent.apply(report)
    assert desk.books() == desk.held()
    assert set(desk.states()) <= {"filled", "canceled"}
    at_exchange = [order["clientOrderId"] for order in desk.other.fetch_orders(SYMBOL)]
    ours = [row[0] for row in desk.query("SELECT client_order_id FROM orders")]
    assert len(ours) == len(events)
    assert all(at_exchange.count(name) == 1 for name in ours)
    booked_otherwise = (
        "SELECT FROM orders o WHERE filled <> (SELECT coalesce(sum(amount), 0) FROM fills f WHERE f.order_id = o.id)"
    )
    assert desk.query(booked_otherwise) == []


def trade_at_random(desk: Desk, chance: random.Random) -> Event[OrderApproved]:
    """One order over a network that may lose anything, and perhaps a trade of somebody else and some reports."""
    for call in ("POST order", "GET order", "GET myTrades"):
        desk.lose(call, chance.choice(["", "", "", "answer", "request"]))
    price = Decimal(desk.other.fetch_ticker(SYMBOL)["last"])
    limit = str(price * Decimal(chance.choice(["0.9", "0.999", "1.001"]))) if chance.random() < 0.4 else None
    event = approved(chance.choice(list(Side)), f"{chance.uniform(0.001, 0.05):.7f}", limit, str(price))
    with suppress(Retry):
        desk.place(event)
    if chance.random() < 0.2:
        desk.other.create_order(SYMBOL, "market", chance.choice(["buy", "sell"]), "0.003")
    if chance.random() < 0.3:
        for report in desk.reports()[-5:]:
            desk.agent.apply(report)
    return event


def come_to_rest(desk: Desk) -> None:
    """The network is well again: the keeper sends what got lost, what still stands is canceled, the keeper learns of it."""
    desk.network.lose.clear()
    desk.age_orders()
    desk.agent.resolve_open()
    for order in desk.other.fetch_open_orders(SYMBOL):
        desk.other.cancel_order(order["id"], SYMBOL)
    desk.age_orders()
    desk.agent.resolve_open()
