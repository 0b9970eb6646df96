"""What the guard looks for each minute costs the same however much was traded before."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.integration.execution.conftest import SYMBOL, approved, store_proposal
from volexswarm.adapters.postgres.execution import ExecutionTransaction
from volexswarm.adapters.postgres.protections import GUARDED_MARKETS
from volexswarm.execution.protection import Guarded, State
from volexswarm.execution.protection_ports import Market
from volexswarm.execution.record import intent_of
from volexswarm.messages import OrderState, Protection, Side

MARKET = Market("binance", "main", SYMBOL)
WANTED = Protection(stop_price=Decimal(90))
HISTORY = 3000

# Orders that bought with a protection in mind, and were left long ago.
_HISTORY = (
    """
    INSERT INTO proposals (id, signal_id, strategy_id, venue, account, symbol, side, order_type, amount, reference_price, sizing,
                           state, as_of, proposed_at, correlation_id, protection)
    SELECT id, id, 's', 'binance', 'main', %(symbol)s, 'buy', 'market', 1, 1, 'test', 'approved', now(), now(), id,
           '{"stop_price": "90"}'
    FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, %(number)s)) trades
    """,
    """
    INSERT INTO orders (id, proposal_id, strategy_id, client_order_id, venue, account, symbol, side, order_type, amount, filled,
                        reference_price, state, as_of, intended_at, updated_at, correlation_id)
    SELECT id, id, 's', id::text, 'binance', 'main', %(symbol)s, 'buy', 'market', 1, 1, 1, 'filled', as_of, as_of, as_of, id
    FROM proposals
    """,
    """
    INSERT INTO protections (order_id, venue, account, symbol, stop_price, state, amount, reason, entered_at, watch_from,
                             updated_at, correlation_id)
    SELECT id, 'binance', 'main', %(symbol)s, 90, 'closed', 0, 'stop filled', as_of, as_of, as_of, id FROM orders
    """,
)


@pytest.fixture
def connection(database_dsn: str) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with psycopg.connect(database_dsn, row_factory=dict_row) as connection:
        yield connection


def bought(
    connection: psycopg.Connection[Any], dsn: str, side: Side = Side.BUY, wanted: Protection | None = WANTED
) -> str:
    """An order of which something was filled; its id."""
    event = approved(side, protection=wanted)
    store_proposal(dsn, event)
    tx = ExecutionTransaction(connection)
    order = intent_of(event)
    tx.add_order(order)
    connection.execute("UPDATE orders SET filled = 1, state = %s WHERE id = %s", (OrderState.FILLED.value, order.id))
    return order.id


def protect(connection: psycopg.Connection[Any], order_id: str) -> None:
    tx = ExecutionTransaction(connection)
    order = tx.order(order_id)
    tx.add_protection(
        Guarded(
            order_id=order_id,
            venue=order.venue,
            account=order.account,
            symbol=order.symbol,
            wanted=WANTED,
            state=State.ARMED,
            entered_at=order.as_of,
            watch_from=order.as_of,
            reason="bought",
            correlation_id=str(uuid.uuid4()),
        ),
        order.as_of,
    )


def test_what_was_bought_with_a_protection_in_mind_is_unguarded_until_it_has_one(
    connection: psycopg.Connection[Any], database_dsn: str
) -> None:
    for side, wanted in ((Side.SELL, WANTED), (Side.BUY, None), (Side.BUY, Protection())):
        bought(connection, database_dsn, side, wanted)
    tx = ExecutionTransaction(connection)
    assert (tx.guarded_markets(), tx.unguarded_entries(MARKET)) == ([], [])
    order_id = bought(connection, database_dsn)
    assert (tx.guarded_markets(), tx.unguarded_entries(MARKET)) == ([MARKET], [order_id])
    protect(connection, order_id)
    assert (tx.guarded_markets(), tx.unguarded_entries(MARKET)) == ([MARKET], [])
    connection.execute("UPDATE protections SET state = 'closed'")
    assert tx.guarded_markets() == []


def test_what_was_traded_before_is_not_read_again(connection: psycopg.Connection[Any], database_dsn: str) -> None:
    for statement in _HISTORY:
        connection.execute(statement, {"number": HISTORY, "symbol": SYMBOL})
    entry = bought(connection, database_dsn)
    connection.commit()
    with psycopg.connect(database_dsn, autocommit=True) as keeper:
        keeper.execute("VACUUM ANALYZE orders, protections, proposals")
    assert ExecutionTransaction(connection).unguarded_entries(MARKET) == [entry]
    (row,) = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {GUARDED_MARKETS}").fetchall()
    plan = row["QUERY PLAN"][0]["Plan"]
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 20
