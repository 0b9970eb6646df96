"""Trading on paper through the whole of execution and the books, over one connection as a function has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.fakes.execution import RULES, FakeSecrets, execution
from tests.fakes.transaction import FakeQuoteBoard
from tests.integration.execution.conftest import Desk, Sent, approved
from volexswarm.adapters.paper.gateway import PaperGateway, PaperTerms
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.reconciliation import ReconcilingTransaction
from volexswarm.adapters.postgres.slicing import SlicingTransaction
from volexswarm.adapters.postgres.store import PostgresStore
from volexswarm.clock import SystemClock
from volexswarm.execution.model import MarketRules
from volexswarm.execution.reconciler import Reconciler
from volexswarm.execution.record import Record
from volexswarm.messages import OrderState, Quote, Side
from volexswarm.portfolio.agent import PortfolioAgent
from volexswarm.portfolio.bookkeeping import Bookkeeper

SYMBOL = "BTC/USDT"
TERMS = PaperTerms(balances={"USDT": Decimal(100_000)}, slippage=Decimal("0.001"), quote_max_age=timedelta(seconds=30))


class RealBinance:
    """Rules, fees and the time, which is the wall's."""

    def rules(self, _symbol: str) -> MarketRules:
        return RULES

    def fees(self, _symbol: str) -> tuple[Decimal, Decimal]:
        return Decimal("0.001"), Decimal("0.001")

    def market_time(self) -> datetime:
        return SystemClock().now()


@dataclass
class PaperDesk(Desk):
    """The same desk with a paper account."""

    reconciler: Reconciler[ReconcilingTransaction]
    quotes: FakeQuoteBoard

    def quote(self) -> None:
        """The feed tells the price at this moment."""
        now = SystemClock().now()
        told = Quote(bid=Decimal("59999"), ask=Decimal("60001"), as_of=now, received_at=now)
        self.quotes.put("binance", {SYMBOL: told})

    def trade(self, price: str) -> None:
        """A public trade is printed and stored at this moment."""
        with psycopg.connect(self.dsn) as connection:
            connection.execute(
                "INSERT INTO trades VALUES ('binance', %s, 1, %s, %s, 10, 's')",
                (SYMBOL, SystemClock().now(), Decimal(price)),
            )
            connection.execute("INSERT INTO watermarks VALUES ('binance', %s, now(), 1)", (SYMBOL,))


@pytest.fixture
def desk(database_dsn: str) -> Iterator[PaperDesk]:
    """Opened books of a paper account."""
    database, clock, quotes, secrets = Database(lambda: database_dsn), SystemClock(), FakeQuoteBoard(), FakeSecrets()
    gateway: Any = PaperGateway(
        venue="binance",
        account="main",
        real=RealBinance(),
        database=database,
        quotes=quotes,
        clock=clock,
        terms=TERMS,
    )
    relay = Relay(database, Sent())
    store = PostgresStore(database, SlicingTransaction, relay)
    books = Bookkeeper(clock)
    made = PaperDesk(
        agent=execution(store, gateway, secrets, books, clock).agent,
        portfolio=PortfolioAgent(
            store=store,
            exchange=gateway,
            quotes=quotes,
            clock=clock,
            account="main",
            venue="binance",
            mode="paper",
            valuation_currency="USDT",
            symbols=[SYMBOL],
        ),
        gateway=gateway,
        secrets=secrets,  # type: ignore[arg-type]
        network=None,  # type: ignore[arg-type]
        other=None,
        database=database,
        dsn=database_dsn,
        reconciler=Reconciler(
            store=PostgresStore(database, ReconcilingTransaction, relay),
            exchange=gateway,
            record=Record(books, clock),
            clock=clock,
            venue="binance",
            account="main",
            symbols=[SYMBOL],
            pause=lambda _seconds: None,
        ),
        quotes=quotes,
    )
    made.portfolio.open_account()
    made.quote()
    yield made
    database.close()


def test_the_books_equal_the_paper_account_to_the_last_digit(desk: PaperDesk) -> None:
    desk.place(approved(amount="0.5"))
    desk.place(approved(Side.SELL, amount="0.2"))
    assert desk.states() == ["filled", "filled"]
    assert desk.books() == desk.held()
    assert desk.held()["BTC"] == Decimal("0.2995")


def test_an_order_that_fills_later_is_booked_by_the_comparison(desk: PaperDesk) -> None:
    desk.place(approved(amount="0.5", limit_price="50000"))
    assert desk.states() == [OrderState.ACCEPTED.value]
    desk.trade("49000")
    findings = desk.reconciler.reconcile("demand")
    assert findings is not None
    assert findings.open == []
    assert desk.states() == [OrderState.FILLED.value]
    assert desk.books() == desk.held() == {"USDT": Decimal(75_000), "BTC": Decimal("0.4995")}
