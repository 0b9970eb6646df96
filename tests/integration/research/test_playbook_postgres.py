"""The playbook on a real database: a status moves once however many push it, and the record is of the right trades."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fakes.questions import AS_OF, question
from volexswarm.adapters.postgres.playbook import PlaybookTransaction
from volexswarm.adapters.postgres.readers.audit import PostgresAuditReader
from volexswarm.errors import Conflict, NotFound
from volexswarm.messages import StrategyStatus
from volexswarm.playbook.agent import StrategyAgent


@pytest.fixture
def agent(records):
    return StrategyAgent(records.store(PlaybookTransaction), records.clock)


def signal(records, strategy, side, minutes, confidence=0.8):
    records.insert(
        "signals", id=uuid.uuid4(), strategy_id=strategy, strategy="rsi", venue="binance", symbol="BTC/USDT",
        timeframe="5m", side=side, confidence=confidence, price=100, as_of=AS_OF - timedelta(minutes=minutes),
        reason="test", indicators="{}", raised_at=records.clock.now(), correlation_id=uuid.uuid4(),
    )  # fmt: skip


def trade(records, strategy, result, minutes=10, fee_currency="USDT"):
    """A purchase of 100 by the strategy that was sold with this result."""
    order, entry = uuid.uuid4(), str(uuid.uuid4())
    common = {"venue": "binance", "account": "main", "symbol": "BTC/USDT", "as_of": AS_OF, "correlation_id": order}
    records.insert(
        "orders", id=order, proposal_id=order, signal_id=order, strategy_id=strategy, client_order_id=str(order),
        side="buy", order_type="market", amount=1, reference_price=100, state="filled", intended_at=AS_OF,
        updated_at=AS_OF, **common,
    )  # fmt: skip
    records.insert(
        "fills", trade_id=entry, order_id=order, exchange_order_id="1", side="buy", price=100, amount=1, fee=1,
        fee_currency=fee_currency, realised_pnl=0, applied_at=AS_OF, **common,
    )  # fmt: skip
    records.insert(
        "closings", venue="binance", account="main", symbol="BTC/USDT", entry_id=entry, exit_id=str(uuid.uuid4()),
        opened_at=AS_OF, closed_at=AS_OF - timedelta(minutes=minutes), amount=1, cost=100,
        proceeds=100 + Decimal(result), fees=0,
    )  # fmt: skip


def test_it_testifies_of_the_active_strategies(records, agent):
    for key, status in (("a", "active"), ("b", "active"), ("c", "paused")):
        records.strategy(key, status)
    records.strategy("d", symbol="ETH/USDT")
    signal(records, "a", "sell", 60)
    signal(records, "a", "buy", 5)
    signal(records, "a", "sell", -5)  # later
    signal(records, "c", "sell", 5)
    for strategy, result in (("a", 2), ("b", -1), ("c", -50)):
        trade(records, strategy, result)
    trade(records, "a", 90, minutes=-5)  # later
    trade(records, "a", 70, fee_currency="BNB")  # nobody knows what it came to
    assert agent.testify(question()).features == {
        "active": 2.0, "stance": 0.4, "trades": 2.0, "win_rate": 0.5, "expectancy": 0.005, "profit_factor": 2.0,
    }  # fmt: skip


def test_a_status_moves_once_and_the_audit_knows_who(records, agent):
    records.strategy("a", "testing")

    def activate(actor):
        try:
            return agent.change_status("a", StrategyStatus.ACTIVE, actor=actor, reason="it has been tested")
        except Conflict:
            return None

    with ThreadPoolExecutor(2) as pool:
        moved = list(pool.map(activate, ["ann", "bob"]))
    assert sum(1 for one in moved if one) == 1
    assert records.sql.execute("SELECT status FROM strategies").fetchone() == {"status": "active"}
    (entry,) = PostgresAuditReader(records.database).audit(None, 10, None).items
    assert (entry.action, entry.reason, entry.subject) == ("StrategyChanged", "it has been tested", "a")
    assert entry.actor in ("ann", "bob")


def test_an_unknown_strategy_is_not_found(agent):
    with pytest.raises(NotFound):
        agent.change_status("a", StrategyStatus.PAUSED, actor="ann", reason="why")
