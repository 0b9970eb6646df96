"""The monitor's records on PostgreSQL, and the probes against real servers that are there, sealed or gone."""

import uuid
from datetime import timedelta

import psycopg
import pytest

from tests.fakes.transaction import START
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.market import MarketTransaction
from volexswarm.adapters.postgres.monitor import FeedProgress, MonitorTransaction
from volexswarm.adapters.probes import DatabaseProbe, RedisProbe
from volexswarm.adapters.redis_quotes import client
from volexswarm.errors import Unavailable
from volexswarm.monitor.ports import Health


@pytest.fixture
def database(database_dsn):
    opened = Database(lambda: database_dsn)
    yield opened
    opened.close()


def rows(dsn, query):
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).fetchall()


def test_activity_counts_up_and_keeps_the_latest_moment(database, database_dsn):
    later = START + timedelta(seconds=5)
    for moment in (START, later, START):
        with database.connection() as connection:
            MonitorTransaction(connection).count_event("risk", "volexswarm.TradeRefused", moment)
    assert rows(database_dsn, "SELECT * FROM agent_activity") == [("risk", "volexswarm.TradeRefused", 3, later)]


def test_health_is_replaced_and_parts_that_are_gone_are_forgotten(database, database_dsn):
    first = [Health("vault", False, "sealed"), Health("old", True, "well")]
    second = [Health("vault", True, "unsealed"), Health("redis", True, "answers")]
    for findings, moment in ((first, START), (second, START + timedelta(minutes=1))):
        with database.connection() as connection:
            MonitorTransaction(connection).save_health(findings, moment)
    found = rows(database_dsn, "SELECT part, healthy, detail, checked_at FROM health ORDER BY part")
    later = START + timedelta(minutes=1)
    assert found == [("redis", True, "answers", later), ("vault", True, "unsealed", later)]


def test_only_old_answers_are_forgotten(database, database_dsn):
    with database.connection() as connection:
        old, new = uuid.uuid4(), uuid.uuid4()
        for event_id, moment in ((old, START), (new, START + timedelta(days=2))):
            connection.execute("INSERT INTO inbox VALUES ('risk', %s, %s)", (event_id, moment))
        assert MonitorTransaction(connection).forget_answers(START + timedelta(days=1)) == 1
    assert rows(database_dsn, "SELECT event_id FROM inbox") == [(new,)]


def test_probes_of_servers_that_are_there(database, redis_url):
    assert DatabaseProbe(database).measure()[0]
    assert RedisProbe(client(redis_url)).measure()[0]


def test_probes_of_servers_that_are_gone():
    with pytest.raises(Unavailable, match="database"):
        DatabaseProbe(Database(lambda: "postgresql://127.0.0.1:9/none", timeout=1)).measure()
    with pytest.raises(Unavailable, match="redis"):
        RedisProbe(client("redis://127.0.0.1:9/0")).measure()


def arrive(database, session, *sequences):
    for sequence in sequences:
        with database.connection() as connection:
            tx = MarketTransaction(connection)
            tx.keep_progress("binance", session, tx.progress("binance", session).arrived(sequence, {})[0])


def let_pass(dsn, minutes):
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "UPDATE feeds SET waiting_since = waiting_since - %(by)s, updated_at = updated_at - %(by)s",
            {"by": timedelta(minutes=minutes)},
        )


def test_a_gap_is_as_old_as_the_wait_for_its_first_batch_whatever_arrives_behind_it(database, database_dsn):
    feed = FeedProgress(database)
    assert feed.gap("binance") is None
    arrive(database, "old", 0, 1)
    assert feed.gap("binance") is None
    arrive(database, "old", 3, 5)
    let_pass(database_dsn, 3)
    arrive(database, "old", 6)
    gap = feed.gap("binance")
    assert (gap.session, gap.first, gap.last) == ("old", 2, 2)
    assert gap.waited >= timedelta(minutes=3)
    arrive(database, "old", 2)  # now it waits for another, which it does from now on
    gap = feed.gap("binance")
    assert (gap.first, gap.last) == (4, 4)
    assert gap.waited < timedelta(minutes=3)
    assert feed.gap("kraken") is None
    arrive(database, "new", 0)  # what the session before it lacks, the new one has fetched again
    assert feed.gap("binance") is None


def test_a_session_that_begins_with_a_gap_waits_from_its_first_batch_on(database, database_dsn):
    arrive(database, "s", 2)
    let_pass(database_dsn, 3)
    gap = FeedProgress(database).gap("binance")
    assert (gap.first, gap.last) == (0, 1)
    assert gap.waited >= timedelta(minutes=3)
    arrive(database, "s", 0, 1)
    assert FeedProgress(database).gap("binance") is None
