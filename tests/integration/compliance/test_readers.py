"""Flags, reports, policies and the audit as they are stored."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fakes.transaction import START
from tests.integration.compliance.desk import Desk
from volexswarm.adapters.postgres.compliance import ComplianceTransaction
from volexswarm.adapters.postgres.policies import MODELS, PolicyTransaction
from volexswarm.adapters.postgres.readers.audit import PostgresAuditReader
from volexswarm.adapters.postgres.readers.compliance import PostgresComplianceReader
from volexswarm.adapters.postgres.readers.policies import PostgresPolicyReader
from volexswarm.adapters.postgres.readers.scope import Scope
from volexswarm.compliance.flags import FlagDesk
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.errors import Conflict, NotFound
from volexswarm.messages import Check, Event, Side, SignalRaised
from volexswarm.rulebook.desk import PolicyDesk, Wanted

SCOPE = Scope("binance", "main", "simulated", "USDT")
DAY = (START.replace(hour=0), START.replace(hour=0) + timedelta(days=1))


@pytest.fixture
def reader(desk: Desk) -> PostgresComplianceReader:
    return PostgresComplianceReader(desk.database, SCOPE)


@pytest.fixture
def office(desk: Desk) -> PolicyDesk:
    return PolicyDesk(desk.store(PolicyTransaction), MODELS, desk.clock)


def flagged(desk: Desk) -> None:
    """Five flags, one an hour apart in wall time and a day apart in market time."""
    desk.activate("compliance", CompliancePolicy(watched_symbols=("BTC/USDT",)))
    for day in range(5):
        desk.trade(as_of=START + timedelta(days=day))
        desk.clock.advance(timedelta(hours=1))


def test_flags_are_paged_newest_first_and_by_state(desk, reader):
    flagged(desk)
    first = reader.flags(None, 2, None)
    rest = reader.flags(None, 10, first.next)
    days = [str(flag.day) for flag in (*first.items, *rest.items)]
    assert days == [f"2026-01-{day:02}" for day in (9, 8, 7, 6, 5)]
    answers = FlagDesk(desk.store(ComplianceTransaction), desk.clock)
    answers.clear(first.items[0].id[:8], actor="ann", reason="known")
    assert len(reader.flags("open", 10, None).items) == 4
    (cleared,) = reader.flags("cleared", 10, None).items
    assert (cleared.cleared_by, cleared.clearing_reason, cleared.cleared_at) == ("ann", "known", desk.clock.now())


def test_the_beginning_of_several_flags_ids_names_none_of_them(desk):
    flagged(desk)
    answers = FlagDesk(desk.store(ComplianceTransaction), desk.clock)
    with pytest.raises(Conflict, match="several flags begin"):
        answers.clear("", actor="ann", reason="known")
    with pytest.raises(NotFound):
        answers.clear("ffffffff-ffff", actor="ann", reason="known")


def test_a_report_counts_what_happened_in_its_day_of_market_time(desk, reader):
    desk.activate("compliance", CompliancePolicy(watched_symbols=("BTC/USDT",), max_order_value={"USDT": Decimal(600)}))
    filled = desk.order(desk.trade(), state="filled")
    desk.fill(filled, "buy", "0.004", "50000", fee=Decimal("0.2"))
    desk.fill(filled, "buy", "0.006", "50000", fee=Decimal("0.000003"), fee_currency="BNB")
    desk.fill(None, "sell", "0.01", "51000")
    desk.order(desk.trade(), state="canceled")
    desk.trade(amount="1")  # too large
    desk.refuse([Check(name="kill_switch", limit="", value="", passed=False)])
    other_day = desk.order(desk.trade(as_of=START + timedelta(days=1)), state="filled")
    desk.fill(other_day, "buy", "0.01", "50000", as_of=START + timedelta(days=1))
    found = reader.report("daily", *DAY)
    assert [(row.symbol, row.state, row.orders) for row in found.orders] == [
        ("BTC/USDT", "canceled", 1),
        ("BTC/USDT", "filled", 1),
    ]
    assert found.canceled_share == 0.5
    assert [(row.side, row.fills, row.orders, row.value) for row in found.traded] == [
        ("buy", 2, 1, Decimal(500)),
        ("sell", 1, 1, Decimal(510)),
    ]
    assert {fee.currency: fee.amount for fee in found.fees} == {"USDT": Decimal("0.2"), "BNB": Decimal("0.000003")}
    assert [(row.stage, row.approved, row.refused) for row in found.decisions] == [("risk", 3, 1), ("compliance", 2, 1)]
    assert [(row.stage, row.check, row.refusals) for row in found.refusals] == [
        ("risk", "kill_switch", 1),
        ("compliance", "order_value", 1),
    ]
    assert [(row.rule, row.state, row.flags, row.count) for row in found.flags] == [("symbol_watched", "open", 1, 3)]
    used = [(row.name, row.version, row.decisions, row.activated_by) for row in found.policies]
    assert used == [("risk", 1, 4, None), ("compliance", 2, 3, "test")]
    month = reader.report("monthly", START.replace(day=1, hour=0), START.replace(month=2, day=1, hour=0))
    assert sum(row.orders for row in month.orders) == 3


def test_a_day_without_anything_is_an_empty_report(reader):
    found = reader.report("daily", *DAY)
    assert (found.orders, found.canceled_share, found.policies) == ([], None, [])


def test_a_policy_changes_with_who_when_and_why(desk, office):
    office.activate(
        "compliance", Wanted(changes={"max_trades_per_hour": 5}), expected_version=1, actor="ann", reason="too many"
    )
    policy = PostgresPolicyReader(desk.database).policy("compliance")
    assert (policy.version, policy.body["max_trades_per_hour"], policy.problem) == (2, 5, None)
    assert [(one.version, one.activated_by, one.reason, one.changed) for one in policy.history] == [
        (2, "ann", "too many", {"max_trades_per_hour": "30 → 5"}),
        (1, "test", "", {}),
    ]
    for _ in range(6):
        desk.trade()
    assert desk.refusals() == [["trades_per_hour"]]


def test_of_two_changes_on_the_same_version_one_is_refused(desk, office):
    def change(limit: int) -> int | type:
        wanted = Wanted(changes={"max_trades_per_hour": limit})
        try:
            return office.activate("compliance", wanted, expected_version=1, actor="a", reason="x").version
        except Conflict:
            return Conflict

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(change, (5, 6)))
    assert sorted(outcomes, key=str) == [2, Conflict]
    assert len(desk.rows("SELECT FROM events WHERE type = 'volexswarm.PolicyActivated'")) == 1


def test_a_policy_that_is_not_valid_is_shown_with_what_is_wrong(desk):
    desk.run("INSERT INTO policies (name, version, body, activated_by) VALUES ('compliance', 2, '{\"x\": 1}', 'test')")
    policy = PostgresPolicyReader(desk.database).policy("compliance")
    assert (policy.version, policy.body) == (2, {"x": 1})
    assert "x: expected no field of this name" in str(policy.problem)


def test_the_audit_tells_deeds_with_who_and_why_and_no_strategys_signals(desk, office):
    flagged(desk)
    office.activate(
        "compliance", Wanted(changes={"max_trades_per_hour": 5}), expected_version=2, actor="ann", reason="too many"
    )
    for person in ("bob", None):
        signal = SignalRaised(
            venue="binance",
            symbol="BTC/USDT",
            strategy_id="manual",
            strategy="manual",
            side=Side.BUY,
            confidence=1,
            price=Decimal(50_000),
            as_of=START,
            reason="a wish",
            requested_by=person,
        )
        desk.clock.advance(timedelta(seconds=1))
        with desk.store(ComplianceTransaction).transaction() as tx:
            tx.publish(Event.root(signal, source="api", subject="x", identity=f"by {person}", time=desk.clock.now()))
    reader = PostgresAuditReader(desk.database)
    first = reader.audit(None, 2, None)
    rest = reader.audit(None, 10, first.next)
    told = [(entry.action, entry.actor, entry.reason) for entry in (*first.items, *rest.items)]
    assert told[:2] == [("SignalRaised", "bob", "a wish"), ("PolicyActivated", "ann", "too many")]
    assert [action for action, *_ in told[2:]] == ["FlagChanged"] * 5
    assert rest.next is None
    later = reader.audit(desk.clock.now() - timedelta(minutes=1), 10, None)
    assert len(later.items) == 2


def test_the_audit_reads_by_its_index(desk):
    """The journal is long, the deeds are few: without the index each look would read all of it."""
    desk.run("SET enable_seqscan = off")
    from volexswarm.adapters.postgres.readers import audit  # noqa: PLC0415 - the statement itself

    nothing = {"since": None, "moment": None, "last": None, "rows": 10}
    plan = desk.sql.execute("EXPLAIN " + audit._DEEDS, nothing).fetchall()
    assert any("events_audited" in str(row.values()) for row in plan)
