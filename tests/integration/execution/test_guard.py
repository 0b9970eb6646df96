"""Positions on the simulated exchange are left as they were wanted: every stop real, every trade of the market stored."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import ccxt
import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.fakes.execution import execution
from tests.integration.execution.conftest import SYMBOL, KeyedSecrets, Sent, approved, store_proposal
from tests.integration.execution.lossy_proxy import LossyProxy
from volexlocal.servers.exchange import Exchange, Market
from volexswarm.adapters.ccxt_gateway import CcxtGateway
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.execution import ExecutionTransaction
from volexswarm.adapters.postgres.market import MarketTransaction
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.readers.books import PostgresBooksReader
from volexswarm.adapters.postgres.readers.protections import PostgresProtectionReader
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.adapters.postgres.readers.story import PostgresStoryReader
from volexswarm.adapters.postgres.readers.trading import PostgresTradingReader
from volexswarm.adapters.postgres.store import PostgresStore
from volexswarm.adapters.venues import connection
from volexswarm.clock import SystemClock
from volexswarm.errors import Retry
from volexswarm.execution.guard import Guard
from volexswarm.execution.orders import Orders
from volexswarm.execution.record import Record
from volexswarm.market.agent import MarketDataAgent
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import (
    Columns,
    Event,
    PriceReached,
    Protection,
    Queue,
    ReviewProtections,
    Side,
    TickBatch,
    decode,
)
from volexswarm.messages.envelope import Payload
from volexswarm.portfolio.bookkeeping import Bookkeeper


@dataclass
class Floor:
    """An exchange whose time is moved by hand, a feed of its trades, and the guard."""

    exchange: Exchange
    network: LossyProxy
    other: Any
    guard: Guard[ExecutionTransaction]
    orders: Orders[ExecutionTransaction]
    store: PostgresStore[ExecutionTransaction]
    record: Record[ExecutionTransaction]
    feed: MarketDataAgent
    sent: Sent
    dsn: str
    batches: int = 0
    last_trade: int = 0

    @property
    def price(self) -> Decimal:
        return Decimal(self.other.fetch_ticker(SYMBOL)["last"])

    def query(self, statement: str, *values: object) -> list[Any]:
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(statement, values).fetchall()

    def trade(self, side: Side, amount: str, wanted: Protection | None = None, limit: str | None = None) -> str:
        """An approved order, executed; its id."""
        event = approved(side, amount, limit, str(self.price), wanted)
        store_proposal(self.dsn, event)
        with self.store.transaction() as tx:
            order = self.record.intend(tx, event)
        self.orders.go_on(order)
        self.deliver()
        return event.id

    def deliver(self) -> None:
        """Every command that was sent, until nothing is sent any more."""
        while waiting := self.sent.messages.pop(Queue.ORDERS.value, []):
            for body in waiting:
                event: Event[Any] = decode(body, Payload)
                if isinstance(event.data, ReviewProtections):
                    self.guard.review(event)
                elif isinstance(event.data, PriceReached):
                    self.guard.exit(event)

    def go_on(self, seconds: int = 15) -> None:
        """Time passes at the exchange, and the feed brings its trades."""
        httpx.post(f"{self.exchange.url}/admin/step", json={"seconds": seconds}, timeout=60).raise_for_status()
        self.bring_trades()
        self.hear()
        self.deliver()

    def bring_trades(self) -> None:
        trades = [t for t in self.other.fetch_trades(SYMBOL, limit=1000) if int(t["id"]) > self.last_trade]
        if not trades:
            return
        self.last_trade = int(trades[-1]["id"])
        columns = Columns(
            ids=[int(t["id"]) for t in trades],
            times=[t["timestamp"] for t in trades],
            prices=[Decimal(t["price"]) for t in trades],
            amounts=[Decimal(t["amount"]) for t in trades],
            sides="".join(t["side"][0] for t in trades),
        )
        data = TickBatch(venue="binance", session="s", sequence=self.batches, trades={SYMBOL: columns}, watermarks={})
        event = Event.root(
            data, source="realtime-data", subject="binance", identity=str(self.batches), time=datetime.now(UTC)
        )
        self.batches += 1
        self.feed.ingest(event)

    def hear(self) -> None:
        """The keeper asks for what stands."""
        with self.store.transaction() as tx:
            standing = tx.open_orders_of("binance", "main", SYMBOL)
        for order in standing:
            with suppress(Retry):
                self.orders.refresh(order)

    def until(self, done: Callable[[], bool]) -> None:
        for _ in range(200):
            if done():
                return
            self.go_on()
        raise AssertionError("it never came about")

    def state(self, entry: str) -> tuple[str, str | None, str | None]:
        """State, holder and way out of an entry's protection."""
        ((state, holder, way),) = self.query("SELECT state, holder, way FROM protections WHERE order_id = %s", entry)
        return state, holder, way

    def ways_out(self, entry: str) -> list[tuple[str, str, str]]:
        return self.query(
            "SELECT purpose, order_type, state FROM orders WHERE parent_id = %s ORDER BY intended_at, sequence", entry
        )

    @property
    def position(self) -> Decimal:
        rows = self.query("SELECT amount FROM positions")
        return rows[0][0] if rows else Decimal(0)


@pytest.fixture
def floor(database_dsn: str, sim_exchange: Callable[[Market], Exchange]) -> Iterator[Floor]:
    exchange = sim_exchange(Market(speed=20, symbols=(SYMBOL,), balances=("USDT=100000", "BTC=1.5"), paused=True))
    network = LossyProxy(exchange.url)
    secrets = KeyedSecrets(exchange.credentials)
    gateway = CcxtGateway(venue="binance", account="main", exchange_url=network.url, mode="simulated", secrets=secrets)
    database, sent, clock = Database(lambda: database_dsn), Sent(), SystemClock()
    relay = Relay(database, sent)
    store = PostgresStore(database, ExecutionTransaction, relay)
    parts = execution(store, gateway, secrets, Bookkeeper(clock), clock)
    other = ccxt.binance({**connection("binance", exchange.url, "simulated"), **exchange.credentials})
    other.number = str
    feed = MarketDataAgent(PostgresStore(database, MarketTransaction, relay), clock, [Timeframe.M1])
    with store.transaction() as tx:
        tx.add_account("binance", "main", gateway.market_time() - timedelta(seconds=1), "simulated")
    floor = Floor(exchange, network, other, parts.guard, parts.orders, store, parts.record, feed, sent, database_dsn)
    floor.go_on()
    yield floor
    network.close()
    database.close()


def test_a_stop_waits_at_the_exchange_and_sells_there(floor: Floor) -> None:
    entry = floor.trade(Side.BUY, "0.05", Protection(stop_price=floor.price * Decimal("0.9998")))
    assert floor.state(entry) == ("armed", "exchange", None)
    (waiting,) = floor.other.fetch_open_orders(SYMBOL)
    assert waiting["side"] == "sell"
    floor.until(lambda: floor.state(entry)[0] == "closed")
    assert floor.state(entry) == ("closed", None, "stop")
    assert floor.ways_out(entry) == [("stop", "stop_loss", "filled")]
    assert floor.position < Decimal("0.00001")


def test_a_take_profit_is_watched_and_takes_the_stop_off_first(floor: Floor) -> None:
    price = floor.price
    entry = floor.trade(
        Side.BUY,
        "0.05",
        Protection(
            stop_price=price * Decimal("0.9"), take_profit_price=(price * Decimal("1.0005")).quantize(Decimal("0.01"))
        ),
    )
    floor.until(lambda: floor.state(entry)[0] == "closed")
    assert floor.state(entry) == ("closed", None, "take_profit")
    assert floor.ways_out(entry) == [("stop", "stop_loss", "canceled"), ("take_profit", "market", "filled")]
    assert floor.other.fetch_open_orders(SYMBOL) == []
    ((reached, sold),) = floor.query(
        "SELECT reached_price, (SELECT avg(price) FROM fills WHERE side = 'sell') FROM protections"
    )
    assert reached >= price * Decimal("1.0004")
    assert abs(sold / reached - 1) < Decimal("0.01")


def test_a_trailing_stop_beside_a_stop_is_followed_by_the_system(floor: Floor) -> None:
    wanted = Protection(stop_price=floor.price * Decimal("0.9"), trailing_share=Decimal("0.0006"))
    entry = floor.trade(Side.BUY, "0.05", wanted)
    ((reason, extreme),) = floor.query("SELECT reason, extreme FROM price_watches WHERE closed_at IS NULL")
    assert (reason, extreme is not None) == ("trailing_stop", True)
    floor.until(lambda: floor.state(entry)[0] == "closed")
    assert floor.state(entry)[2] == "trailing_stop"
    ((best, reached),) = floor.query("SELECT extreme, reached_price FROM price_watches")
    assert reached <= best * (1 - Decimal("0.0006"))


def test_a_position_is_left_when_its_time_is_over(floor: Floor) -> None:
    entry = floor.trade(Side.BUY, "0.05", Protection(max_holding=60))
    floor.until(lambda: floor.state(entry)[0] == "closed")
    ((entered, left),) = floor.query("SELECT entered_at, reached_at FROM protections")
    assert timedelta(seconds=60) <= left - entered < timedelta(seconds=120)
    assert floor.ways_out(entry) == [("time_exit", "market", "filled")]


def test_a_sale_gets_its_base_and_the_rest_is_protected_again(floor: Floor) -> None:
    stop = Protection(stop_price=floor.price * Decimal("0.9"))
    entry = floor.trade(Side.BUY, "0.05", stop)
    floor.trade(Side.SELL, "0.02")
    (waiting,) = floor.other.fetch_open_orders(SYMBOL)
    assert Decimal(waiting["amount"]) == Decimal("0.02995")
    assert [state for _, _, state in floor.ways_out(entry)] == ["canceled", "accepted"]
    floor.trade(Side.SELL, "0.02995")
    assert floor.other.fetch_open_orders(SYMBOL) == []
    assert floor.state(entry)[0] == "closed"


def test_what_is_protected_can_be_read(floor: Floor) -> None:
    price = floor.price
    first = floor.trade(Side.BUY, "0.05", Protection(stop_price=price * Decimal("0.9"), max_holding=7200))
    floor.go_on(1)
    second = floor.trade(Side.BUY, "0.03", Protection(trailing_share=Decimal("0.05"), take_profit_price=price * 2))
    database = Database(lambda: floor.dsn)
    scope = Scope("binance", "main", "simulated", "USDT")
    reader = PostgresProtectionReader(database, scope)
    newest = reader.protections(SYMBOL, "armed", 1, None)
    (oldest,) = reader.protections(None, None, 1, newest.next).items
    assert [each.order_id for each in (*newest.items, oldest)] == [second, first]
    assert (oldest.holder, oldest.due_at) == ("exchange", oldest.entered_at + timedelta(hours=2))
    assert reader.protections("ETH/USDT", None, 5, None).items == []
    assert reader.protections(None, "closed", 5, None).items == []
    story = PostgresStoryReader(
        database, scope, PostgresTradingReader(database, scope), PostgresBooksReader(database, scope, []), reader
    ).story(first)
    database.close()
    assert story.protection == oldest
    assert [(order.purpose, order.parent_id) for order in story.ways_out] == [("stop", first)]


@pytest.mark.parametrize("lost", ["POST order", "DELETE order", "GET order"])
@pytest.mark.parametrize("fate", ["answer", "request"])
def test_whatever_the_network_loses_the_position_is_sold_once(floor: Floor, lost: str, fate: str) -> None:
    price = floor.price
    wanted = Protection(stop_price=price * Decimal("0.9"), take_profit_price=price * Decimal("1.0003"))
    entry = floor.trade(Side.BUY, "0.05", wanted)
    floor.network.lose[lost] = deque([fate])

    def left() -> bool:
        with psycopg.connect(floor.dsn) as connection:
            connection.execute("UPDATE orders SET sent_at = sent_at - interval '1 minute' WHERE parent_id IS NOT NULL")
        with suppress(Retry):
            floor.guard.look_after()
        return floor.state(entry)[0] == "closed"

    for _ in range(200):
        if left():
            break
        with suppress(Retry):
            floor.go_on()
    sold = [order for order in floor.other.fetch_orders(SYMBOL) if order["side"] == "sell" and Decimal(order["filled"])]
    assert len(sold) == 1
    assert floor.other.fetch_open_orders(SYMBOL) == []
    assert floor.position < Decimal("0.00001")


def test_a_trade_between_a_fill_and_its_watch_is_not_missed(floor: Floor) -> None:
    """The feed was ahead of the guard: the price was touched and came back before anybody watched it."""
    entry = floor.trade(Side.BUY, "0.05")
    floor.until(lambda: len(floor.query("SELECT DISTINCT price FROM trades")) > 30)
    ((entered,),) = floor.query("SELECT max(as_of) FROM fills")
    ((highest,),) = floor.query("SELECT max(price) FROM trades WHERE traded_at > %s", entered)
    wanted = Protection(take_profit_price=highest)
    with psycopg.connect(floor.dsn) as connection:
        connection.execute("UPDATE proposals SET protection = %s", (Jsonb(wanted.model_dump(mode="json")),))
        connection.execute("UPDATE orders SET unguarded = true")
    floor.guard.look_after()
    ((reached, at),) = floor.query("SELECT reached_price, reached_at FROM protections")
    assert (reached, at > entered) == (highest, True)
    assert floor.ways_out(entry)[0][0] == "take_profit"
