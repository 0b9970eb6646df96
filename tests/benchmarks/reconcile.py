"""Time of one comparison with the exchange when 10,000 orders stand open on both sides, each with a fill that is booked.

The records lie in PostgreSQL. The exchange's side is answered from memory: what a venue needs for its pages is its own.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg

from infra.migrate import migrate
from tests.benchmarks.figure import Figure
from tests.fakes.execution import CAPABILITIES
from volexlocal import ports
from volexlocal.servers.postgres import Postgres
from volexlocal.servers.server import Place
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.reconciliation import ReconcilingTransaction
from volexswarm.adapters.postgres.store import PostgresStore
from volexswarm.clock import SystemClock
from volexswarm.execution.model import Capabilities, Evidence, StandingOrder
from volexswarm.execution.reconciler import Reconciler
from volexswarm.execution.record import Record
from volexswarm.messages import OrderState, Side
from volexswarm.portfolio.bookkeeping import Bookkeeper
from volexswarm.ports import Fill, Transfer

ORDERS = 10_000
ROUNDS = 3
VENUE, ACCOUNT, SYMBOL = "binance", "main", "BTC/USDT"
AMOUNT, FILLED, PRICE = Decimal("0.002"), Decimal("0.001"), Decimal(60_000)
OPENED = datetime(2026, 1, 1, tzinfo=UTC)
TRADED = OPENED + timedelta(hours=1)

_RECORDS = """
WITH made AS (SELECT n, gen_random_uuid() AS id FROM generate_series(1, %(count)s) n), stored AS (
    INSERT INTO orders (id, proposal_id, signal_id, strategy_id, client_order_id, exchange_order_id, venue, account, symbol, side,
        order_type, amount, limit_price, reference_price, state, filled, cost, attempts, reported_state, reported_filled, as_of,
        intended_at, sent_at, updated_at, correlation_id)
    SELECT id, gen_random_uuid(), id, 'bench', 'bench' || n, n::text, %(venue)s, %(account)s, %(symbol)s, 'buy', 'limit',
        %(amount)s, %(price)s, %(price)s, 'partially_filled', %(filled)s, %(filled)s * %(price)s, 1, 'partially_filled',
        %(filled)s, %(traded)s, now(), now(), now(), id FROM made RETURNING id, exchange_order_id)
INSERT INTO fills (venue, account, symbol, trade_id, order_id, exchange_order_id, side, price, amount, fee, fee_currency,
    is_maker, realised_pnl, as_of, applied_at, correlation_id)
SELECT %(venue)s, %(account)s, %(symbol)s, exchange_order_id, id, exchange_order_id, 'buy', %(price)s, %(filled)s, 0, 'BTC', true,
    0, %(traded)s, now(), id FROM stored
"""


class AnsweringExchange:
    """An exchange that says the same as our records, at once."""

    def __init__(self, count: int) -> None:
        numbers = [str(number) for number in range(1, count + 1)]
        self._fills = [
            Fill(VENUE, ACCOUNT, SYMBOL, n, n, Side.BUY, PRICE, FILLED, Decimal(0), "BTC", True, TRADED)
            for n in numbers
        ]
        self._standing = [
            StandingOrder(
                SYMBOL, f"bench{n}", Side.BUY, AMOUNT, Evidence(n, OrderState.PARTIALLY_FILLED, FILLED, (), TRADED)
            )
            for n in numbers
        ]

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    def open_orders(self) -> Sequence[StandingOrder]:
        return self._standing

    def fills_since(self, symbol: str, since: datetime) -> Sequence[Fill]:
        return [fill for fill in self._fills if fill.as_of >= since]

    def transfers_since(self, since: datetime) -> Sequence[Transfer]:
        return ()

    def balances(self) -> dict[str, Decimal]:
        return {}

    def market_time(self) -> datetime:
        return TRADED


class Unheard:
    """Takes every message; there is nobody to read them."""

    def send(self, queue: str, messages: Sequence[tuple[str, str | None, str]]) -> set[str]:
        return {event_id for event_id, _, _ in messages}


def run(orders: int = ORDERS) -> Iterator[Figure]:
    """The median of a few comparisons."""
    with tempfile.TemporaryDirectory(prefix="volexswarm-bench-") as folder:
        home = Path(folder)
        place = Place(ports.free_ports(1)[0], home / "postgres", home / "postgres.log")
        server = Postgres(place, secrets=home / "secrets", durable=False)
        server.start()
        try:
            yield from _measured(server.dsn, orders)
        finally:
            server.stop()


def _measured(dsn: str, orders: int) -> Iterator[Figure]:
    migrate(dsn)
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "INSERT INTO accounts (venue, account, opened_at, mode) VALUES (%s, %s, %s, 'simulated')",
            (VENUE, ACCOUNT, OPENED),
        )
        terms = {
            "venue": VENUE,
            "account": ACCOUNT,
            "symbol": SYMBOL,
            "amount": AMOUNT,
            "filled": FILLED,
            "price": PRICE,
        }
        connection.execute(_RECORDS, {"count": orders, "traded": TRADED, **terms})
    database, clock = Database(lambda: dsn), SystemClock()
    reconciler = Reconciler(
        store=PostgresStore(database, ReconcilingTransaction, Relay(database, Unheard())),
        exchange=AnsweringExchange(orders),  # type: ignore[arg-type] - it is only asked, never told to trade
        record=Record(Bookkeeper(clock), clock),
        clock=clock,
        venue=VENUE,
        account=ACCOUNT,
        symbols=(SYMBOL,),
    )
    seconds, differences = [], 0
    try:
        for _ in range(ROUNDS):
            began = time.perf_counter()
            findings = reconciler.reconcile("demand")
            seconds.append(time.perf_counter() - began)
            assert findings is not None
            assert findings.orders == orders
            differences += len(findings.open) + len(findings.repaired)
    finally:
        database.close()
    yield Figure(f"comparison of {orders:,} orders", round(sorted(seconds)[ROUNDS // 2], 2), "s")
    yield Figure("differences that are none", differences, "", at_most=0)
