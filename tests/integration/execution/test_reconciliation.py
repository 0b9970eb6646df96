"""The account against a simulated exchange: what happens behind our back is found, booked or put before a person."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from tests.integration.execution.conftest import SYMBOL, Desk, Sent, approved
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.readers.reconciliation import PostgresReconciliationReader
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.adapters.postgres.reconciliation import ReconcilingTransaction
from volexswarm.adapters.postgres.store import PostgresStore
from volexswarm.clock import SystemClock
from volexswarm.errors import Conflict
from volexswarm.execution.differences import Acceptance, DifferenceDesk
from volexswarm.execution.model import Run
from volexswarm.execution.reconciler import Reconciler
from volexswarm.execution.reconciliation import Difference, Kind
from volexswarm.execution.record import Record
from volexswarm.messages import AcceptDifference, Side, decode
from volexswarm.portfolio.bookkeeping import Bookkeeper


class Comparing:
    """The reconciler of a desk's account, and what it has written."""

    def __init__(self, desk: Desk) -> None:
        clock = SystemClock()
        self.sent = Sent()
        store = PostgresStore(desk.database, ReconcilingTransaction, Relay(desk.database, self.sent))
        record = Record(Bookkeeper(clock), clock)
        self.reconciler = Reconciler(
            store=store,
            exchange=desk.gateway,
            record=record,
            clock=clock,
            venue="binance",
            account="main",
            symbols=[SYMBOL],
            pause=lambda _: None,
        )
        self.differences = DifferenceDesk(store=store, clock=clock)
        self.acceptance = Acceptance(
            store=store, compare=lambda _: self.reconciler.reconcile("demand"), record=record, clock=clock
        )
        self.reader = PostgresReconciliationReader(desk.database, Scope("binance", "main", "simulated", "USDT"))

    def compare(self) -> tuple[list[str], list[str]]:
        """What was repaired, and what is open, by kind."""
        found = self.reconciler.look()
        assert found is not None
        return [one.kind.value for one in found.repaired], [one.kind.value for one in found.open]

    def accept(self, key: str, reason: str) -> str:
        accepted = self.differences.accept(key, actor="ann", reason=reason)
        self.acceptance.carry_out(decode(self.sent.messages["orders.fifo"][-1], AcceptDifference))
        return accepted


@pytest.fixture
def comparing(desk: Desk) -> Comparing:
    desk.portfolio.open_account()
    return Comparing(desk)


def test_what_was_done_past_us_is_found_and_booked(desk: Desk, comparing: Comparing) -> None:
    desk.place(approved(Side.BUY, "0.02"))
    assert comparing.compare() == ([], [])
    desk.other.create_order(SYMBOL, "market", "sell", "0.5")
    repaired, unexplained = comparing.compare()
    assert set(repaired) == {"fill"}
    assert unexplained == []
    assert desk.books() == desk.held()
    assert comparing.compare() == ([], [])


def test_our_order_that_somebody_else_canceled_takes_its_end(desk: Desk, comparing: Comparing) -> None:
    desk.place(approved(Side.BUY, "0.01", limit_price="20000"))
    (standing,) = desk.other.fetch_open_orders(SYMBOL)
    desk.other.cancel_order(standing["id"], SYMBOL)
    assert comparing.compare() == (["order"], [])
    assert desk.states() == ["canceled"]


def test_somebody_elses_order_waits_for_a_person(desk: Desk, comparing: Comparing) -> None:
    desk.other.create_order(SYMBOL, "limit", "buy", "0.01", "20000")
    for _ in range(2):
        assert comparing.compare() == ([], ["foreign_order"])
    (difference,) = comparing.reader.reconciliation().open
    assert (difference.times, difference.ours) == (2, "nothing")
    assert comparing.accept(difference.id[:8], "that is mine") == difference.id
    comparing.compare()
    assert comparing.reader.reconciliation().open == []
    with pytest.raises(Conflict, match="settled already"):
        comparing.differences.accept(difference.id, actor="ann", reason="again")


def test_deposits_and_withdrawals_are_transfers_and_no_profit(desk: Desk, comparing: Comparing) -> None:
    for asset, amount in (("USDT", "500"), ("BTC", "-0.25")):
        _transfer(desk, asset, amount)
    assert comparing.compare() == ([], [])
    assert desk.books() == desk.held()
    kinds = desk.query("SELECT kind, count(*) FROM ledger_transactions GROUP BY kind ORDER BY kind")
    assert kinds == [("opening", 1), ("transfer", 2)]
    assert comparing.reader.reconciliation().last.transfers == 2
    assert comparing.compare() == ([], [])


def test_a_balance_that_nothing_explains_is_adjusted_only_by_a_person(desk: Desk, comparing: Comparing) -> None:
    _lose(desk, 1)
    before = desk.books()
    assert comparing.compare() == ([], ["balance"])
    assert desk.books() == before
    (difference,) = comparing.reader.reconciliation().open
    assert Decimal(difference.theirs) - Decimal(difference.ours) == 1
    comparing.accept(difference.id, "found it")
    assert desk.books() == desk.held()
    assert comparing.compare() == ([], [])


def test_a_difference_stays_while_its_balance_moves_and_an_acceptance_that_comes_too_late_is_told(
    desk: Desk, comparing: Comparing
) -> None:
    _lose(desk, 1)
    comparing.compare()
    (before,) = comparing.reader.reconciliation().open
    _lose(desk, 100)
    comparing.reconciler._pause = lambda _: _lose(desk, -100)
    assert comparing.compare() == ([], ["balance"])
    (kept,) = comparing.reader.reconciliation().open
    assert (kept.id, kept.ours, kept.theirs) == (before.id, before.ours, before.theirs)
    assert kept.seen_at > before.seen_at
    _lose(desk, -1)
    comparing.accept(kept.id, "found it")
    (gone,) = comparing.reader.differences("repaired", 9, None).items
    assert gone.reason is not None
    assert gone.reason.endswith("; ann accepted it when it was settled already: nothing was done")


def test_a_difference_is_one_chain_of_events_and_pages_are_read_back(desk: Desk, comparing: Comparing) -> None:
    for price in ("20000", "21000", "22000"):
        desk.other.create_order(SYMBOL, "limit", "buy", "0.01", price)
    comparing.compare()
    first = comparing.reader.differences("open", 2, None)
    second = comparing.reader.differences("open", 2, first.next)
    assert len({one.id for one in (*first.items, *second.items)}) == 3
    assert second.next is None
    found = desk.query("SELECT count(*) FROM events WHERE type = 'volexswarm.DifferenceFound'")
    assert found == [(3,)]


def _lose(desk: Desk, amount: int) -> None:
    """Let the books say so much less than the exchange."""
    with psycopg.connect(desk.dsn) as connection:
        connection.execute(
            "UPDATE balances SET amount = amount - %s WHERE ledger_account = 'assets' AND currency = 'USDT'", (amount,)
        )


def _transfer(desk: Desk, asset: str, amount: str) -> None:
    url = desk.other.urls["api"]["public"].removesuffix("/api/v3")
    httpx.post(f"{url}/admin/transfers", json={"asset": asset, "amount": amount}, timeout=10).raise_for_status()


def test_two_comparisons_at_once_find_a_difference_once(database_dsn: str) -> None:
    now = SystemClock().now()
    airdrop = Difference(Kind.BALANCE, "BTC", "0", "1", "?")
    with ThreadPoolExecutor(1) as other, psycopg.connect(database_dsn, row_factory=dict_row) as ours:
        first = ReconcilingTransaction(ours).see_difference(
            Run(str(uuid.uuid4()), "demand", now), "binance", "main", airdrop, now
        )

        def see() -> tuple[str, bool]:
            with psycopg.connect(database_dsn, row_factory=dict_row) as theirs:
                run = Run(str(uuid.uuid4()), "schedule", now)
                return ReconcilingTransaction(theirs).see_difference(run, "binance", "main", airdrop, now)

        second = other.submit(see)
        with psycopg.connect(database_dsn, autocommit=True) as looking:
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            while not second.done() and not looking.execute(waiting).fetchall()[0][0]:
                time.sleep(0.01)
        ours.commit()
        assert (first[1], second.result()) == (True, (first[0], False))
