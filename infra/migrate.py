"""Brings a database to the newest schema: numbered SQL files, each applied once, each in a transaction of its own.

A file named `*.timescale.sql` is applied only where the timescaledb extension is available; on plain PostgreSQL it stays
pending, so that a database that gains the extension later gets its hypertables then. An applied file must never change:
its checksum is kept and compared.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x766F6C65  # one migration at a time, whoever starts it

_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class MigrationError(Exception):
    """The database can't be brought to the newest schema; the message says why and nothing of the failed file is applied."""


@dataclass(frozen=True)
class Migration:
    """One file: `name` without ending, its SQL, and whether it needs TimescaleDB."""

    name: str
    sql: str
    needs_timescale: bool

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load(folder: Path = MIGRATIONS) -> list[Migration]:
    """The migrations in order of their numbers."""
    return [
        Migration(path.name.removesuffix(".sql"), path.read_text(), path.name.endswith(".timescale.sql"))
        for path in sorted(folder.glob("[0-9]*.sql"))
    ]


def migrate(
    dsn: str, migrations: list[Migration] | None = None, report: Callable[[str], None] = lambda _: None
) -> list[str]:
    """Apply what is pending and return the names applied.

    Raises
    ------
    MigrationError
        If a file fails, or one that was applied has changed since.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        connection.execute(_LEDGER)
        rows = connection.execute("SELECT name, checksum FROM schema_migrations").fetchall()
        applied: dict[str, str] = dict(rows)
        has_timescale = _has_timescale(connection)
        done = []
        for migration in load() if migrations is None else migrations:
            if migration.name in applied:
                _assert_unchanged(migration, applied[migration.name])
            elif has_timescale or not migration.needs_timescale:
                _apply(connection, migration)
                report(migration.name)
                done.append(migration.name)
        return done


def _has_timescale(connection: psycopg.Connection) -> bool:
    query = "SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'"
    return connection.execute(query).fetchone() is not None


def _assert_unchanged(migration: Migration, checksum: str) -> None:
    if migration.checksum != checksum:
        raise MigrationError(f"{migration.name} was changed after it had been applied: write a new migration instead")


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    try:
        with connection.transaction():
            connection.execute(migration.sql.encode())
            connection.execute(
                "INSERT INTO schema_migrations (name, checksum) VALUES (%s, %s)", (migration.name, migration.checksum)
            )
    except psycopg.Error as error:
        raise MigrationError(f"{migration.name}: {error}") from error


def main() -> int:
    """`python -m infra.migrate DSN`"""
    parser = argparse.ArgumentParser(description="Bring a database to the newest schema.")
    parser.add_argument("dsn", help="libpq connection string")
    try:
        done = migrate(parser.parse_args().dsn, report=lambda name: print(f"applied {name}"))
    except (MigrationError, psycopg.OperationalError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(done)} migrations applied" if done else "the schema is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
