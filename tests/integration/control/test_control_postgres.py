"""The kill switch on a real database: nobody slips past it, and it is there after everything else has died."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from tests.fakes.transaction import START, FixedClock
from tests.integration.execution.conftest import Sent, approved, store_proposal
from volexswarm.adapters.postgres import control
from volexswarm.adapters.postgres.control import ControlTransaction
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.governed import GovernedTransaction
from volexswarm.adapters.postgres.halting import HaltingTransaction
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.readers.control import PostgresControlReader
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.adapters.postgres.store import PostgresStore
from volexswarm.control.kill_switch import KillSwitch
from volexswarm.control.mode_switch import ModeSwitch, Wanted
from volexswarm.errors import ConfirmationRequired, Conflict, Unavailable
from volexswarm.execution.record import intent_of
from volexswarm.settings import Settings


@pytest.fixture
def open_database(database_dsn: str) -> Iterator[Callable[[], Database]]:
    """A database connection of its own for each process that a test plays."""
    opened: list[Database] = []

    def connect() -> Database:
        opened.append(Database(lambda: database_dsn))
        return opened[-1]

    yield connect
    for database in opened:
        database.close()


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def switch(open_database: Callable[[], Database], sent: Sent) -> KillSwitch:
    database = open_database()
    return KillSwitch(PostgresStore(database, ControlTransaction, Relay(database, sent)), FixedClock())


def governed(database: Database) -> PostgresStore[GovernedTransaction]:
    return PostgresStore(database, GovernedTransaction, Relay(database, Sent()))


def settings(mode: str = "simulated") -> Settings:
    return Settings(
        target="embedded",
        mode=mode,
        symbols=("BTC/USDT",),
        timeframes=("1m",),
        redis_url="redis://127.0.0.1:1",
        vault_url="http://127.0.0.1:1",
    )


def waits_for_a_lock(dsn: str, count: int) -> bool:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ).fetchone()
    assert row is not None
    return bool(row[0] == count)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_whoever_had_to_wait_for_the_kill_switch_finds_the_halt(
    database_dsn: str, open_database: Callable[[], Database], switch: KillSwitch
) -> None:
    """The trap: a row read and locked by one statement would be seen as it was before the wait."""
    first, second = governed(open_database()), governed(open_database())
    sending, go_on = threading.Event(), threading.Event()

    def send() -> str | None:
        with first.transaction() as tx:
            halt = tx.trading_state("binance").halt
            sending.set()
            assert go_on.wait(20)
            return halt

    def look() -> str | None:
        with second.transaction() as tx:
            return tx.trading_state("binance").halt

    with ThreadPoolExecutor(3) as processes:
        sender = processes.submit(send)
        assert sending.wait(20)
        halting = processes.submit(switch.halt, actor="ann", reason="it runs wild", flatten=False)
        until(lambda: waits_for_a_lock(database_dsn, 1))
        late: Future[str | None] = processes.submit(look)
        until(lambda: waits_for_a_lock(database_dsn, 2))  # it does not overtake the switch
        assert not halting.done()
        go_on.set()
        assert sender.result(20) is None
        assert not halting.result(20).repeated
        assert late.result(20) == "halted by ann: it runs wild"


def test_a_stream_of_readers_does_not_keep_the_kill_switch_out(
    open_database: Callable[[], Database], switch: KillSwitch
) -> None:
    """Each holds the state while the next one comes: there is never a moment without a reader."""
    stop = threading.Event()

    def read(store: PostgresStore[GovernedTransaction]) -> int:
        seen = 0
        while not stop.is_set():
            with store.transaction() as tx:
                if tx.trading_state("binance").halt is not None:
                    break
                time.sleep(0.03)
            seen += 1
        return seen

    with ThreadPoolExecutor(5) as processes:
        readers = [processes.submit(read, governed(open_database())) for _ in range(4)]
        try:
            time.sleep(0.3)
            switch.halt(actor="ann", reason="it runs wild", flatten=False)
        finally:
            stop.set()
        assert all(reader.result(20) > 0 for reader in readers)


def test_a_switch_that_can_t_get_hold_of_trading_says_so(
    open_database: Callable[[], Database], switch: KillSwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "HOLD_WITHIN", "200ms")
    with governed(open_database()).transaction() as tx:
        tx.trading_state("binance")
        with pytest.raises(Unavailable, match="lock timeout"):
            switch.halt(actor="ann", reason="it runs wild", flatten=False)
    assert not switch.halt(actor="ann", reason="it runs wild", flatten=False).repeated


def test_two_who_halt_at_once_make_one_halt(open_database: Callable[[], Database], database_dsn: str) -> None:
    def press(actor: str) -> bool:
        database = open_database()
        store = PostgresStore(database, ControlTransaction, Relay(database, Sent()))
        return KillSwitch(store, FixedClock()).halt(actor=actor, reason="it runs wild", flatten=False).repeated

    with ThreadPoolExecutor(4) as processes:
        assert sorted(processes.map(press, ["ann", "bob", "eve", "joe"])) == [False, True, True, True]
    with psycopg.connect(database_dsn) as connection:
        assert connection.execute("SELECT count(*) FROM trading_halts").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (1,)


def test_a_halt_holds_until_it_is_settled_and_lifted(
    open_database: Callable[[], Database], switch: KillSwitch, database_dsn: str, sent: Sent
) -> None:
    halt = switch.halt(actor="ann", reason="it runs wild", flatten=False).halt
    assert len(sent.messages["orders.fifo"]) == 1
    with pytest.raises(Conflict, match="not settled"):
        switch.resume(actor="bob", reason="mended")
    reader = PostgresControlReader(open_database(), settings())
    shown = reader.control().halt
    assert shown is not None
    assert (shown.id, shown.actor, shown.settled_at, shown.left) == (halt.id, "ann", None, [])
    with psycopg.connect(database_dsn) as connection:
        connection.execute("UPDATE trading_halts SET settled_at = now(), canceled = 2, left_over = '{some dust}'")
    shown = reader.control().halt
    assert shown is not None
    assert (shown.canceled, shown.left) == (2, ["some dust"])
    switch.resume(actor="bob", reason="mended")
    assert reader.control().halt is None
    with governed(open_database()).transaction() as tx:
        assert tx.trading_state("binance").halt is None
    with psycopg.connect(database_dsn) as connection:
        lifted = connection.execute("SELECT actor, lifted_by, lift_reason FROM trading_halts").fetchall()
    assert lifted == [("ann", "bob", "mended")]


def test_trading_goes_on_as_it_does_since_the_last_switch_or_lifting(
    open_database: Callable[[], Database], database_dsn: str
) -> None:
    store = governed(open_database())

    def since() -> datetime:
        with store.transaction() as tx:
            return tx.trading_state("binance").since

    with psycopg.connect(database_dsn, autocommit=True) as connection:
        connection.execute("UPDATE trading_modes SET switched_at = %s", (START,))
        assert since() == START
        for hours in (-1, 1, 2):
            connection.execute(
                "INSERT INTO trading_halts (id, actor, reason, halted_at, settled_at, lifted_by, lift_reason, lifted_at)"
                " VALUES (gen_random_uuid(), 'ann', 'why', %(at)s, %(at)s, 'bob', 'why', %(at)s)",
                {"at": START + timedelta(hours=hours)},
            )
            assert since() == max(START, START + timedelta(hours=hours))
        connection.execute("UPDATE trading_modes SET switched_at = %s", (START + timedelta(hours=3),))
        assert since() == START + timedelta(hours=3)


def test_a_trade_is_unplaced_until_it_is_refused_or_has_an_order(
    open_database: Callable[[], Database], database_dsn: str
) -> None:
    refused, ordered, planned, waiting = (approved() for _ in range(4))
    for command in (refused, ordered, planned, waiting):
        store_proposal(database_dsn, command)
    store = PostgresStore(open_database(), ControlTransaction, Relay(open_database(), Sent()))

    def unplaced(since: datetime = waiting.time) -> int:
        with store.transaction() as tx:
            return tx.unplaced_trades("binance", "main", since)

    with psycopg.connect(database_dsn, autocommit=True) as connection:
        connection.execute("UPDATE proposals SET proposed_at = %s", (waiting.time,))
        assert unplaced() == 4
        connection.execute("UPDATE proposals SET state = 'refused' WHERE id = %s", (refused.data.proposal_id,))
        with PostgresStore(open_database(), HaltingTransaction, Relay(open_database(), Sent())).transaction() as tx:
            tx.add_order(intent_of(ordered))
        connection.execute(
            "INSERT INTO order_plans (proposal_id, venue, account, symbol, profile, amount, slices, interval_seconds,"
            " worst_price, started_at, updated_at, correlation_id)"
            " VALUES (%s, 'binance', 'main', 'BTC/USDT', 'default', 1, 5, 60, 61000, now(), now(), %s)",
            (planned.data.proposal_id, planned.correlationid),
        )
        assert (unplaced(), unplaced(waiting.time + timedelta(seconds=1))) == (1, 0)


def test_the_mode_is_switched_confirmed_and_shown(open_database: Callable[[], Database], database_dsn: str) -> None:
    database = open_database()
    live = settings("live")
    modes = ModeSwitch(
        PostgresStore(database, ControlTransaction, Relay(database, Sent())),
        FixedClock(),
        venue="binance",
        account="main",
        environment="live",
    )
    wanted = Wanted("live", "ann", "the tests are over", Decimal("250.50"))
    with pytest.raises(ConfirmationRequired) as asked:
        modes.switch(wanted)
    with psycopg.connect(database_dsn) as connection:
        stored = connection.execute("SELECT c::text FROM mode_confirmations c").fetchall()
    assert asked.value.code not in str(stored)
    confirmed = Wanted("live", "ann", "the tests are over", Decimal("250.5"), asked.value.code)
    modes.switch(confirmed)
    shown = PostgresControlReader(database, live).control()
    assert (shown.trading.mode, shown.trading.simulated, shown.trading.cap) == ("live", False, Decimal("250.50"))
    assert shown.available == ["live", "paper"]
    modes.switch(Wanted("paper", "ann", "enough for today"))
    scope = Scope.in_force(database, live)
    assert (scope.account, scope.mode, scope.simulated) == ("main-paper", "paper", True)
    with pytest.raises(Conflict, match="confirmation"):
        modes.switch(confirmed)
    with psycopg.connect(database_dsn) as connection:
        told = connection.execute("SELECT type, data->>'after' FROM events ORDER BY data->>'after'").fetchall()
    assert told == [("volexswarm.ModeSwitched", "live"), ("volexswarm.ModeSwitched", "paper")]


def test_nothing_is_switched_between_two_slices_of_a_large_order_and_a_halt_ends_it(
    open_database: Callable[[], Database], database_dsn: str
) -> None:
    command = approved()
    store_proposal(database_dsn, command)
    database = open_database()
    with psycopg.connect(database_dsn) as connection:
        connection.execute(
            "INSERT INTO order_plans (proposal_id, venue, account, symbol, profile, amount, slices, next_slice,"
            " interval_seconds, worst_price, started_at, updated_at, correlation_id)"
            " VALUES (%s, 'binance', 'main', 'BTC/USDT', 'default', 1, 5, 1, 60, 61000, now(), now(), %s)",
            (command.data.proposal_id, command.correlationid),
        )
    modes = ModeSwitch(
        PostgresStore(database, ControlTransaction, Relay(database, Sent())),
        FixedClock(),
        venue="binance",
        account="main",
        environment="simulated",
    )
    with pytest.raises(Conflict, match="1 orders of the books main are open"):
        modes.switch(Wanted("paper", "ann", "to try"))
    with PostgresStore(database, HaltingTransaction, Relay(database, Sent())).transaction() as tx:
        tx.stop_plans("binance", "halted by ann: enough", FixedClock().now())
    assert modes.switch(Wanted("paper", "ann", "to try")).account == "main-paper"
    with psycopg.connect(database_dsn) as connection:
        ended = connection.execute("SELECT state, reason FROM order_plans").fetchall()
    assert ended == [("stopped", "halted by ann: enough")]
