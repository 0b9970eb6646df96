"""Risk and compliance on PostgreSQL: limits hold among concurrent decisions, repeated messages change nothing."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tests.fakes.transaction import START, FakeQuoteBoard, FixedClock
from volexswarm.adapters.postgres.compliance import ComplianceTransaction
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.risk import RiskTransaction
from volexswarm.adapters.postgres.store import PostgresStore
from volexswarm.compliance.agent import ComplianceAgent
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Event, Quote, SignalRaised, TradeProposed, decode
from volexswarm.risk.agent import RiskAgent
from volexswarm.risk.policy import RiskPolicy
from volexswarm.risk.situation import Inquiry


class Unheard:
    """Takes every message and does nothing with it."""

    def send(self, queue: str, messages: Any) -> set[str]:
        return {message[0] for message in messages}


class Desk:
    """Both agents on one database, with an account of 100,000 USDT and half a bitcoin."""

    def __init__(self, dsn: str) -> None:
        self.sql = psycopg.connect(dsn, autocommit=True, row_factory=dict_row)
        self.database = Database(lambda: dsn, max_size=4)
        with ExitStack() as stack:  # opened beforehand, so that what begins at once runs at once
            for _ in range(4):
                stack.enter_context(self.database.connection())
        relay = Relay(self.database, Unheard())
        self.clock = FixedClock()
        quotes = FakeQuoteBoard()
        for symbol, price in {"BTC/USDT": 50_000, "ETH/USDT": 2_500}.items():
            quotes.quotes[symbol] = Quote(
                bid=Decimal(price), ask=Decimal(price), as_of=START, received_at=self.clock.now()
            )
        self.risk = RiskAgent(
            store=PostgresStore(self.database, RiskTransaction, relay),
            inquiry=Inquiry(
                quotes=quotes,
                clock=self.clock,
                currency="USDT",
                symbols=["BTC/USDT", "ETH/USDT"],
                timeframes=[Timeframe.M1],
                quote_max_age=30,
            ),
            clock=self.clock,
            real_time=False,
        )
        self.compliance = ComplianceAgent(
            store=PostgresStore(self.database, ComplianceTransaction, relay), clock=self.clock
        )
        self.run("INSERT INTO accounts VALUES ('binance', 'main', %s)", START)
        self.hold("USDT", "75000")
        self.hold("BTC", "0.5")
        self.run("INSERT INTO positions VALUES ('binance', 'main', 'BTC/USDT', 0.1, 50000, 0, 0, %s)", START)
        self.activate("risk", RiskPolicy(max_per_symbol=Decimal("0.40")))
        self.activate("compliance", CompliancePolicy())

    def close(self) -> None:
        self.database.close()
        self.sql.close()

    def run(self, statement: str, *values: object) -> None:
        self.sql.execute(statement, values)

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        return self.sql.execute(query, values).fetchall()

    def hold(self, currency: str, amount: str) -> None:
        self.run("INSERT INTO balances VALUES ('binance', 'main', 'assets', %s, %s)", currency, Decimal(amount))

    def activate(self, name: str, policy: RiskPolicy | CompliancePolicy) -> None:
        body = Jsonb(policy.model_dump(mode="json"))
        self.run(
            "INSERT INTO policies (name, version, body, activated_by)"
            " SELECT %s, 1 + count(*), %s, 'test' FROM policies WHERE name = %s",
            name,
            body,
            name,
        )

    def signal(self, side: str = "buy", symbol: str = "BTC/USDT", **others: object) -> Event[SignalRaised]:
        fields = {
            "venue": "binance",
            "symbol": symbol,
            "strategy_id": "manual",
            "strategy": "manual",
            "side": side,
            "confidence": 1,
            "price": {"BTC/USDT": "50000", "ETH/USDT": "2500"}[symbol],
            "as_of": START,
            "reason": "test",
        }
        data = SignalRaised.model_validate(fields | others)
        return Event.root(data, source="api", subject=data.key, identity=str(uuid.uuid4()), time=self.clock.now())

    def sent(self, queue: str) -> list[str]:
        return [row["body"] for row in self.rows("SELECT body FROM outbox WHERE queue = %s ORDER BY position", queue)]

    def proposals(self) -> list[Event[TradeProposed]]:
        return [decode(body, TradeProposed) for body in self.sent("proposals")]

    def order(self, proposal: Event[TradeProposed], state: str, filled: str = "0", as_of: datetime = START) -> str:
        """An order of the proposal, as execution would leave it."""
        order_id, trade = str(uuid.uuid4()), proposal.data
        self.run(
            "INSERT INTO orders (id, proposal_id, signal_id, strategy_id, client_order_id, venue, account, symbol, side,"
            " order_type, amount, reference_price, state, filled, cost, as_of, intended_at, updated_at, correlation_id)"
            " VALUES (%s, %s, %s, 's', %s, 'binance', 'main', %s, %s, 'market', %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            order_id,
            proposal.id,
            trade.signal_id,
            order_id,
            trade.symbol,
            trade.side.value,
            trade.amount,
            trade.reference_price,
            state,
            Decimal(filled),
            Decimal(filled) * trade.reference_price,
            as_of,
            as_of,
            as_of,
            proposal.correlationid,
        )
        return order_id

    def refusals(self) -> dict[str, list[str]]:
        """Names of the failed checks by stage, over all refusals."""
        found: dict[str, list[str]] = {"risk": [], "compliance": []}
        for row in self.rows("SELECT stage, checks FROM decisions WHERE NOT approved"):
            found[row["stage"]] += [check["name"] for check in row["checks"] if not check["passed"]]
        return found


@pytest.fixture
def desk(database_dsn: str) -> Iterator[Desk]:
    desk = Desk(database_dsn)
    yield desk
    desk.close()


def _at_once(deed: Any, messages: list[Any]) -> None:
    start = threading.Barrier(len(messages))

    def run(message: Any) -> None:
        start.wait()
        deed(message)

    with ThreadPoolExecutor(len(messages)) as pool:
        list(pool.map(run, messages))


def test_a_signal_becomes_a_stored_decision_and_proposal(desk):
    signal = desk.signal(amount="0.1")
    desk.risk.assess(signal)
    (proposal,) = desk.proposals()
    (row,) = desk.rows("SELECT * FROM proposals")
    assert (str(row["id"]), row["amount"], row["state"]) == (proposal.id, Decimal("0.1"), "proposed")
    (decision,) = desk.rows("SELECT * FROM decisions")
    assert decision["approved"]
    assert [check["name"] for check in decision["checks"]] == [c.name for c in proposal.data.verdict.checks]
    (snapshot,) = desk.rows("SELECT * FROM equity_snapshots")
    assert (snapshot["equity"], snapshot["cash"], snapshot["as_of"]) == (Decimal(100_000), Decimal(75_000), START)
    ids = {row["correlation_id"] for table in ("proposals", "decisions") for row in desk.rows(f"SELECT * FROM {table}")}
    assert {str(found) for found in ids} == {signal.correlationid}


def test_four_signals_at_once_do_not_exceed_the_limit_together(desk):
    # 25,000 of 100,000 are held, 40,000 allowed: of four times 5,000, three find room
    _at_once(desk.risk.assess, [desk.signal(amount="0.1") for _ in range(4)])
    assert len(desk.proposals()) == 3
    assert desk.refusals()["risk"] == ["per_symbol"]


def test_one_signal_delivered_four_times_at_once_is_assessed_once(desk):
    _at_once(desk.risk.assess, [desk.signal(amount="0.1")] * 4)
    assert len(desk.rows("SELECT FROM proposals")) == len(desk.rows("SELECT FROM decisions")) == 1
    assert len(desk.proposals()) == 1


def test_two_sells_at_once_do_not_sell_the_same_coins(desk):
    _at_once(desk.risk.assess, [desk.signal("sell", amount="0.3") for _ in range(2)])
    assert [proposal.data.amount for proposal in desk.proposals()] == [Decimal("0.3")]
    assert desk.refusals()["risk"] == ["position_to_sell"]


def test_a_strategys_sell_closes_the_position_and_leaves_the_other_coins(desk):
    desk.risk.assess(desk.signal("sell", strategy="rsi", strategy_id="rsi-btc"))
    assert desk.proposals()[0].data.amount == Decimal("0.1")


@pytest.mark.parametrize(
    ("state", "filled", "room"),
    [
        # nothing executed yet: all 10,000 are bound
        ("submitted", "0", "0.1"),
        ("unknown", "0", "0.1"),
        # a half executed: the other half is bound (what was executed is in the balances, which this test leaves)
        ("partially_filled", "0.1", "0.2"),
        # over: nothing is bound
        ("filled", "0.2", "0.3"),
        ("canceled", "0", "0.3"),
        ("rejected", "0", "0.3"),
    ],
)
def test_a_proposal_binds_money_until_its_order_is_final(desk, state, filled, room):
    desk.risk.assess(desk.signal(amount="0.2"))
    desk.order(desk.proposals()[0], state, filled)
    desk.risk.assess(desk.signal(amount=str(Decimal(room) + Decimal("0.00000001"))))
    assert desk.refusals()["risk"] == ["per_symbol"]
    desk.risk.assess(desk.signal(amount=room))
    assert len(desk.proposals()) == 2


@pytest.mark.parametrize("approved", [False, True])
def test_a_proposal_whose_message_died_does_not_trap_the_position(desk, approved):
    sell = {"strategy": "rsi", "strategy_id": "rsi-btc"}
    desk.risk.assess(desk.signal("sell", **sell))
    if approved:
        desk.compliance.review(desk.proposals()[0])
    desk.run("UPDATE proposals SET proposed_at = proposed_at - interval '59 minutes'")
    desk.risk.assess(desk.signal("sell", **sell))
    assert desk.refusals()["risk"] == ["position_to_sell"]
    desk.run("UPDATE proposals SET proposed_at = proposed_at - interval '2 minutes'")
    desk.risk.assess(desk.signal("sell", **sell))
    assert [proposal.data.amount for proposal in desk.proposals()] == [Decimal("0.1")] * 2


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize(
    "order",
    [
        {},
        {"order_type": "stop_loss", "trigger_price": "60000"},
        {"order_type": "take_profit", "trigger_price": "40000"},
        {"order_type": "stop_loss_limit", "trigger_price": "60000", "limit_price": "61000"},
    ],
)
def test_a_purchase_binds_what_it_counts_as(desk, order, ordered):
    desk.risk.assess(desk.signal(amount="0.05", stop_price="39900", **order))
    (proposal,) = desk.proposals()
    if ordered:
        desk.order(proposal, "accepted")
    with desk.database.connection() as connection:
        holdings = RiskTransaction(connection).holdings("binance", "main", None, START - timedelta(hours=1))
    assert holdings is not None
    (pending,) = holdings.pending
    assert pending.price == proposal.data.counted_price


def test_an_order_that_stands_binds_however_old_it_is(desk):
    desk.risk.assess(desk.signal("sell", amount="0.5"))
    desk.order(desk.proposals()[0], "accepted")
    desk.run("UPDATE proposals SET proposed_at = proposed_at - interval '1 year'")
    desk.risk.assess(desk.signal("sell", amount="0.1"))
    assert desk.refusals()["risk"] == ["position_to_sell"]


def test_a_refusal_by_compliance_gives_the_money_back(desk):
    desk.activate("compliance", CompliancePolicy(max_trades_per_hour=0))
    for _ in range(2):
        desk.risk.assess(desk.signal(amount="0.3"))
        desk.compliance.review(desk.proposals()[-1])
    assert desk.refusals() == {"risk": [], "compliance": ["trades_per_hour"] * 2}
    assert {row["state"] for row in desk.rows("SELECT state FROM proposals")} == {"refused"}
    assert desk.sent("orders.fifo") == []


def test_an_account_that_is_not_opened_does_not_trade(desk):
    desk.run("DELETE FROM accounts")
    desk.risk.assess(desk.signal())
    assert desk.refusals()["risk"] == ["account_open"]


def test_books_that_were_opened_for_other_money_do_not_trade(desk):
    desk.run("UPDATE accounts SET mode = 'sandbox'")
    desk.risk.assess(desk.signal())
    assert desk.refusals()["risk"] == ["account_open"]


def test_the_newest_policy_is_in_force_and_an_invalid_one_is_not_replaced_by_the_one_before(desk):
    desk.activate("risk", RiskPolicy(max_entries_per_day=0))
    desk.risk.assess(desk.signal(symbol="ETH/USDT"))
    desk.run("INSERT INTO policies VALUES ('risk', 3, '{\"max_trade\": 5}', now(), 'test')")
    desk.risk.assess(desk.signal(symbol="ETH/USDT"))
    assert desk.refusals()["risk"] == ["entries_per_day", "policy"]
    assert {row["policy_version"] for row in desk.rows("SELECT policy_version FROM decisions")} == {2, 3}


def test_peak_and_day_start_come_from_the_snapshots(desk):
    desk.run("UPDATE accounts SET units = 1")
    for hours, equity in ((-40, 130_000), (-13, 109_000), (-1, 101_000)):
        desk.run(
            "INSERT INTO equity_snapshots (venue, account, as_of, currency, equity, cash, taken_at, units)"
            " VALUES ('binance', 'main', %s, 'USDT', %s, 0, now(), 1)",
            START + timedelta(hours=hours),
            equity,
        )
    desk.risk.assess(desk.signal(amount="0.1"))
    checks = {check["name"]: check for row in desk.rows("SELECT checks FROM decisions") for check in row["checks"]}
    # the day began at 00:00 with the 109,000 of 23:00; the peak of 130,000 is 23.08 % away
    assert checks["daily_loss"]["value"] == "9000.00 USDT, not counting deposits and withdrawals"
    assert not checks["daily_loss"]["passed"]
    assert (checks["drawdown"]["value"], checks["drawdown"]["passed"]) == ("23.08 %", False)


def _proposed(desk: Desk, count: int) -> list[Event[TradeProposed]]:
    for _ in range(count):
        desk.risk.assess(desk.signal(amount="0.01"))
    return desk.proposals()


def test_two_reviews_at_once_do_not_both_take_the_last_place(desk):
    desk.activate("compliance", CompliancePolicy(max_trades_per_hour=1))
    _at_once(desk.compliance.review, _proposed(desk, 3))
    assert len(desk.sent("orders.fifo")) == 1
    assert desk.refusals()["compliance"] == ["trades_per_hour"] * 2


def test_one_proposal_delivered_four_times_at_once_is_reviewed_once(desk):
    _at_once(desk.compliance.review, _proposed(desk, 1) * 4)
    assert len(desk.sent("orders.fifo")) == 1
    assert [row["state"] for row in desk.rows("SELECT state FROM proposals")] == ["approved"]


def _activity(desk: Desk, proposal: Event[TradeProposed]) -> tuple[int, int, Decimal]:
    with desk.database.connection() as connection:
        found = ComplianceTransaction(connection).activity(proposal, CompliancePolicy().look)
    return found.trades_of_hour, found.trades_of_day, found.value_of_day


def test_each_trade_is_counted_once_whatever_rows_it_has_left(desk):
    first, second, third, itself = _proposed(desk, 4)
    for proposal in (first, second, third):
        desk.compliance.review(proposal)
    filled = desk.order(first, "filled", "0.008")
    desk.order(second, "rejected")
    for trade_id, order_id, exchange_id in (
        ("1", filled, "10"),
        ("2", filled, "10"),
        ("3", None, "11"),
        ("4", None, "11"),
    ):
        desk.run(
            "INSERT INTO fills VALUES ('binance', 'main', 'BTC/USDT', %s, %s, %s, 'buy', 50000, 0.004, 0, 'BTC', false, 0, %s,"
            " %s, %s)",
            trade_id,
            order_id,
            exchange_id,
            START - timedelta(hours=2),
            START,
            itself.correlationid,
        )
    # the filled one counts what it executed (400), the rejected one nothing, the third is still to come (500), and two fills of
    # one foreign order (400) are one trade, two hours ago
    assert _activity(desk, itself) == (2, 3, Decimal(1300))
