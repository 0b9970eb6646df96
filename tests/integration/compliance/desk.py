"""The compliance agent on a real database; what risk and execution would have left there is written by hand."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from pydantic import BaseModel

from tests.fakes.transaction import START, FixedClock
from volexswarm.adapters.postgres.compliance import ComplianceTransaction
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.decisions import DecidingTransaction
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.store import PostgresStore
from volexswarm.compliance.agent import ComplianceAgent
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.messages import Check, Event, SignalRaised, TradeProposed, Verdict

YES = Check(name="x", limit="", value="", passed=True)


class Unheard:
    """Takes every message and does nothing with it."""

    def send(self, queue: str, messages: Sequence[tuple[str, str | None, str]]) -> set[str]:
        return {message[0] for message in messages}


class RiskDecisions(DecidingTransaction):
    """Records what risk decided."""

    STAGE = "risk"


class Desk:
    """Proposals in, decisions and orders out."""

    def __init__(self, dsn: str) -> None:
        self.sql = psycopg.connect(dsn, autocommit=True, row_factory=dict_row)
        self.database = Database(lambda: dsn, max_size=2)
        self.relay = Relay(self.database, Unheard())
        self.clock = FixedClock()
        self.agent = ComplianceAgent(store=self.store(ComplianceTransaction), clock=self.clock)
        self._numbers, self._signals = itertools.count(), itertools.count()
        self.activate("compliance", CompliancePolicy())

    def close(self) -> None:
        self.database.close()
        self.sql.close()

    def forget(self) -> None:
        """Begin anew: what was lived through is gone, the policies stay, and the same steps give the same ids again."""
        self.run(
            "TRUNCATE signals, decisions, proposals, orders, fills, events, outbox, inbox, compliance_flags CASCADE"
        )
        self._numbers, self._signals = itertools.count(), itertools.count()
        self.clock.time = START

    def store(self, kind: type) -> PostgresStore[Any]:
        return PostgresStore(self.database, kind, self.relay)

    def run(self, statement: str, *values: object) -> None:
        self.sql.execute(statement, values)

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        return self.sql.execute(query, values).fetchall()

    def activate(self, name: str, policy: BaseModel) -> None:
        body = Jsonb(policy.model_dump(mode="json"))
        self.run(
            "INSERT INTO policies (name, version, body, activated_by)"
            " SELECT %s, 1 + count(*), %s, 'test' FROM policies WHERE name = %s",
            name,
            body,
            name,
        )

    def propose(self, side: str = "buy", *, checks: Sequence[Check] = (YES,), **others: object) -> Event[TradeProposed]:
        """A proposal as risk leaves it: its signal, its decision, its row."""
        symbol = str(others.get("symbol", "BTC/USDT"))
        signal = self._signal(side, symbol, others)
        verdict = Verdict.of("risk", 1, checks)
        fields = {
            "venue": "binance",
            "symbol": symbol,
            "account": "main",
            "signal_id": signal.id,
            "strategy_id": "ma-btc",
            "side": side,
            "order_type": "market",
            "amount": "0.01",
            "reference_price": "50000",
            "as_of": START,
            "sizing": "test",
            "verdict": verdict,
        }
        event = Event.caused_by(
            signal,
            TradeProposed.model_validate(fields | others),
            source="risk",
            subject=symbol,
            time=self.clock.now(),
        )
        with self.store(RiskDecisions).transaction() as tx:
            tx.record_decision(event, signal.id, verdict, event.data.as_of, self.clock.now())
        self._insert_proposal(event)
        return event

    def refuse(self, checks: Sequence[Check], side: str = "buy", **others: object) -> str:
        """A signal that risk refused; its id."""
        symbol = str(others.get("symbol", "BTC/USDT"))
        signal = self._signal(side, symbol, others)
        with self.store(RiskDecisions).transaction() as tx:
            verdict = Verdict.of("risk", 1, checks)
            tx.record_decision(signal, signal.id, verdict, signal.data.as_of, self.clock.now())
        return signal.id

    def review(self, *proposals: Event[TradeProposed]) -> None:
        for proposal in proposals:
            self.agent.review(proposal)

    def trade(self, side: str = "buy", **others: object) -> Event[TradeProposed]:
        """A proposal that compliance has reviewed."""
        proposal = self.propose(side, **others)
        self.review(proposal)
        return proposal

    def order(self, proposal: Event[TradeProposed], **columns: object) -> str:
        """An order of the proposal, as execution would leave it."""
        trade, order_id = proposal.data, f"{next(self._numbers):08x}-0000-5000-8000-00000000abcd"
        row: dict[str, object] = {
            "id": order_id,
            "proposal_id": proposal.id,
            "signal_id": trade.signal_id,
            "strategy_id": trade.strategy_id,
            "client_order_id": order_id,
            "venue": trade.venue,
            "account": trade.account,
            "symbol": trade.symbol,
            "side": trade.side.value,
            "order_type": trade.order_type.value,
            "amount": trade.amount,
            "limit_price": trade.limit_price,
            "reference_price": trade.reference_price,
            "state": "accepted",
            "as_of": trade.as_of,
            "intended_at": self.clock.now(),
            "sent_at": self.clock.now(),
            "updated_at": self.clock.now(),
            "correlation_id": proposal.correlationid,
        }
        self._insert("orders", row | columns)
        return order_id

    def fill(
        self, order_id: str | None, side: str, amount: str, price: str, as_of: datetime = START, **columns: object
    ) -> None:
        """An execution; of an order that was placed past us if there is no `order_id`. Without fee unless given."""
        number = next(self._numbers)
        row: dict[str, object] = {
            "venue": "binance",
            "account": "main",
            "symbol": "BTC/USDT",
            "trade_id": str(number),
            "order_id": order_id,
            "exchange_order_id": order_id or "elsewhere",
            "side": side,
            "price": Decimal(price),
            "amount": Decimal(amount),
            "fee": 0,
            "fee_currency": "USDT",
            "realised_pnl": 0,
            "as_of": as_of,
            "applied_at": self.clock.now(),
            "correlation_id": "00000000-0000-5000-8000-00000000abcd",
        }
        self._insert("fills", row | columns)

    def refusals(self) -> list[list[str]]:
        """Failed checks of compliance's decisions, in their order."""
        found = self.rows("SELECT checks FROM decisions WHERE stage = 'compliance' ORDER BY decided_at, signal_id")
        failed = [[check["name"] for check in row["checks"] if not check["passed"]] for row in found]
        return [names for names in failed if names]

    def _signal(self, side: str, symbol: str, others: Mapping[str, object]) -> Event[SignalRaised]:
        as_of = others.get("as_of", START)
        fields = {
            "venue": "binance",
            "symbol": symbol,
            "strategy_id": others.get("strategy_id", "ma-btc"),
            "strategy": "ma_cross",
            "side": side,
            "confidence": 1,
            "price": "50000",
            "as_of": as_of,
            "reason": "test",
        }
        data = SignalRaised.model_validate(fields)
        number = next(self._signals)
        event = Event.root(data, source="signal", subject=symbol, identity=str(number), time=self.clock.now())
        row = {
            **{name: fields[name] for name in fields if name != "side"},
            "id": event.id,
            "side": side,
            "indicators": Jsonb({}),
            "raised_at": self.clock.now(),
            "correlation_id": event.correlationid,
        }
        self._insert("signals", row)
        return event

    def _insert_proposal(self, event: Event[TradeProposed]) -> None:
        trade = event.data
        names = ("signal_id", "strategy_id", "venue", "account", "symbol", "amount", "limit_price", "reference_price")
        others = ("sizing", "as_of", "trigger_price")
        row = {name: getattr(trade, name) for name in (*names, *others)} | {
            "id": event.id,
            "side": trade.side.value,
            "order_type": trade.order_type.value,
            "time_in_force": trade.time_in_force.value,
            "proposed_at": self.clock.now(),
            "correlation_id": event.correlationid,
        }
        self._insert("proposals", row)

    def _insert(self, table: str, row: Mapping[str, object]) -> None:
        columns = ", ".join(row)
        places = ", ".join(f"%({name})s" for name in row)
        self.sql.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", row)
