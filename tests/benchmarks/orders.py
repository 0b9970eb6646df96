"""Orders a second through gateway and ledger in one process, one after the other, on the simulated exchange and PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

from tests.benchmarks.figure import Figure
from tests.faults.site import opened
from volexlocal.home import CHECKOUT

ORDERS = 500
FUNCTION = "execution-orders"


def run(orders: int = ORDERS) -> Iterator[Figure]:
    """Each order: its intent, the gate, Vault's word, the exchange, its fills in order, ledger and position, its events sent."""
    with opened() as site, site.stage() as stage:
        stage.open_trading()
        paths = os.pathsep.join(str(CHECKOUT / part) for part in ("functions", "layers", "localstack", "."))
        environment = stage.settings | {"PATH": os.defpath, "PYTHONPATH": paths, "VOLEX_LOG_LEVEL": "ERROR"}
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.execution", str(orders)],
            env=environment | {"AWS_LAMBDA_FUNCTION_NAME": FUNCTION},
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(done.stderr[-500:])
    found = json.loads(done.stdout.splitlines()[-1])
    yield Figure("orders through gateway and ledger", round(found["filled"] / found["seconds"], 1), "/s")
    yield Figure("orders not filled", orders - int(found["filled"]), "", at_most=0)
