"""The functions' own wiring, from a switch to paper to a fill: orders go by the gateway of their account, and by no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import ccxt
import psycopg
import pytest

from chalicelib.runtime import wiring
from tests.fakes.transaction import FakeQuoteBoard
from tests.integration.execution.conftest import SYMBOL, KeyedSecrets, Sent, approved, store_proposal
from volexlocal.servers.exchange import Exchange, Market
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.venues import connection
from volexswarm.control.mode_switch import Wanted
from volexswarm.messages import Event, OrderApproved, Quote
from volexswarm.settings import Settings


@pytest.fixture
def exchange(
    database_dsn: str, sim_exchange: Callable[[Market], Exchange], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Exchange]:
    """A simulated exchange that the wiring leads to."""
    server = sim_exchange(Market(speed=20, symbols=(SYMBOL,), balances=("USDT=100000",)))
    settings = Settings(
        target="embedded",
        symbols=(SYMBOL,),
        timeframes=("1m",),
        exchange_url=server.url,
        redis_url="redis://127.0.0.1:1",
        vault_url="http://127.0.0.1:1",
        paper_balances="USDT:5000",
    )
    database, secrets, sent, quotes = Database(lambda: database_dsn), KeyedSecrets(server.credentials), Sent(), board()
    forget()
    for name, part in {
        "settings": settings,
        "database": database,
        "vault": secrets,
        "sender": sent,
        "quotes": quotes,
    }.items():
        monkeypatch.setattr(wiring, name, lambda part=part: part)
    yield server
    monkeypatch.undo()
    forget()
    database.close()


def forget() -> None:
    """Let the wiring make everything anew."""
    for part in vars(wiring).values():
        if hasattr(part, "cache_clear"):
            part.cache_clear()


def board() -> FakeQuoteBoard:
    now = datetime.now(UTC)
    quote = Quote(bid=Decimal(59990), ask=Decimal(60000), as_of=now, received_at=now)
    return FakeQuoteBoard(**{SYMBOL: quote})


def place(dsn: str, account: str) -> tuple[str, str | None]:
    """Bring an approved purchase of an account to its exchange; state and reason of the order."""
    event: Event[OrderApproved] = approved(amount="0.01")
    event = event.model_copy(update={"data": event.data.model_copy(update={"account": account})})
    store_proposal(dsn, event)
    wiring.execution_agent().execute(event)
    with psycopg.connect(dsn) as db:
        row = db.execute("SELECT state, reason FROM orders WHERE id = %s", (event.id,)).fetchone()
    assert row is not None
    return row


def books(dsn: str) -> dict[str, tuple[Any, ...]]:
    with psycopg.connect(dsn) as db:
        rows = db.execute(
            "SELECT a.account, a.mode, sum(amount) FILTER (WHERE currency = 'BTC') AS btc FROM accounts a"
            " LEFT JOIN balances b ON b.account = a.account AND ledger_account = 'assets' GROUP BY 1, 2"
        ).fetchall()
    return {account: tuple(rest) for account, *rest in rows}


def test_after_a_switch_to_paper_orders_fill_on_paper_in_books_of_their_own(
    exchange: Exchange, database_dsn: str
) -> None:
    wiring.portfolio_agent("main").open_account()
    assert place(database_dsn, "main-paper") == (
        "canceled",
        "trading goes on in the books main, mode simulated",
    )
    wiring.mode_switch().switch(Wanted("paper", "ann", "first without money"))
    assert list(wiring.accounts()) == ["main", "main-paper"]
    wiring.portfolio_agent("main-paper").open_account()
    assert place(database_dsn, "main") == ("canceled", "trading goes on in the books main-paper, mode paper")
    assert place(database_dsn, "main-paper") == ("filled", None)
    other = ccxt.binance({**connection("binance", exchange.url, "simulated"), **exchange.credentials})
    assert other.fetch_orders(SYMBOL) == []
    held = books(database_dsn)
    assert held["main"] == ("simulated", None)
    assert held["main-paper"][0] == "paper"
    assert Decimal("0.0098") < held["main-paper"][1] <= Decimal("0.01")
    shown = wiring.books_reader().portfolio()
    assert (shown.account, shown.mode, shown.simulated) == ("main-paper", "paper", True)
