"""The kill switch with many orders in flight: measured from the call to no further order at the exchange."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import ccxt
import psycopg
import pytest

from tests.fakes.execution import execution
from tests.fakes.transaction import FakeQuoteBoard
from tests.integration.execution.conftest import SYMBOL, KeyedSecrets, Sent, approved, store_proposal
from volexlocal.servers.exchange import Exchange, Market
from volexswarm.adapters.ccxt_gateway import CcxtGateway
from volexswarm.adapters.postgres.control import ControlTransaction
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.execution import ExecutionTransaction
from volexswarm.adapters.postgres.halting import HaltingTransaction
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.store import PostgresStore
from volexswarm.adapters.venues import connection
from volexswarm.clock import SystemClock
from volexswarm.control.kill_switch import KillSwitch
from volexswarm.errors import Retry
from volexswarm.execution.halting import Halting, Way
from volexswarm.execution.orders import Orders
from volexswarm.execution.record import Record
from volexswarm.messages import Event, OrderApproved, Side, TradingHalted, decode
from volexswarm.portfolio.agent import PortfolioAgent
from volexswarm.portfolio.bookkeeping import Bookkeeper

CLOCK = SystemClock()
WORKERS = 6


@dataclass
class Process:
    """One function's process: its own connections to database and exchange."""

    orders: Orders[ExecutionTransaction]
    record: Record[ExecutionTransaction]
    gateway: CcxtGateway
    database: Database
    dsn: str
    sent: Sent

    def store(self, kind: Any) -> PostgresStore[Any]:
        return PostgresStore(self.database, kind, Relay(self.database, self.sent))

    def place(self, event: Event[OrderApproved]) -> None:
        store_proposal(self.dsn, event)
        with self.store(ExecutionTransaction).transaction() as tx:
            order = self.record.intend(tx, event)
        self.orders.go_on(order)

    def halting(self) -> Halting[ExecutionTransaction]:
        return Halting(
            store=self.store(HaltingTransaction),
            way=lambda _: Way(self.orders, self.gateway),
            clock=CLOCK,
            venue="binance",
            symbols=[SYMBOL],
            currency="USDT",
        )


@dataclass
class Floor:
    """An exchange, a database, and as many processes as a test wants. `other` looks at the exchange past them all."""

    exchange: Exchange
    dsn: str
    start: Callable[[], Process]
    other: Any

    def standing(self) -> list[str]:
        return [order["clientOrderId"] for order in self.other.fetch_open_orders(SYMBOL)]

    def count(self) -> int:
        return len(self.other.fetch_orders(SYMBOL))

    def query(self, statement: str, *values: object) -> list[Any]:
        with psycopg.connect(self.dsn) as db:
            return db.execute(statement, values).fetchall()


@pytest.fixture
def floor(database_dsn: str, sim_exchange: Callable[[Market], Exchange]) -> Iterator[Floor]:
    exchange = sim_exchange(Market(speed=20, symbols=(SYMBOL,), balances=("USDT=1000000", "BTC=1.5")))
    started: list[Process] = []

    def start() -> Process:
        secrets, database, sent = KeyedSecrets(exchange.credentials), Database(lambda: database_dsn), Sent()
        gateway = CcxtGateway(
            venue="binance", account="main", exchange_url=exchange.url, mode="simulated", secrets=secrets
        )
        store = PostgresStore(database, ExecutionTransaction, Relay(database, sent))
        parts = execution(store, gateway, secrets, Bookkeeper(CLOCK), CLOCK)
        started.append(Process(parts.orders, parts.record, gateway, database, database_dsn, sent))
        return started[-1]

    other = ccxt.binance({**connection("binance", exchange.url, "simulated"), **exchange.credentials})
    first = start()
    PortfolioAgent(
        store=first.store(ExecutionTransaction),
        exchange=first.gateway,
        quotes=FakeQuoteBoard(),
        clock=CLOCK,
        account="main",
        venue="binance",
        mode="simulated",
        valuation_currency="USDT",
        symbols=[SYMBOL],
    ).open_account()
    yield Floor(exchange, database_dsn, start, other)
    for process in started:
        process.database.close()


def settle(process: Process, command: Event[TradingHalted]) -> None:
    for _ in range(10):
        try:
            process.halting().carry_out(command)
            return
        except Retry as wait:
            time.sleep(wait.after.total_seconds())
    raise AssertionError("the halt is still not settled")


def press(process: Process, *, flatten: bool = False) -> Event[TradingHalted]:
    switch = KillSwitch(process.store(ControlTransaction), CLOCK)
    switch.halt(actor="ann", reason="it runs wild", flatten=flatten)
    return decode(process.sent.messages["orders.fifo"][-1], TradingHalted)


def test_with_orders_in_flight_none_is_sent_after_the_halt_and_none_stands_after_it_is_settled(
    floor: Floor, capsys: pytest.CaptureFixture[str]
) -> None:
    stop, placed = threading.Event(), threading.Semaphore(0)

    def trade(process: Process) -> int:
        count = 0
        while not stop.is_set():
            with suppress(Retry):
                process.place(approved(Side.BUY, "0.001", limit_price="30000"))
            count += 1
            placed.release()
        return count

    presser = floor.start()
    with ThreadPoolExecutor(WORKERS) as pool:
        traders = [pool.submit(trade, floor.start()) for _ in range(WORKERS)]
        for _ in range(5 * WORKERS):
            assert placed.acquire(timeout=60)
        called = time.monotonic()
        command = press(presser)
        stored = time.monotonic()
        for _ in range(3 * WORKERS):  # they go on trying
            assert placed.acquire(timeout=60)
        stop.set()
        tried = sum(trader.result(60) for trader in traders)
    halted_at = command.data.halted_at
    ((last_claim,),) = floor.query("SELECT max(sent_at) FROM orders")
    assert last_claim <= halted_at
    arrived = floor.count()
    settle(presser, command)
    settled = time.monotonic()
    assert floor.standing() == []
    assert floor.count() == arrived < tried
    ((claimed,),) = floor.query("SELECT count(*) FROM orders WHERE sent_at IS NOT NULL")
    assert arrived == claimed
    refused = floor.query("SELECT DISTINCT reason FROM orders WHERE sent_at IS NULL")
    assert refused == [("halted by ann: it runs wild",)]
    last = last_order_at(floor)
    with capsys.disabled():
        print(  # noqa: T201 - a measurement, for whoever runs it
            f"\nkill switch with {WORKERS} processes trading: {arrived} orders at the exchange, {tried - arrived} refused;"
            f" from the call to the halt stored {stored - called:.3f} s, to the last order at the exchange"
            f" {max(0.0, (last - halted_at).total_seconds()):.3f} s after the halt, settled after {settled - called:.1f} s"
        )


def last_order_at(floor: Floor) -> datetime:
    """Wall time at which our records learned of the last order that the exchange accepted."""
    ((at,),) = floor.query("SELECT max(changed_at) FROM order_transitions WHERE after = 'accepted'")
    return at  # type: ignore[no-any-return]


def test_a_halt_and_its_flattening_survive_the_process_and_start_again_where_they_were(floor: Floor) -> None:
    first = floor.start()
    first.place(approved(Side.BUY, "0.25"))
    first.place(approved(Side.BUY, "0.01", limit_price="30000"))
    with psycopg.connect(floor.dsn) as db:
        db.execute(
            "INSERT INTO trades (venue, symbol, trade_id, traded_at, price, amount, side)"
            " VALUES ('binance', %s, 1, now(), 60000, 1, 'b')",
            (SYMBOL,),
        )
    command = press(first, flatten=True)
    with pytest.raises(Retry) as wait:
        first.halting().carry_out(command)
    assert wait.value.after > timedelta(0)
    assert floor.standing() == []

    second = floor.start()  # all that the first knew is gone
    with pytest.raises(Retry):
        second.halting().look_after()
    assert floor.count() == 2  # nothing is sold before everything has arrived
    late = approved(Side.BUY, "0.01")
    second.place(late)
    assert floor.query("SELECT state, reason FROM orders WHERE id = %s", late.id) == [
        ("canceled", "halted by ann: it runs wild")
    ]
    settle(second, command)
    held = second.gateway.balances()
    assert held["BTC"] < Decimal("0.0001")
    ((left, sold),) = floor.query(
        "SELECT left_over, (SELECT sum(filled) FROM orders WHERE purpose = 'flatten') FROM trading_halts"
    )
    assert sold > Decimal("1.7")
    assert all("below the venue's minimum" in words for words in left)
    settle(second, command)
    assert floor.count() == 3
