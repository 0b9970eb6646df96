"""Tasks in PostgreSQL: stored whole, held while they change, started in order; and what became of their trades, told from the
tables that risk, compliance and execution write."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.fakes.transaction import START
from volexswarm.adapters.postgres.database import Connection, Database
from volexswarm.adapters.postgres.task_steps import TaskStepTransaction
from volexswarm.adapters.postgres.tasks import TaskTransaction
from volexswarm.errors import NotFound
from volexswarm.messages import Check, Priority, Side, TaskStatus
from volexswarm.tasks.model import Approval, Cost, PlannedTrade, Task
from volexswarm.tasks.policy import TasksPolicy
from volexswarm.tasks.record import StepKey
from volexswarm.tasks.requests import Rebalance, Report, TradeWish, read

LATER = START + timedelta(minutes=1)
S = TaskStatus


@pytest.fixture
def database(database_dsn: str) -> Iterator[Database]:
    opened = Database(lambda: database_dsn, max_size=2)
    yield opened
    opened.close()


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.connection() as opened:
        yield opened


@pytest.fixture
def tx(connection: Connection) -> TaskTransaction:
    return TaskTransaction(connection)


def task(number: int = 1, **fields: Any) -> Task:
    request = read({"kind": "trade", "symbol": "ETH/USDT", "side": "buy", "amount": "0.1"})
    values: dict[str, Any] = {
        "id": str(uuid.UUID(int=number)),
        "request": request,
        "priority": Priority.MEDIUM,
        "status": S.WAITING,
        "attempt": 1,
        "requested_by": "anna",
        "idempotency_key": f"k{number}",
        "understood": request.in_words,
        "reason": "waits",
        "created_at": START + timedelta(seconds=number),
    }
    return Task(**values | fields)


def added(tx: TaskTransaction, number: int = 1, **fields: Any) -> Task:
    one = task(number, **fields)
    tx.add_task(one, "anna")
    return one


def approval(of: Task, token: str = "tok") -> Approval:
    return Approval(
        id=str(uuid.UUID(int=77)),
        task_id=of.id,
        attempt=of.attempt,
        question="May it?",
        reasons=("large",),
        token=token,
        asked_at=START,
        expires_at=LATER,
    )


def trade(leg: int = 0, side: Side = Side.BUY) -> PlannedTrade:
    price, worst = Decimal(2000), Decimal(2020)
    return PlannedTrade(leg, "ETH/USDT", side, Decimal("0.1"), price, worst, Decimal("0.02"), "wished", "simulated")


def test_a_task_comes_back_as_it_was_stored(tx: TaskTransaction) -> None:
    first = added(tx)
    whole = added(
        tx,
        2,
        request=Rebalance(targets={"BTC": Decimal("0.40")}, symbols=("BTC/USDT",)),
        priority=Priority.CRITICAL,
        status=S.UNCONFIRMED,
        words="rebalance to 40 % BTC",
        ignored=("please",),
        depends_on=(first.id,),
        deadline=LATER,
        confirm_by=LATER,
    )
    assert tx.task(whole.id) == whole
    assert tx.hold_key("anna", "k2") == whole
    assert tx.hold_key("ben", "k2") is None
    assert tx.unknown([first.id, "nonsense"]) == ["nonsense"]
    with pytest.raises(NotFound):
        tx.task("nonsense")


def test_a_change_is_stored_with_who_and_why(tx: TaskTransaction, connection: Connection) -> None:
    before = added(tx)
    after = replace(before, status=S.RUNNING, reason="began", started_at=LATER, explanation=("so",))
    tx.save_task(before, after, "system", LATER)
    assert tx.task(before.id) == after
    rows = connection.execute("SELECT before, after, actor, reason FROM task_transitions ORDER BY position").fetchall()
    assert [tuple(row.values()) for row in rows] == [
        (None, "waiting", "anna", "waits"),
        ("waiting", "running", "system", "began"),
    ]


def test_what_waits_comes_by_rank_and_age_with_what_it_depends_on(tx: TaskTransaction) -> None:
    first = added(tx, 1, status=S.FAILED, reason="no")
    added(tx, 2, priority=Priority.LOW)
    added(tx, 3, depends_on=(first.id,))
    added(tx, 4, priority=Priority.HIGH)
    found = [(one.idempotency_key, list(dependencies)) for one, dependencies in tx.waiting()]
    assert found == [("k4", []), ("k3", [(first.id, S.FAILED, "no")]), ("k2", [])]


def test_what_runs_is_marked_when_the_state_machine_took_it(tx: TaskTransaction) -> None:
    one = added(tx, 1, status=S.RUNNING)
    added(tx, 2)
    tx.mark_dispatched(one.id, 2, LATER)  # another attempt
    assert [each.dispatched_at for each in tx.running()] == [None]
    tx.mark_dispatched(one.id, 1, LATER)
    assert [each.dispatched_at for each in tx.running()] == [LATER]


def test_unconfirmed_tasks_run_out(tx: TaskTransaction) -> None:
    one = added(tx, status=S.UNCONFIRMED, confirm_by=LATER)
    assert tx.unconfirmed_since(START) == []
    assert tx.unconfirmed_since(LATER) == [one.id]


def test_the_same_key_at_the_same_moment_is_one_task(database: Database) -> None:
    def submit() -> None:
        with database.connection() as own:
            tx = TaskTransaction(own)
            if tx.hold_key("anna", "k1") is None:
                added(tx)

    threads = [threading.Thread(target=submit) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.connection() as own:
        row = own.execute("SELECT count(*) AS number FROM tasks").fetchone()
    assert row == {"number": 1}


def test_trades_are_planned_once_and_change_as_they_go(tx: TaskTransaction) -> None:
    one = added(tx, status=S.RUNNING)
    tx.add_trades(one, [trade(0, Side.SELL), trade(1)])
    stands = tx.add_trades(one, [trade(0)])
    assert [(each.leg, each.side) for each in stands] == [(0, Side.SELL), (1, Side.BUY)]
    signal = str(uuid.UUID(int=9))
    tx.save_trade(one, replace(stands[0], intended_at=LATER, signal_id=signal))
    tx.save_trade(one, replace(stands[1], refusal="risk: no"))
    first, second = tx.trades(one.id)
    assert (first.intended_at, first.signal_id, second.refusal) == (LATER, signal, "risk: no")
    assert not tx.trades(one.id, 2)


def test_a_question_stands_as_it_was_asked_first_under_its_newest_token(tx: TaskTransaction) -> None:
    one = added(tx, status=S.RUNNING)
    first = tx.ask(approval(one))
    again = tx.ask(replace(approval(one, "other"), question="Another?"))
    assert (again.question, again.token) == (first.question, "other")
    assert tx.approvals_due(START) == []
    assert tx.approvals_due(LATER) == [first.id]
    assert not tx.unanswered()
    tx.save_verdict(replace(again, verdict="approved", actor="ben", reason="fine"), LATER)
    assert [(a.id, a.verdict, a.actor) for a in tx.unanswered()] == [(first.id, "approved", "ben")]
    assert not tx.approvals_due(LATER)
    tx.mark_answered(first.id, LATER)
    assert not tx.unanswered()
    with pytest.raises(NotFound):
        tx.approval("nonsense", held=True)


def test_a_story_holds_everything_of_its_attempt_and_of_no_other(tx: TaskTransaction, connection: Connection) -> None:
    one = added(tx, status=S.RUNNING, attempt=2)
    steps = TaskStepTransaction(connection)
    for attempt, answer in ((1, {"old": True}), (2, {"next": "ask"})):
        key = StepKey(one.id, attempt, "appraise", None)
        steps.begin_step(key, "meta-steps", {}, START)
        steps.end_step(key, "done", "", answer, START)
    steps.begin_step(StepKey(one.id, 2, "settle", None), "meta-steps", {}, START)
    tx.add_trades(one, [trade()])
    tx.ask(approval(one))
    story = tx.story(one.id)
    assert story.answers == {("appraise", ""): {"next": "ask"}}
    assert story.approval is not None
    assert [each.leg for each in story.trades] == [0]
    assert (story.outcomes, story.cost) == ({}, Cost(0, 0, 0.0))


_SIGNAL = """
INSERT INTO signals (id, strategy_id, strategy, venue, symbol, side, confidence, price, amount, as_of, reason, indicators,
    raised_at, correlation_id)
VALUES (%(id)s, 'manual', 'manual', 'binance', 'ETH/USDT', 'buy', 1, 2000, 0.1, %(at)s, 'asked', '{}', %(at)s, %(id)s)
"""
_DECISION = "INSERT INTO decisions VALUES (%s, %s, %s, 1, %s, %s, %s, %s)"
_PROPOSAL = """
INSERT INTO proposals (id, signal_id, strategy_id, venue, account, symbol, side, order_type, amount, reference_price, sizing,
    state, as_of, proposed_at, correlation_id)
VALUES (%(id)s, %(id)s, 'manual', 'binance', 'main', 'ETH/USDT', 'buy', 'market', 0.1, 2000, 'given',
    'approved', %(at)s, %(at)s, %(id)s)
"""
_ORDER = """
INSERT INTO orders (id, proposal_id, signal_id, strategy_id, client_order_id, venue, account, symbol, side, order_type, amount,
    reference_price, state, filled, cost, as_of, intended_at, updated_at, correlation_id, purpose, sequence)
VALUES (%(order)s, %(id)s, %(id)s, 'manual', %(name)s, 'binance', 'main', 'ETH/USDT', 'buy', 'market', 0.1, 2000, %(state)s,
    %(filled)s, %(cost)s, %(at)s, %(at)s, %(at)s, %(id)s, %(purpose)s,
    %(sequence)s)
"""
_FILL = """
INSERT INTO fills (venue, account, symbol, trade_id, order_id, exchange_order_id, side, price, amount, fee, fee_currency,
    realised_pnl, as_of, applied_at, correlation_id, slippage)
VALUES ('binance', 'main', 'ETH/USDT', 't1', %(order)s, 'x', 'buy', 2000.5, 0.1, 0.2, 'USDT', 0, %(at)s, %(at)s, %(id)s, 0.00025)
"""


class Chain:
    """A raised signal, followed through the stages one by one."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.id = str(uuid.UUID(int=500))
        self.keys: dict[str, Any] = {"id": self.id, "at": START, "order": str(uuid.UUID(int=600)), "purpose": "trade"}
        connection.execute(_SIGNAL, self.keys)

    def decided(self, stage: str, passed: bool) -> None:
        check = Check(name="daily_loss", limit="5 %", value="6 %", passed=passed).model_dump(mode="json")
        self.connection.execute(_DECISION, (self.id, stage, passed, Jsonb([check]), START, START, self.id))

    def proposed(self) -> None:
        self.connection.execute(_PROPOSAL, self.keys)

    def ordered(self, state: str, filled: str = "0", cost: str = "0", **other: Any) -> None:
        numbers = {"filled": filled, "cost": cost, "sequence": 0}
        name = other.get("purpose", "trade")
        self.connection.execute(_ORDER, self.keys | numbers | {"state": state, "name": name} | other)


def test_a_trade_is_followed_from_its_signal_to_its_fills(tx: TaskTransaction, connection: Connection) -> None:
    chain = Chain(connection)

    def now() -> tuple[bool, str | None, int]:
        found = tx.outcomes([chain.id])[chain.id]
        return found.working, found.refused, len(found.orders)

    assert now() == (True, None, 0)
    chain.decided("risk", passed=True)
    chain.proposed()
    assert now() == (True, None, 0)
    chain.decided("compliance", passed=True)
    assert now() == (True, None, 0)
    chain.ordered("filled", "0.1", "200.05")
    connection.execute(_FILL, chain.keys)
    stop = {"order": str(uuid.UUID(int=601)), "purpose": "stop"}
    chain.ordered("accepted", **stop)  # the way out of the position is no part of the trade
    assert now() == (False, None, 1)
    found = tx.outcomes([chain.id])[chain.id]
    assert (found.filled, found.cost) == (Decimal("0.1"), Decimal("200.05"))
    [fill] = found.fills
    assert (fill.price, fill.fee, fill.fee_currency, fill.slippage) == (
        Decimal("2000.5"),
        Decimal("0.2"),
        "USDT",
        Decimal("0.00025"),
    )


@pytest.mark.parametrize("stage", ["risk", "compliance"])
def test_a_refusal_ends_a_trade_and_says_who_and_why(tx: TaskTransaction, connection: Connection, stage: str) -> None:
    chain = Chain(connection)
    if stage == "compliance":
        chain.decided("risk", passed=True)
        chain.proposed()
    chain.decided(stage, passed=False)
    found = tx.outcomes([chain.id])[chain.id]
    assert (found.working, found.refused) == (False, f"{stage}: daily_loss: 6 % (limit 5 %)")


@pytest.mark.parametrize(
    ("state", "working"), [("accepted", True), ("unknown", True), ("rejected", False), ("canceled", False)]
)
def test_a_trade_works_while_its_order_stands(
    tx: TaskTransaction, connection: Connection, state: str, working: bool
) -> None:
    chain = Chain(connection)
    for stage in ("risk", "compliance"):
        chain.decided(stage, passed=True)
    chain.proposed()
    chain.ordered(state)
    found = tx.outcomes([chain.id])[chain.id]
    assert (found.working, found.orders[0].cancelable) == (working, working)
    connection.execute("UPDATE orders SET cancel_requested_at = now()")
    found = tx.outcomes([chain.id])[chain.id]
    assert (found.working, found.orders[0].cancelable) == (working, False)


_PLAN = """
INSERT INTO order_plans (proposal_id, venue, account, symbol, profile, amount, slices, interval_seconds, worst_price, state,
    started_at, updated_at, correlation_id)
VALUES (%(id)s, 'binance', 'main', 'ETH/USDT', 'default', 0.1, 5, 60, 2020, 'working', %(at)s, %(at)s, %(id)s)
"""


def test_a_large_order_is_canceled_by_its_newest_slice_or_its_signal_until_it_has_ended(
    tx: TaskTransaction, connection: Connection
) -> None:
    chain = Chain(connection)
    for stage in ("risk", "compliance"):
        chain.decided(stage, passed=True)
    chain.proposed()
    connection.execute(_PLAN, chain.keys)

    def now() -> tuple[bool, tuple[str, ...]]:
        found = tx.outcomes([chain.id])[chain.id]
        return found.working, found.cancelable

    assert now() == (True, (chain.id,))
    for number, slice_id in enumerate(("11", "12")):
        chain.ordered("filled", order=str(uuid.UUID(slice_id * 16)), purpose="slice", sequence=number, name=slice_id)
        assert now() == (True, (str(uuid.UUID(slice_id * 16)),))
    connection.execute("UPDATE order_plans SET state = 'stopped'")
    assert now() == (False, ())


def test_schedules_begin_in_the_future_and_are_due_once(tx: TaskTransaction) -> None:
    assert tx.due_flows({"scan": LATER}, START) == {}
    assert tx.due_flows({"scan": LATER + timedelta(hours=9)}, LATER) == {"scan": LATER}
    tx.set_due("scan", LATER + timedelta(hours=1))
    assert tx.due_flows({"scan": LATER}, LATER) == {}


def test_an_agents_record_is_what_its_steps_came_to(tx: TaskTransaction, connection: Connection) -> None:
    one = added(tx, status=S.RUNNING)
    steps = TaskStepTransaction(connection)
    for number, status in enumerate(("done", "missing", "failed", None)):
        key = StepKey(one.id, 1, f"gather.{number}", "ETH/USDT")
        steps.begin_step(key, "research", {}, START)
        if status is not None:
            steps.end_step(key, status, "", {} if status == "done" else None, START)  # type: ignore[arg-type]
    connection.execute("UPDATE task_steps SET started_at = now()")
    record = tx.track_records(START)["research"]
    assert (record.at_work, record.ended, record.answered) == (1, 3, 1)


def test_a_report_counts_what_happened_in_its_time(tx: TaskTransaction, connection: Connection) -> None:
    chain = Chain(connection)
    chain.decided("risk", passed=True)
    chain.proposed()
    chain.decided("compliance", passed=True)
    chain.ordered("filled", "0.1", "200.05")
    connection.execute(_FILL, chain.keys)
    done = added(tx, 1, request=Report(), status=S.SUCCEEDED)
    connection.execute("UPDATE tasks SET ended_at = %s", (START,))
    for account, equity, units, at in (
        ("main", "1000", "1", START),
        ("main-paper", "7", "7", START + timedelta(seconds=1)),  # not the books that trade
        ("main", "1510.5", "1.5", LATER),
    ):
        connection.execute(
            "INSERT INTO equity_snapshots (venue, account, as_of, currency, equity, cash, units, taken_at)"
            " VALUES ('binance', %s, %s, 'USDT', %s, 0, %s, %s)",
            (account, at, equity, units, at),
        )
    connection.execute(
        "INSERT INTO transfers (venue, account, kind, reference, currency, amount, fee, as_of, booked_at, correlation_id, value,"
        " value_currency, valued_as_of) VALUES ('binance', 'main', 'deposit', 'd1', 'USDT', 500, 0, %s, %s, %s, 500, 'USDT', %s)",
        (LATER, LATER, str(uuid.UUID(int=9)), LATER),
    )
    figures = tx.figures(START - timedelta(hours=1), LATER)
    assert json.loads(json.dumps(dict(figures))) == {
        "signals": 1,
        "refused_risk": 0,
        "refused_compliance": 0,
        "orders": 1,
        "rejected": 0,
        "fills": 1,
        "volumes": {"USDT": "200.05"},
        "fees": {"USDT": "0.2"},
        "tasks_done": 1,
        "tasks_rejected": 0,
        "tasks_failed": 0,
        "breakers": 0,
        "flags": 0,
        "equity_before": "1000",
        "units_before": "1",
        "equity_after": "1510.5",
        "units_after": "1.5",
        "moved": "500",
    }
    assert tx.figures(LATER + timedelta(hours=1), LATER + timedelta(hours=2))["equity_after"] is None
    assert tx.task(done.id).request == Report()


def test_the_newest_policy_is_the_one_in_force(tx: TaskTransaction, connection: Connection) -> None:
    assert tx.newest_policy() is None
    for version in (1, 2):
        body = Jsonb(TasksPolicy(max_running=version).model_dump(mode="json"))
        connection.execute(
            "INSERT INTO policies (name, version, body, activated_by) VALUES ('tasks', %s, %s, 'a')", (version, body)
        )
    stored = tx.newest_policy()
    assert stored is not None
    assert (stored.version, stored.body["max_running"]) == (2, 2)


def test_canceled_tasks_with_trades_on_their_way_are_looked_after(tx: TaskTransaction) -> None:
    one = added(tx, status=S.RUNNING)
    [planned] = tx.add_trades(one, [trade()])
    ended = replace(one, status=S.CANCELED, ended_at=LATER)
    tx.save_task(one, ended, "anna", LATER)
    assert tx.canceled_at_work(START) == []
    tx.save_trade(one, replace(planned, intended_at=START))
    assert [each.id for each in tx.canceled_at_work(START)] == [one.id]
    assert tx.canceled_at_work(LATER) == []
    assert isinstance(one.request, TradeWish)
