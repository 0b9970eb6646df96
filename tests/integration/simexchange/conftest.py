"""Simulated exchanges as processes of their own, so that they can be killed, and ccxt clients on them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ccxt
import ccxt.pro
import httpx
import pytest

from simexchange.connect import ccxt_config


@dataclass
class Running:
    """A running exchange."""

    process: subprocess.Popen[str]
    url: str
    data_dir: Path

    def config(self) -> dict[str, Any]:
        """What ccxt needs to trade here."""
        key = json.loads((self.data_dir / "credentials.json").read_text())
        return {**ccxt_config(self.url), **key, "enableRateLimit": False}

    def client(self) -> ccxt.binance:
        """An unmodified synchronous client."""
        return ccxt.binance(self.config())

    def pro(self) -> ccxt.pro.binance:
        """An unmodified streaming client."""
        return ccxt.pro.binance(self.config())

    def admin(self, method: str, path: str, body: dict[str, Any] | None = None, expect: int = 200) -> Any:
        """Use the exchange's own controls; the answer's JSON."""
        answer = httpx.request(method, f"{self.url}/admin/{path}", json=body, timeout=60)
        assert answer.status_code == expect, answer.text
        return answer.json()

    def end(self, number: int) -> int:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        return self.process.wait(20)


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts exchanges on free ports with given options; kills what is left of them afterwards."""
    started: list[subprocess.Popen[str]] = []

    def start(*options: str, data: str = "exchange") -> Running:
        command = [
            sys.executable,
            "-m",
            "simexchange",
            "--port",
            "0",
            "--data-dir",
            str(tmp_path / data),
            *options,
        ]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        started.append(process)
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert first["event"] == "listening", first
        return Running(process, first["url"], tmp_path / data)

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()
