"""The real process against real servers: started, killed and restarted by the tests; what it sends is stored as in production."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
import httpx
import hvac
import psycopg
import pytest

from tests.conftest import VaultServer
from volexlocal.ports import free_ports
from volexlocal.servers.emulator import Emulator
from volexlocal.servers.exchange import Exchange
from volexswarm.clock import from_ms
from volexswarm.messages import Event, ExecutionReported, TickBatch, decode

INSERT = (
    "INSERT INTO trades (venue, symbol, trade_id, traded_at, price, amount, side)"
    " SELECT %s, %s, * FROM unnest(%s::bigint[], %s::timestamptz[], %s::numeric[], %s::numeric[], %s::text[])"
    " ON CONFLICT DO NOTHING"
)


@dataclass
class Cloud:
    """Queues of one test's own stack, and what came through them."""

    stack: str
    dsn: str
    sqs: Any
    batches: list[TickBatch] = field(default_factory=list)
    reports: list[Event[ExecutionReported]] = field(default_factory=list)

    def url(self, queue: str) -> str:
        return str(self.sqs.get_queue_url(QueueName=f"{self.stack}-{queue}")["QueueUrl"])

    def store_ticks(self) -> int:
        """Take what waits in `ticks` and store it; returns the number of messages."""
        messages = self._receive("ticks")
        with psycopg.connect(self.dsn) as connection:
            for body in messages:
                batch = decode(body, TickBatch).data
                self.batches.append(batch)
                _store(connection, batch)
        return len(messages)

    def take_fills(self) -> int:
        """Take what waits in `fills.fifo`."""
        messages = self._receive("fills.fifo")
        self.reports += [decode(body, ExecutionReported) for body in messages]
        return len(messages)

    def stored(self, symbol: str) -> list[int]:
        with psycopg.connect(self.dsn) as connection:
            rows = connection.execute("SELECT trade_id FROM trades WHERE symbol = %s ORDER BY trade_id", (symbol,))
            return [row[0] for row in rows.fetchall()]

    def _receive(self, queue: str) -> list[str]:
        url = self.url(queue)
        found = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages", [])
        for message in found:
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in found]


def _store(connection: psycopg.Connection[Any], batch: TickBatch) -> None:
    for symbol, columns in batch.trades.items():
        moments = [from_ms(moment) for moment in columns.times]
        row = (batch.venue, symbol, columns.ids, moments, columns.prices, columns.amounts, list(columns.sides))
        connection.execute(INSERT, row)


class Realtime:
    """`python -m volexswarm.realtime` as its own process."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{environment['VOLEX_REALTIME_PORT']}"

    def start(self, **extra: str) -> None:
        command = [sys.executable, "-m", "volexswarm.realtime"]
        self._process = subprocess.Popen(command, env=self._environment | extra)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> int:
        """Send the signal and wait for the end; returns the exit code."""
        assert self._process is not None
        self._process.send_signal(how)
        code = self._process.wait(timeout=20)
        self._process = None
        return code

    def wait(self) -> int:
        """Wait for it to end by itself; returns the exit code."""
        assert self._process is not None
        code = self._process.wait(timeout=30)
        self._process = None
        return code

    def stop(self) -> None:
        if self._process is not None:
            self.kill()

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status code and body of /health; (0, {}) while nothing answers."""
        try:
            answer = httpx.get(f"{self.url}/health", timeout=5)
        except httpx.TransportError:
            return 0, {}
        return answer.status_code, answer.json()

    def metric(self, name: str, label: str | None = None) -> float:
        """One sample of /metrics."""
        for line in httpx.get(f"{self.url}/metrics", timeout=5).text.splitlines():
            if line.startswith(f"volexswarm_realtime_{name}") and (label is None or f'"{label}"' in line):
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError(f"no metric {name} {label}")


def wait_until(holds: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Poll until it holds; fails the test with these words otherwise."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds:.0f} s: {what}")
        time.sleep(0.1)


@pytest.fixture
def cloud(aws: Emulator, database_dsn: str) -> Cloud:
    """Fresh queues and a fresh database."""
    sqs = boto3.client("sqs")
    stack = f"t{uuid.uuid4().hex[:12]}"
    sqs.create_queue(QueueName=f"{stack}-ticks")
    for queue in ("fills", "orders"):
        sqs.create_queue(QueueName=f"{stack}-{queue}.fifo", Attributes={"FifoQueue": "true"})
    return Cloud(stack, database_dsn, sqs)


@pytest.fixture
def vault_for(vault_server: VaultServer, cloud: Cloud) -> Iterator[Callable[[Exchange], None]]:
    """Put a test's own connection string and API key into Vault; the seeded ones come back afterwards."""
    client = hvac.Client(url=vault_server.url, token=vault_server.root_token)
    kv = client.secrets.kv.v2
    paths = ("databases/main", "api_keys/binance")
    before = {path: _secret(kv, path) for path in paths}
    role = vault_server.app_roles["realtime-data"]
    ids = json.dumps({"role_id": role.role_id, "secret_id": role.secret_id})
    boto3.client("secretsmanager").create_secret(Name=f"{cloud.stack}/realtime-data/approle", SecretString=ids)

    def put(exchange: Exchange) -> None:
        keys = {"api_key": exchange.credentials["apiKey"], "secret": exchange.credentials["secret"]}
        for path, secret in zip(paths, ({"dsn": cloud.dsn}, keys), strict=True):
            kv.create_or_update_secret(path, secret=secret, mount_point="volexswarm")

    yield put
    for path, secret in before.items():
        kv.create_or_update_secret(path, secret=secret, mount_point="volexswarm")


def _secret(kv: Any, path: str) -> dict[str, str]:
    answer = kv.read_secret_version(path, mount_point="volexswarm", raise_on_deleted_version=True)
    return dict(answer["data"]["data"])


@pytest.fixture
def realtime_for(
    cloud: Cloud, vault_server: VaultServer, redis_url: str, vault_for: Callable[[Exchange], None]
) -> Iterator[Callable[[Exchange, Sequence[str]], Realtime]]:
    """Make the process for an exchange; not started yet, gone after the test."""
    made: list[Realtime] = []

    def make(exchange: Exchange, symbols: Sequence[str]) -> Realtime:
        vault_for(exchange)
        environment = dict(os.environ) | {
            "VOLEX_TARGET": "embedded",
            "VOLEX_STACK": cloud.stack,
            "VOLEX_EXCHANGE_URL": exchange.url,
            "VOLEX_SYMBOLS": ",".join(symbols),
            "VOLEX_TIMEFRAMES": "1m",
            "VOLEX_REDIS_URL": redis_url,
            "VOLEX_VAULT_URL": vault_server.url,
            "VOLEX_REALTIME_PORT": str(free_ports(1)[0]),
        }
        process = Realtime(environment)
        made.append(process)
        return process

    yield make
    for process in made:
        with contextlib.suppress(ProcessLookupError):
            process.stop()
