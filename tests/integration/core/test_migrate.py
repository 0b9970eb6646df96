"""Migrations: applied once, in order, wholly or not at all, and never changed afterwards."""

import psycopg
import pytest

from infra.migrate import Migration, MigrationError, load, migrate


def tables(dsn):
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {name for (name,) in rows}


def test_a_second_run_changes_nothing(database_dsn):
    assert migrate(database_dsn) == []
    assert {"trades", "orders", "ledger_entries", "outbox"} <= tables(database_dsn)


def test_a_failing_file_leaves_nothing_behind(database_dsn):
    broken = Migration("9998_broken", "CREATE TABLE half (a int); SELECT no_such_function();", needs_timescale=False)
    with pytest.raises(MigrationError, match="9998_broken"):
        migrate(database_dsn, [broken])
    assert "half" not in tables(database_dsn)


def test_a_changed_file_is_refused(database_dsn):
    first = load()[0]
    changed = Migration(first.name, first.sql + "\n-- edited", first.needs_timescale)
    with pytest.raises(MigrationError, match="changed after"):
        migrate(database_dsn, [changed])


def test_without_timescaledb_its_file_waits(database_dsn):
    waiting = [migration.name for migration in load() if migration.needs_timescale]
    with psycopg.connect(database_dsn) as connection:
        applied = {name for (name,) in connection.execute("SELECT name FROM schema_migrations").fetchall()}
    assert waiting
    assert not applied & set(waiting)


def test_entries_that_do_not_sum_to_zero_are_refused_by_the_database(database_dsn):
    with psycopg.connect(database_dsn) as connection:
        connection.execute(
            "INSERT INTO ledger_transactions VALUES"
            " (gen_random_uuid(), 'v', 'main', 'fill', 'r', now(), now(), gen_random_uuid())"
        )
        connection.execute("INSERT INTO ledger_entries SELECT id, 1, 'assets', 'BTC', 1 FROM ledger_transactions")
        with pytest.raises(psycopg.errors.RaiseException, match="sum to zero"):
            connection.commit()
