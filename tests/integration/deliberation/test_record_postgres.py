"""The record of a deliberation as people read it, of one that is under way and of one that has come to its verdict."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.deliberation.test_deliberation_postgres import NoSender
from tests.unit.deliberation.panels import all_testimonies, question
from tests.unit.deliberation.speaking import CHOICE, TAKEN, ScriptedTeam
from tests.unit.deliberation.test_coordinator import Killed, quarrel
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.deliberation import DeliberationTransaction
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.readers.deliberation import PostgresDeliberationReader
from volexswarm.adapters.postgres.store import PostgresStore
from volexswarm.clock import SystemClock
from volexswarm.deliberation.coordinator import EnhancedAgentCoordinator
from volexswarm.deliberation.desk import DESK
from volexswarm.deliberation.domain import Answer, Ask, Limits
from volexswarm.deliberation.replay import Replayer
from volexswarm.errors import NotFound
from volexswarm.messages import Ruling, Side


@pytest.fixture
def database(database_dsn: str) -> Iterator[Database]:
    database = Database(lambda: database_dsn)
    yield database
    database.close()


def store(database: Database) -> PostgresStore[DeliberationTransaction]:
    return PostgresStore(database, DeliberationTransaction, Relay(database, NoSender()))


def deliberate(database: Database, script: object = quarrel) -> Ruling:
    coordinator = EnhancedAgentCoordinator(
        store(database),
        SystemClock(),
        lambda choice, ledger: ScriptedTeam(script, choice, ledger, [], TAKEN),  # type: ignore[arg-type]
        CHOICE,
    )
    return coordinator.deliberate(question(Side.BUY), all_testimonies(), Limits())


def test_the_record_tells_who_said_what_and_how_the_verdict_was_computed(database: Database) -> None:
    ruling = deliberate(database)
    reader = PostgresDeliberationReader(database)
    record = reader.record(ruling.deliberation_id)
    assert record.phase == "done"
    assert [s.role for s in record.statements] == [*(role.name for role in DESK), "strategy", "signal"]
    assert [(s.phase, s.round) for s in record.statements[-2:]] == [("challenge", 1)] * 2
    assert (record.costs.calls, record.costs.repeated, record.costs.tokens) == (8, 0, 800)
    assert record.costs.answered_tokens == 800
    assert record.model == "openai:scripted"
    assert record.verdict is not None
    assert record.verdict.action == ruling.action
    assert record.verdict.explanation == ruling.explanation
    lines = {line.what: line.value for line in record.verdict.arithmetic}
    votes = {vote.role: vote for vote in record.verdict.votes}
    assert lines["sell"] == votes["strategy"].strength == 0.9
    assert "strategy" in record.verdict.dissent
    assert [one.id for one in reader.records_of("t1")] == [record.id]
    assert reader.records_of("t1", attempt=2) == []
    assert Replayer(store(database)).replay(record.id).identical


def test_one_that_is_under_way_shows_what_was_said_so_far(database: Database) -> None:
    def mortal(ask: Ask) -> Answer:
        if ask.phase == "challenge" and ask.role == "signal":
            raise Killed
        return quarrel(ask)

    with pytest.raises(Killed):
        deliberate(database, mortal)
    (record,) = PostgresDeliberationReader(database).records_of("t1")
    assert (record.phase, record.verdict, record.rounds) == ("challenge", None, 1)
    assert len(record.statements) == 7
    assert deliberate(database) is not None
    (record,) = PostgresDeliberationReader(database).records_of("t1")
    assert (record.costs.calls, record.costs.repeated) == (9, 1)


def test_what_is_not_there_is_not_found(database: Database) -> None:
    reader = PostgresDeliberationReader(database)
    with pytest.raises(NotFound):
        reader.record("0" * 64)
    assert reader.records_of("nobody's") == []


def test_every_forecasting_role_has_a_record_though_nothing_was_judged(database: Database) -> None:
    records = PostgresDeliberationReader(database).track_records()
    assert [(one.role, one.forecasts, one.hit_rate, one.weight) for one in records] == [
        (role.name, 0, None, 1.0) for role in DESK if role.forecasts
    ]
