"""The books in the real database: whatever the order of arrival, and whoever books at the same time."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.transaction import START, FakeQuoteBoard, FixedClock
from tests.unit.portfolio.fills import fill, histories
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.execution import ExecutionTransaction
from volexswarm.clock import SystemClock
from volexswarm.messages import Quote, Side
from volexswarm.portfolio.agent import PortfolioAgent
from volexswarm.portfolio.bookkeeping import Bookkeeper
from volexswarm.portfolio.model import Entry, LedgerAccount, Posting, PostingKind
from volexswarm.portfolio.positions import fold
from volexswarm.ports import Fill, Transfer

CHAIN = str(uuid.uuid4())
TABLES = "lots, closings, transfers, fills, positions, ledger_entries, ledger_transactions, balances, accounts"


def open_books(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(f"TRUNCATE {TABLES} CASCADE")
        connection.execute("INSERT INTO accounts VALUES ('binance', 'main', %s)", (START,))


def book(database: Database, *fills: Fill) -> None:
    bookkeeper = Bookkeeper(SystemClock())
    for one in fills:
        with database.connection() as connection:
            bookkeeper.record_fill(ExecutionTransaction(connection), one, order_id=None, correlation_id=CHAIN)


def kept(dsn: str) -> list[object]:
    with psycopg.connect(dsn) as connection:
        return [
            connection.execute(statement).fetchall()
            for statement in (
                "SELECT * FROM balances ORDER BY ledger_account, currency",
                "SELECT symbol, amount, average_price, realised_pnl, fees FROM positions",
                "SELECT trade_id, realised_pnl, position_amount, position_average_price FROM fills ORDER BY trade_id",
                "SELECT * FROM lots ORDER BY trade_id",
                "SELECT * FROM closings ORDER BY exit_id, entry_id",
                "SELECT transaction_id, line, ledger_account, currency, amount FROM ledger_entries ORDER BY 1, 2",
            )
        ]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories(5), st.randoms())
def test_any_order_and_repetition_ends_in_the_same_books(
    database_dsn: str, history: list[Fill], chance: random.Random
) -> None:
    database = Database(lambda: database_dsn)
    open_books(database_dsn)
    book(database, *history)
    straight = kept(database_dsn)
    open_books(database_dsn)
    shuffled = history * 2
    chance.shuffle(shuffled)
    book(database, *shuffled)
    assert kept(database_dsn) == straight
    database.close()


def test_trade_ids_are_ordered_as_numbers(database_dsn: str) -> None:
    """9 comes before 10 within the same millisecond."""
    database = Database(lambda: database_dsn)
    open_books(database_dsn)
    at = START + timedelta(seconds=1)
    history = [fill(9, Side.BUY, "1", "100", as_of=at), fill(10, Side.SELL, "1", "150", as_of=at)]
    book(database, *reversed(history))
    with psycopg.connect(database_dsn) as connection:
        assert connection.execute("SELECT realised_pnl FROM positions").fetchall() == [(fold(history)[0].realised_pnl,)]
        assert connection.execute("SELECT realised_pnl FROM fills WHERE trade_id = '10'").fetchall() == [(50,)]
    database.close()


def test_the_same_fills_from_several_sides_at_once_are_booked_once(database_dsn: str) -> None:
    open_books(database_dsn)
    history = [fill(number, Side.BUY, "0.5", str(100 + number)) for number in range(1, 13)]
    failures: list[BaseException] = []

    def worker(seed: int) -> None:
        database = Database(lambda: database_dsn)
        fills = list(history)
        random.Random(seed).shuffle(fills)
        try:
            book(database, *fills)
        except BaseException as error:
            failures.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=worker, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with psycopg.connect(database_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM ledger_transactions").fetchall() == [(12,)]
        held = connection.execute("SELECT amount, average_price FROM positions").fetchall()
    expected = fold(history)[0]
    assert held == [(expected.amount, expected.average_price)]


def test_the_database_refuses_entries_that_do_not_sum_to_zero(database_dsn: str) -> None:
    database = Database(lambda: database_dsn)
    lopsided = Posting(
        "binance", "main", PostingKind.FILL, "x", START, (Entry(LedgerAccount.ASSETS, "USDT", Decimal(1)),)
    )
    with (
        pytest.raises(psycopg.errors.RaiseException, match="does not sum to zero"),
        database.connection() as connection,
    ):
        ExecutionTransaction(connection).post(lopsided, correlation_id=CHAIN, posted_at=START)
    database.close()


def test_a_snapshot_is_stored_once_per_moment_of_market_time(
    database_dsn: str, books_of: Callable[[FakeQuoteBoard, FixedClock], PortfolioAgent]
) -> None:
    clock = FixedClock()
    quote = Quote(bid=Decimal(99), ask=Decimal(101), as_of=START - timedelta(days=300), received_at=START)
    books = books_of(FakeQuoteBoard(**{"BTC/USDT": quote}), clock)
    assert books.open_account()
    assert not books.open_account()
    books.snapshot()
    books.snapshot()
    with psycopg.connect(database_dsn) as connection:
        assert connection.execute("SELECT as_of, currency, equity, cash FROM equity_snapshots").fetchall() == [
            (quote.as_of, "USDT", Decimal(1200), Decimal(1000))
        ]
        told = connection.execute("SELECT count(*) FROM events WHERE type = 'volexswarm.EquityTaken'").fetchone()
        assert told == (1,)


def test_a_transfer_is_booked_once_and_changes_the_units_alone(
    database_dsn: str, books_of: Callable[[FakeQuoteBoard, FixedClock], PortfolioAgent]
) -> None:
    clock = FixedClock()
    board = FakeQuoteBoard(**{"BTC/USDT": Quote(bid=Decimal(99), ask=Decimal(101), as_of=START, received_at=START)})
    books = books_of(board, clock)
    books.open_account()  # 1000 USDT and 2 BTC
    books.snapshot()
    database = Database(lambda: database_dsn)
    coins = Transfer("t1", "BTC", Decimal(3), Decimal("0.5"), START + timedelta(hours=1))

    def record() -> bool:
        with database.connection() as connection:
            tx = ExecutionTransaction(connection)
            return Bookkeeper(clock).record_transfer(tx, "binance", "main", coins, correlation_id=CHAIN)

    assert record()
    assert not record()
    later = START + timedelta(hours=2)
    price = Quote(bid=Decimal(199), ask=Decimal(201), as_of=later, received_at=START)
    board.quotes["BTC/USDT"] = price
    books.snapshot()
    with psycopg.connect(database_dsn) as connection:
        snapshots = connection.execute("SELECT as_of, equity, units FROM equity_snapshots ORDER BY as_of").fetchall()
        valued = connection.execute("SELECT value, value_currency, valued_as_of FROM transfers").fetchall()
    assert valued == [(600, "USDT", later)]
    # 1900 with the transfer, 1300 without it: the fee of 0.5 BTC is a loss, the 3 BTC are none of a profit
    assert snapshots == [(START, 1200, 1200), (later, 1900, Decimal("1753.846153846153846154"))]
    database.close()
