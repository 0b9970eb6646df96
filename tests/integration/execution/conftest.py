"""An execution desk on a real database and a real (simulated) exchange, with a network between them that can lose things."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import ccxt
import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.fakes.execution import FakeSecrets, execution
from tests.fakes.transaction import FakeQuoteBoard, FixedClock
from tests.integration.execution.lossy_proxy import LossyProxy
from volexlocal.servers.exchange import Exchange, Market
from volexswarm.adapters.ccxt_gateway import CcxtGateway
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.slicing import SlicingTransaction
from volexswarm.adapters.postgres.store import PostgresStore
from volexswarm.adapters.venues import connection
from volexswarm.clock import SystemClock, from_ms
from volexswarm.execution.agent import ExecutionAgent
from volexswarm.messages import Event, ExecutionReported, OrderApproved, OrderState, OrderType, Protection, Side
from volexswarm.portfolio.agent import PortfolioAgent
from volexswarm.portfolio.bookkeeping import Bookkeeper
from volexswarm.portfolio.model import LedgerAccount

SYMBOL = "BTC/USDT"


@dataclass
class Sent:
    """Takes what goes out, by queue."""

    messages: dict[str, list[str]] = field(default_factory=dict)

    def send(self, queue: str, messages: Sequence[tuple[str, str | None, str]]) -> set[str]:
        self.messages.setdefault(queue, []).extend(body for _, _, body in messages)
        return {event_id for event_id, _, _ in messages}


class KeyedSecrets(FakeSecrets):
    """A vault with the exchange's own keys."""

    def __init__(self, credentials: dict[str, str]) -> None:
        super().__init__()
        self._keys = {"api_key": credentials["apiKey"], "secret": credentials["secret"]}

    def read(self, path: str) -> dict[str, str]:
        self.assert_unsealed()
        assert path == "api_keys/binance"
        return self._keys


@dataclass
class Desk:
    """Everything that a test turns or looks at. `other` is somebody else with the same keys, past the lossy network."""

    agent: ExecutionAgent[SlicingTransaction]
    portfolio: PortfolioAgent
    gateway: CcxtGateway
    secrets: KeyedSecrets
    network: LossyProxy
    other: Any
    database: Database
    dsn: str

    def place(self, event: Event[OrderApproved]) -> None:
        """Deliver the command, with the approved proposal behind it stored as risk and compliance leave it."""
        store_proposal(self.dsn, event)
        self.agent.execute(event)

    def query(self, statement: str, *values: object) -> list[Any]:
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(statement, values).fetchall()

    def states(self) -> list[str]:
        return [row[0] for row in self.query("SELECT state FROM orders ORDER BY intended_at")]

    def books(self) -> dict[str, Decimal]:
        """The ledger's assets."""
        with self.database.connection() as connection:
            held = SlicingTransaction(connection).balances("binance", "main", LedgerAccount.ASSETS)
        return {currency: amount for currency, amount in held.items() if amount}

    def held(self) -> dict[str, Decimal]:
        """What the exchange says that we have."""
        return {asset: amount for asset, amount in self.gateway.balances().items() if amount}

    def lose(self, call: str, *fates: str) -> None:
        self.network.lose[call] = deque(fates)

    def age_orders(self) -> None:
        """Let a minute pass for every order, so that the keeper sees to it and a lost attempt can't arrive any more."""
        with psycopg.connect(self.dsn) as connection:
            connection.execute(
                "UPDATE orders SET sent_at = sent_at - interval '1 minute', updated_at = updated_at - interval '1 minute'"
            )

    def reports(self) -> list[Event[ExecutionReported]]:
        """What the user-data stream would have told of every trade so far."""
        names = {order["id"]: order["clientOrderId"] for order in self.other.fetch_orders(SYMBOL)}
        return [self._report(trade, names[trade["order"]]) for trade in self.other.fetch_my_trades(SYMBOL)]

    def _report(self, trade: dict[str, Any], client_order_id: str) -> Event[ExecutionReported]:
        report = ExecutionReported(
            venue="binance",
            symbol=SYMBOL,
            account="main",
            client_order_id=client_order_id,
            exchange_order_id=trade["order"],
            side=Side(trade["side"]),
            state=OrderState.PARTIALLY_FILLED,
            filled=Decimal(trade["amount"]),
            trade_id=trade["id"],
            price=Decimal(trade["price"]),
            amount=Decimal(trade["amount"]),
            fee=Decimal(trade["fee"]["cost"]),
            fee_currency=trade["fee"]["currency"],
            is_maker=trade["takerOrMaker"] == "maker",
            as_of=from_ms(trade["timestamp"]),
        )
        return Event.root(
            report, source="realtime-data", subject=report.key, identity=trade["id"], time=SystemClock().now()
        )


def store_proposal(dsn: str, event: Event[OrderApproved]) -> None:
    """Store the approved proposal behind a command, once, as risk and compliance leave it."""
    trade = event.data
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "INSERT INTO proposals (id, signal_id, strategy_id, venue, account, symbol, side, order_type, amount,"
            " limit_price, reference_price, sizing, state, as_of, proposed_at, correlation_id, protection)"
            " VALUES (%(proposal_id)s, %(signal_id)s, %(strategy_id)s, %(venue)s, %(account)s, %(symbol)s, %(side)s,"
            " %(order_type)s, %(amount)s, %(limit_price)s, %(reference_price)s, 'test', 'approved', %(as_of)s, %(proposed_at)s,"
            " %(chain)s, %(wanted)s) ON CONFLICT DO NOTHING",
            trade.model_dump()
            | {
                "side": trade.side.value,
                "order_type": trade.order_type.value,
                "proposed_at": event.time,
                "chain": event.correlationid,
                "wanted": None if trade.protection is None else Jsonb(trade.protection.model_dump(mode="json")),
            },
        )


def approved(
    side: Side = Side.BUY,
    amount: str = "0.01",
    limit_price: str | None = None,
    price: str = "60000",
    protection: Protection | None = None,
) -> Event[OrderApproved]:
    """A new command."""
    proposal = str(uuid.uuid4())
    now = SystemClock().now()
    order = OrderApproved(
        venue="binance",
        symbol=SYMBOL,
        account="main",
        signal_id=str(uuid.uuid4()),
        strategy_id="manual",
        side=side,
        order_type=OrderType.LIMIT if limit_price else OrderType.MARKET,
        amount=Decimal(amount),
        limit_price=Decimal(limit_price) if limit_price else None,
        reference_price=Decimal(price),
        protection=protection,
        as_of=now,
        proposal_id=proposal,
    )
    return Event.root(order, source="compliance", subject=order.key, identity=proposal, time=now)


@pytest.fixture
def desk(database_dsn: str, sim_exchange: Callable[[Market], Exchange]) -> Iterator[Desk]:
    """Opened books of a funded account."""
    exchange = sim_exchange(Market(speed=20, symbols=(SYMBOL,), balances=("USDT=100000", "BTC=1.5")))
    network = LossyProxy(exchange.url)
    secrets = KeyedSecrets(exchange.credentials)
    gateway = CcxtGateway(venue="binance", account="main", exchange_url=network.url, mode="simulated", secrets=secrets)
    database = Database(lambda: database_dsn)
    store = PostgresStore(database, SlicingTransaction, Relay(database, Sent()))
    clock = SystemClock()
    other = ccxt.binance({**connection("binance", exchange.url, "simulated"), **exchange.credentials})
    other.number = str
    yield Desk(
        agent=execution(store, gateway, secrets, Bookkeeper(clock), clock).agent,
        portfolio=PortfolioAgent(
            store=store,
            exchange=gateway,
            quotes=FakeQuoteBoard(),
            clock=clock,
            account="main",
            venue="binance",
            mode="simulated",
            valuation_currency="USDT",
            symbols=[SYMBOL],
        ),
        gateway=gateway,
        secrets=secrets,
        network=network,
        other=other,
        database=database,
        dsn=database_dsn,
    )
    network.close()
    database.close()


class RestingAccount:
    """An account at an exchange in which nothing happens but time."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def balances(self) -> dict[str, Decimal]:
        return {"USDT": Decimal(1000), "BTC": Decimal(2)}

    def market_time(self) -> datetime:
        self._moment += timedelta(milliseconds=1)
        return self._moment


@pytest.fixture
def books_of(database_dsn: str) -> Iterator[Callable[[FakeQuoteBoard, FixedClock], PortfolioAgent]]:
    """Books of an account at rest, with these quotes and this clock."""
    database = Database(lambda: database_dsn)

    def build(quotes: FakeQuoteBoard, clock: FixedClock) -> PortfolioAgent:
        return PortfolioAgent(
            store=PostgresStore(database, SlicingTransaction, Relay(database, Sent())),
            exchange=RestingAccount(clock.now()),
            quotes=quotes,
            clock=clock,
            account="main",
            venue="binance",
            mode="simulated",
            valuation_currency="USDT",
            symbols=["BTC/USDT"],
        )

    yield build
    database.close()
