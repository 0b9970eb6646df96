"""What the end-to-end tests look at: the database's whole state, the queues, the exchange's own balances."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import psycopg

TRUTH = (
    "trades", "candles", "signals", "decisions", "proposals", "orders", "order_transitions", "fills", "accounts",
    "ledger_transactions", "ledger_entries", "balances", "positions",
)  # fmt: skip


def rows(dsn: str, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """The answer to one query."""
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode(), parameters).fetchall()


def value(dsn: str, query: str, *parameters: Any) -> Any:
    """The single value that a query answers."""
    return rows(dsn, query, *parameters)[0][0]


def contents(dsn: str) -> dict[str, set[str]]:
    """Every row of each table of the truth, as text: equal before and after means nothing changed."""
    query = "SELECT t::text FROM {} AS t"
    return {table: {row for (row,) in rows(dsn, query.format(table))} for table in TRUTH}


def changes(before: dict[str, set[str]], after: dict[str, set[str]]) -> dict[str, tuple[set[str], set[str]]]:
    """The rows that went and those that came, by table; empty when nothing changed."""
    both = {table: (before[table] - after[table], after[table] - before[table]) for table in before}
    return {table: (gone, new) for table, (gone, new) in both.items() if gone or new}


def wait_until(what: str, condition: Callable[[], bool], seconds: float, every: float = 0.5) -> None:
    """Wait for something to become true; fails with `what` was awaited."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still not so after {seconds:.0f} s: {what}"
        time.sleep(every)


def ledger_assets(dsn: str) -> dict[str, Decimal]:
    """What the books say the exchange holds for us, summed from the entries themselves."""
    query = "SELECT currency, sum(amount) FROM ledger_entries WHERE ledger_account = 'assets' GROUP BY currency"
    return {currency: total for currency, total in rows(dsn, query) if total}


def orders_at(exchange_url: str) -> list[str]:
    """Client order ids of all orders that the simulated exchange ever took."""
    orders = httpx.get(f"{exchange_url}/admin/orders", timeout=30).raise_for_status().json()
    return [order["clientOrderId"] for order in orders]


def exchange_assets(exchange_url: str) -> dict[str, Decimal]:
    """What the simulated exchange holds for us: free and locked together, zero balances left out."""
    balances = httpx.get(f"{exchange_url}/admin/balances", timeout=10).raise_for_status().json()
    totals = {asset: Decimal(held["free"]) + Decimal(held["locked"]) for asset, held in balances["main"].items()}
    return {asset: total for asset, total in totals.items() if total}
