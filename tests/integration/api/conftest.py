"""A whole chain on a real database: the real agents, one after the other, and a fake exchange at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from infra.seed import seed
from tests.fakes.execution import FakeExchange, FakeSecrets, execution
from tests.fakes.transaction import START, FakeQuoteBoard, FixedClock
from volexswarm.adapters.postgres.compliance import ComplianceTransaction
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.desk import DeskTransaction
from volexswarm.adapters.postgres.market import MarketTransaction
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.portfolio import PortfolioTransaction
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.adapters.postgres.risk import RiskTransaction
from volexswarm.adapters.postgres.signals import SignalsTransaction
from volexswarm.adapters.postgres.slicing import SlicingTransaction
from volexswarm.adapters.postgres.store import PostgresStore
from volexswarm.clock import to_ms
from volexswarm.compliance.agent import ComplianceAgent
from volexswarm.desk.agent import TradingDesk
from volexswarm.market.agent import MarketDataAgent
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import (
    CandleClosed,
    Columns,
    Event,
    OrderApproved,
    Quote,
    Side,
    SignalRaised,
    TickBatch,
    TradeProposed,
    decode,
)
from volexswarm.portfolio.agent import PortfolioAgent
from volexswarm.portfolio.bookkeeping import Bookkeeper
from volexswarm.risk.agent import RiskAgent
from volexswarm.risk.situation import Inquiry

SYMBOL = "BTC/USDT"
SCOPE = Scope("binance", "main", "simulated", "USDT")


@dataclass
class Sent:
    """Takes what goes out, by queue."""

    messages: dict[str, list[str]] = field(default_factory=dict)

    def send(self, queue: str, messages: Sequence[tuple[str, str | None, str]]) -> set[str]:
        self.messages.setdefault(queue, []).extend(body for _, _, body in messages)
        return {event_id for event_id, _, _ in messages}

    def take(self, queue: str) -> list[str]:
        return self.messages.pop(queue, [])


@dataclass
class Account:
    """What the exchange held before the first order; its clock ticks with each look."""

    balance: dict[str, Decimal]
    time: datetime = START - timedelta(hours=1)

    def balances(self) -> dict[str, Decimal]:
        return dict(self.balance)

    def market_time(self) -> datetime:
        self.time += timedelta(milliseconds=1)
        return self.time


OPENING = {"USDT": Decimal(100_000)}


class Chain:
    """Market data, a signal by hand, then risk, compliance and execution as the queues would wake them."""

    def __init__(self, dsn: str) -> None:
        seed(dsn, "binance", [])
        self.clock = FixedClock()
        self.database = Database(lambda: dsn)
        self.sent = Sent()
        self.quotes = FakeQuoteBoard()
        self.quotes.quotes[SYMBOL] = Quote(bid=Decimal("99.99"), ask=Decimal("100.01"), as_of=START, received_at=START)
        self.exchange = FakeExchange(self.clock, parts=2)
        self._relay = Relay(self.database, self.sent)

    def store(self, kind: type) -> PostgresStore:
        return PostgresStore(self.database, kind, self._relay)

    def open_account(self) -> None:
        PortfolioAgent(
            store=self.store(PortfolioTransaction),
            exchange=Account(OPENING),
            quotes=self.quotes,
            clock=self.clock,
            account="main",
            venue="binance",
            mode="simulated",
            valuation_currency="USDT",
            symbols=[SYMBOL],
        ).open_account()

    def candle(self) -> Event[CandleClosed]:
        """Three trades, and the minute candle that they close."""
        times = [START - timedelta(seconds=seconds) for seconds in (50, 30, 5)]
        columns = Columns(
            ids=[4709, 4710, 4711],
            times=[to_ms(time) for time in times],
            prices=[Decimal("99.5"), Decimal("100.5"), Decimal("100")],
            amounts=[Decimal("1"), Decimal("2"), Decimal("0.25")],
            sides="bsb",
        )
        batch = TickBatch(
            venue="binance", session="test", sequence=0, trades={SYMBOL: columns}, watermarks={SYMBOL: START}
        )
        event = Event.root(batch, source="realtime-data", subject="binance", identity="1", time=START)
        MarketDataAgent(self.store(MarketTransaction), self.clock, [Timeframe.M1]).ingest(event)
        (body,) = self.sent.take("candles")
        return decode(body, CandleClosed)

    def signal(self, candle: Event[CandleClosed], strategy: str = "ma-cross-btc") -> Event[SignalRaised]:
        """A strategy's signal at the candle's close."""
        signal = SignalRaised(
            venue="binance",
            symbol=SYMBOL,
            strategy_id=strategy,
            strategy="ma_cross",
            timeframe="1m",
            side=Side.BUY,
            confidence=0.75,
            price=Decimal("100"),
            stop_price=Decimal("98"),
            volatility=0.01,
            as_of=candle.data.as_of,
            candle_opened_at=candle.data.opened_at,
            reason="fast average rose above slow",
            indicators={"fast": 100.5, "slow": 100.25},
        )
        event = Event.caused_by(
            candle, signal, source="signal", subject=f"{signal.key}:{strategy}", time=self.clock.now()
        )
        with self.store(SignalsTransaction).transaction() as tx:
            tx.add_signal(event)
            tx.publish(event)
        return event

    def desk(self) -> TradingDesk:
        return TradingDesk(
            self.store(DeskTransaction),
            self.quotes,
            self.clock,
            venue="binance",
            symbols=(SYMBOL,),
            quote_max_age=timedelta(seconds=30),
        )

    def assess(self) -> None:
        """Risk answers what waits for it."""
        risk = RiskAgent(
            store=self.store(RiskTransaction),
            inquiry=Inquiry(
                quotes=self.quotes,
                clock=self.clock,
                currency="USDT",
                symbols=(SYMBOL,),
                timeframes=[Timeframe.M1],
                quote_max_age=30,
            ),
            clock=self.clock,
            real_time=False,
        )
        for body in self.sent.take("signals"):
            risk.assess(decode(body, SignalRaised))

    def review(self) -> None:
        """Compliance answers what waits for it."""
        for body in self.sent.take("proposals"):
            ComplianceAgent(store=self.store(ComplianceTransaction), clock=self.clock).review(
                decode(body, TradeProposed)
            )

    def execute(self) -> None:
        """Execution places what waits for it."""
        parts = execution(
            self.store(SlicingTransaction), self.exchange, FakeSecrets(), Bookkeeper(self.clock), self.clock
        )
        for body in self.sent.take("orders.fifo"):
            parts.agent.execute(decode(body, OrderApproved))

    def run(self) -> None:
        self.assess()
        self.review()
        self.execute()


@pytest.fixture
def chain(database_dsn: str) -> Iterator[Chain]:
    made = Chain(database_dsn)
    yield made
    made.database.close()
