"""Runs `volexlocal.provision` as a process and tells what it does: it may take memory that its caller shall not keep."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from volexlocal import processes
from volexlocal.failures import PartFailed
from volexlocal.home import CHECKOUT, Home
from volexlocal.state import Step


def start(
    home: Home, steps: Sequence[str], log: Path, exchange: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start the steps; the process's standard output is JSON lines for `parse`. It dies with its parent.

    `exchange` is given for servers in containers: the keys of their exchange, which can't be read from a file here.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    # It builds packages, so it keeps the user's environment: proxies, indexes, certificates. But never the user's AWS.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    options = [] if exchange is None else ["--containers"]
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "volexlocal.provision", "--home", str(home.root), *options, *steps],
            cwd=CHECKOUT,
            env=environment,
            stdin=subprocess.DEVNULL if exchange is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            preexec_fn=processes.die_with_parent(signal.SIGTERM),  # noqa: PLW1509
        )
    if process.stdin is not None:
        with process.stdin as stdin:
            stdin.write(json.dumps(dict(exchange or {})).encode() + b"\n")
    return process


def parse(line: bytes) -> Step:
    """What one line of its output tells."""
    return Step.model_validate({"title": "", **json.loads(line)})


def run(
    home: Home, steps: Sequence[str], report: Callable[[str], None], exchange: Mapping[str, str] | None = None
) -> None:
    """Start the steps and wait; `report` gets a line for each piece of news.

    Raises
    ------
    PartFailed
        Naming the step, its reason and the log.
    """
    log = home.log("provision")
    failed: Step | None = None
    with start(home, steps, log, exchange) as process:
        assert process.stdout is not None
        for line in process.stdout:
            news = parse(line)
            failed = news if news.progress == "failed" else failed
            if news.detail:
                report(f"{news.name}: {news.detail}")
    if process.returncode != 0:
        name, reason = (
            (failed.name, failed.detail) if failed else ("provision", f"it ended with code {process.returncode}")
        )
        raise PartFailed(name, reason, log)
