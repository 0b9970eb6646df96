"""Two calls of the keeper at once, for one may last longer than the schedule's minute: all is looked after, and nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from threading import Barrier
from typing import Any

import psycopg
import pytest

from tests.fakes.execution import execution
from tests.fakes.transaction import FakeQuoteBoard
from tests.integration.execution.conftest import SYMBOL, Desk, Sent, approved
from tests.integration.execution.test_slicing import large
from volexswarm.adapters.ccxt_gateway import CcxtGateway
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.reconciliation import ReconcilingTransaction
from volexswarm.adapters.postgres.slicing import SlicingTransaction
from volexswarm.adapters.postgres.store import PostgresStore
from volexswarm.clock import SystemClock
from volexswarm.errors import Retry
from volexswarm.execution.reconciler import Reconciler
from volexswarm.messages import PlaceSlice, Protection, Side
from volexswarm.portfolio.agent import PortfolioAgent
from volexswarm.portfolio.bookkeeping import Bookkeeper

ROUNDS = 3


class Keeper:
    """What one call of the keeper does, with a database and an exchange of its own, as another process has them."""

    def __init__(self, desk: Desk) -> None:
        clock = SystemClock()
        self.database = Database(lambda: desk.dsn)
        relay = Relay(self.database, Sent())
        gateway = CcxtGateway(
            venue="binance", account="main", exchange_url=desk.network.url, mode="simulated", secrets=desk.secrets
        )
        store = PostgresStore(self.database, SlicingTransaction, relay)
        parts = execution(store, gateway, desk.secrets, Bookkeeper(clock), clock)
        portfolio = PortfolioAgent(
            store=store,
            exchange=gateway,
            quotes=FakeQuoteBoard(),
            clock=clock,
            account="main",
            venue="binance",
            mode="simulated",
            valuation_currency="USDT",
            symbols=[SYMBOL],
        )
        reconciler = Reconciler(
            store=PostgresStore(self.database, ReconcilingTransaction, relay),
            exchange=gateway,
            record=parts.record,
            clock=clock,
            venue="binance",
            account="main",
            symbols=[SYMBOL],
            pause=lambda _: None,
        )
        self.chores: list[Callable[[], Any]] = [
            portfolio.open_account,
            parts.agent.resolve_open,
            parts.agent._slicer.look_after,
            parts.guard.look_after,
            reconciler.look,
            portfolio.snapshot,
        ]

    def keep(self, together: Barrier) -> None:
        """Each chore begins when the other keeper begins it, too."""
        for chore in self.chores:
            together.wait(timeout=60)
            with suppress(Retry):  # the next minute is the retry
                chore()


@pytest.fixture
def keepers(desk: Desk) -> Iterator[tuple[Keeper, Keeper]]:
    both = Keeper(desk), Keeper(desk)
    yield both
    for keeper in both:
        keeper.database.close()


def test_two_keepers_at_once_look_after_everything_once(desk: Desk, keepers: tuple[Keeper, Keeper]) -> None:
    desk.place(large(desk))  # in slices, the first of which nobody places
    protected = approved(Side.BUY, "0.02", protection=Protection(stop_price=Decimal(10000)))
    desk.place(protected)
    for lost in ("answer", "request"):
        desk.lose("POST order", lost)
        desk.lose("GET order", *["request"] * 3)
        with suppress(Retry):
            desk.place(approved(Side.BUY, "0.01"))
    assert desk.states()[1:] == ["unknown", "unknown"]
    desk.other.create_order(SYMBOL, "market", "buy", "0.005")
    desk.other.create_order(SYMBOL, "limit", "buy", "0.01", "20000")
    with psycopg.connect(desk.dsn) as connection:
        connection.execute("UPDATE order_plans SET updated_at = updated_at - interval '1 hour'")
        connection.execute("UPDATE events SET occurred_at = occurred_at - interval '1 hour'")
    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            desk.age_orders()
            together = Barrier(2)
            for call in [pool.submit(keeper.keep, together) for keeper in keepers]:
                call.result()

    assert desk.query("SELECT purpose, state, attempts FROM orders ORDER BY purpose, attempts") == [
        ("stop", "accepted", 1),
        ("trade", "filled", 1),
        ("trade", "filled", 1),
        ("trade", "filled", 2),  # its first attempt never arrived
    ]
    ours = {row[0] for row in desk.query("SELECT client_order_id FROM orders")}
    at_the_exchange = [order["clientOrderId"] for order in desk.other.fetch_orders(SYMBOL)]
    assert len(at_the_exchange) == len(set(at_the_exchange)) == len(ours) + 2
    assert ours < set(at_the_exchange)
    assert desk.books() == desk.held()
    commands = desk.query("SELECT count(*) FROM events WHERE type = %s", PlaceSlice.type_name())
    assert commands == [(2,)]
    found = desk.query("SELECT kind, count(*) FROM differences WHERE kind IN ('fill', 'foreign_order') GROUP BY kind")
    assert dict(found)["foreign_order"] == 1
    assert desk.query("SELECT count(*) FROM differences WHERE state = 'open' AND kind <> 'foreign_order'") == [(0,)]
    assert desk.query("SELECT subject FROM events GROUP BY type, subject, causation_id HAVING count(*) > 1") == []
