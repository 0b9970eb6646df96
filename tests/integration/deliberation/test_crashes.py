"""A function that is killed again and again comes to the verdicts of one that is left alone, and every one can be replayed."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
import pytest
from hypothesis import settings

from tests.conftest import Postgres
from tests.integration.deliberation import crashes
from tests.integration.deliberation.test_deliberation_postgres import NoSender
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.deliberation import DeliberationTransaction
from volexswarm.adapters.postgres.outbox import Relay
from volexswarm.adapters.postgres.store import PostgresStore
from volexswarm.deliberation.replay import Replayer

SEED = 7


def size() -> int:
    """A hundred where the profile of `make faults` asks for thoroughness."""
    return 100 if settings().max_examples >= 1000 else 10


@pytest.fixture(scope="module")
def second_dsn(postgres_server: Postgres):
    """Another migrated database."""
    from tests.conftest import _TEMPLATE, _fresh_database  # noqa: PLC0415 - a second one of what `database_dsn` gives

    yield from _fresh_database(postgres_server, _TEMPLATE)


def decisions(dsn: str) -> Mapping[str, str]:
    """The stored bytes, by task."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT task_id, decision FROM deliberations").fetchall()
    return dict(rows)


def test_verdicts_are_those_of_an_undisturbed_run_and_replay_byte_for_byte(
    database_dsn: str, second_dsn: str, redis_url: str
) -> None:
    calm = crashes.hurt(second_dsn, redis_url, size(), SEED, calm=True)
    hurt = crashes.hurt(database_dsn, redis_url, size(), SEED)
    print(f"\n{size()} deliberations: {hurt.kills} kills, {hurt.asked} model calls, {hurt.repeated} repeated")  # noqa: T201 - a measurement
    assert (calm.kills, calm.repeated) == (0, 0)
    assert hurt.kills >= size() // 2
    undisturbed, disturbed = decisions(second_dsn), decisions(database_dsn)
    assert None not in undisturbed.values()
    assert disturbed == undisturbed
    assert hurt.asked - hurt.repeated == calm.asked
    assert hurt.repeated <= 6 * hurt.kills  # no more than what was under way when it was killed
    assert _replayed(database_dsn) == disturbed
    assert _told_once(database_dsn)


def _replayed(dsn: str) -> Mapping[str, str]:
    database = Database(lambda: dsn)
    store = PostgresStore(database, DeliberationTransaction, Relay(database, NoSender()))
    with database.connection() as connection:
        rows = connection.execute("SELECT id, task_id FROM deliberations").fetchall()
        calls = connection.execute("SELECT count(*) AS calls FROM deliberation_calls").fetchone()
    replayed = {row["task_id"]: Replayer(store).replay(row["id"]) for row in rows}
    with database.connection() as connection:
        assert connection.execute("SELECT count(*) AS calls FROM deliberation_calls").fetchone() == calls
    database.close()
    assert all(one.identical for one in replayed.values())
    return {task: one.decision.model_dump_json() for task, one in replayed.items()}


def _told_once(dsn: str) -> bool:
    """Each opinion and each conclusion was published once, however often the function died."""
    with psycopg.connect(dsn) as connection:
        concluded = connection.execute(
            "SELECT count(*), count(DISTINCT subject) FROM events WHERE type = 'volexswarm.DeliberationConcluded'"
        ).fetchone()
    assert concluded is not None
    return concluded == (size(), size())
