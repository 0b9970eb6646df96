"""What signal, portfolio and compliance look up for their voices, on a real database."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

from tests.fakes.questions import AS_OF
from tests.integration.research.test_playbook_postgres import signal
from volexswarm.adapters.postgres.compliance import ComplianceTransaction
from volexswarm.adapters.postgres.portfolio import PortfolioTransaction
from volexswarm.adapters.postgres.signals import SignalsTransaction
from volexswarm.messages import Side


def test_the_last_signal_is_a_strategys_of_this_timeframe_by_then(records):
    signal(records, "a", "sell", 10)
    signal(records, "b", "buy", 5, 0.6)
    signal(records, "c", "sell", -5)
    records.sql.execute("UPDATE signals SET timeframe = '1m' WHERE strategy_id = 'c'")
    signal(records, "manual", "sell", 1)
    records.sql.execute("UPDATE signals SET timeframe = NULL WHERE strategy_id = 'manual'")
    with records.store(SignalsTransaction).transaction() as tx:
        last = tx.last_signal("binance", "BTC/USDT", "5m", AS_OF)
        earlier = tx.last_signal("binance", "BTC/USDT", "5m", AS_OF - timedelta(minutes=6))
        assert tx.last_signal("binance", "ETH/USDT", "5m", AS_OF) is None
    assert (last.strategy_id, last.side, last.confidence) == ("b", Side.BUY, 0.6)
    assert earlier.strategy_id == "a"


def test_the_peak_is_of_a_units_worth(records):
    for minute, (equity, units) in enumerate([(100, 100), (300, 200), (250, 250), (0, 0)]):
        records.insert(
            "equity_snapshots", venue="binance", account="main", as_of=AS_OF + timedelta(minutes=minute),
            currency="USDT", equity=equity, cash=equity, taken_at=AS_OF, units=units,
        )  # fmt: skip
    with records.store(PortfolioTransaction).transaction() as tx:
        assert tx.peak_worth("binance", "main", "USDT") == Decimal("1.5")
        assert tx.peak_worth("binance", "other", "USDT") is None


def test_flags_that_are_cleared_are_not_open(records):
    for rule, state in (("wash_trade", "open"), ("spoofing", "escalated"), ("unusual_size", "cleared")):
        answered = {
            "escalated": {"escalated_by": "ann", "escalation_reason": "look", "escalated_at": AS_OF},
            "cleared": {"cleared_by": "ann", "clearing_reason": "fine", "cleared_at": AS_OF},
        }.get(state, {})
        records.insert(
            "compliance_flags", id=uuid.uuid4(), rule=rule, venue="binance", account="main", subject="binance:BTC/USDT",
            day=AS_OF.date(), detail="seen", state=state, first_as_of=AS_OF, last_as_of=AS_OF, raised_at=AS_OF,
            correlation_id=uuid.uuid4(), **answered,
        )  # fmt: skip
    with records.store(ComplianceTransaction).transaction() as tx:
        assert {flag.rule for flag in tx.open_flags("binance", "main", "binance:BTC/USDT")} == {
            "wash_trade",
            "spoofing",
        }
        assert tx.open_flags("binance", "main", "binance:ETH/USDT") == []
