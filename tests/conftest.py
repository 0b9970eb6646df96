"""Real servers for tests, started on first use on free ports, and gone with the test run, however it ends."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import hvac
import psycopg
import pytest
import redis
from hypothesis import HealthCheck, settings
from psycopg import sql

from infra import vault
from infra.migrate import migrate
from volexlocal.ports import free_ports
from volexlocal.servers.emulator import Emulator
from volexlocal.servers.exchange import Exchange, Market
from volexlocal.servers.openbao import OpenBao
from volexlocal.servers.postgres import Postgres
from volexlocal.servers.server import Place
from volexlocal.servers.valkey import Valkey

# how long an example takes says nothing on a machine that does other work, too
_AT_LEISURE = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("usual", **_AT_LEISURE)
settings.register_profile("faults", max_examples=1000, **_AT_LEISURE)
settings.load_profile("usual")

_HOMES = "volex-test-"
_TEMPLATE = "migrated"


@pytest.fixture(scope="session")
def server_home() -> Iterator[Path]:
    """A folder for the servers' data. A run that was killed could not remove its own: the next run does."""
    root = Path(tempfile.gettempdir())
    for left in root.glob(f"{_HOMES}*"):
        owner = re.fullmatch(rf"{_HOMES}(\d+)-.*", left.name)
        if owner and not Path(f"/proc/{owner[1]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    home = Path(tempfile.mkdtemp(prefix=f"{_HOMES}{os.getpid()}-"))
    yield home
    shutil.rmtree(home)


def _place(folder: Path) -> Place:
    return Place(free_ports(1)[0], folder, folder.with_suffix(".log"))


@pytest.fixture(scope="session")
def postgres_server(server_home: Path) -> Iterator[Postgres]:
    """A PostgreSQL cluster with a migrated template database. Not durable."""
    server = Postgres(
        _place(server_home / "postgres"),
        secrets=server_home / "secrets",
        durable=False,
    )
    server.start()
    _administer(server, sql.SQL("CREATE DATABASE {} OWNER volex").format(sql.Identifier(_TEMPLATE)))
    migrate(server.dsn_of(_TEMPLATE))
    with psycopg.connect(server.dsn_of(_TEMPLATE)) as connection:
        connection.execute(
            # for as long as any test's clock: what was decided before a switch is not sent after it
            "INSERT INTO trading_modes (venue, account, mode, switched_by, reason, switched_at)"
            " VALUES ('binance', 'main', 'simulated', 'tests', 'where tests begin', '2000-01-01Z')"
        )
    yield server
    server.stop()


@pytest.fixture
def empty_database_dsn(postgres_server: Postgres) -> Iterator[str]:
    """A fresh database without any table."""
    yield from _fresh_database(postgres_server, "template1")


@pytest.fixture
def database_dsn(postgres_server: Postgres) -> Iterator[str]:
    """A fresh, migrated database, in which the account `main` trades simulated money at binance."""
    yield from _fresh_database(postgres_server, _TEMPLATE)


def _fresh_database(server: Postgres, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER volex")
    _administer(server, create.format(sql.Identifier(name), sql.Identifier(template)))
    yield server.dsn_of(name)
    _administer(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _administer(server: Postgres, statement: sql.Composed) -> None:
    with psycopg.connect(server.superuser_dsn, autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture(scope="session")
def valkey_server(server_home: Path) -> Iterator[Valkey]:
    server = Valkey(_place(server_home / "valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(valkey_server: Valkey) -> str:
    """An empty Redis."""
    with redis.Redis.from_url(valkey_server.url) as client:
        client.flushall()
    return valkey_server.url


@dataclass(frozen=True)
class VaultServer:
    """A seeded OpenBao. `app_roles` by identity; `admin_password` of the user `admin`; `credentials` as stored."""

    server: OpenBao
    credentials: vault.Credentials
    admin_password: str
    app_roles: dict[str, vault.AppRole] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def root_token(self) -> str:
        return self.server.root_token

    def seal(self) -> None:
        """Close it; the fixture opens it again before the next test."""
        self.server.seal()

    def unseal(self) -> None:
        self.server.unseal()
        self.server.wait()


@pytest.fixture(scope="session")
def openbao_server(server_home: Path) -> Iterator[VaultServer]:
    server = OpenBao(
        _place(server_home / "openbao"),
        secrets=server_home / "secrets",
    )
    server.start()
    credentials = vault.Credentials("postgresql://nobody@127.0.0.1:1/none", "binance", "test-key", "test-secret")
    client = hvac.Client(url=server.url, token=server.root_token)
    roles = vault.seed(client, credentials, "correct horse battery staple")
    yield VaultServer(server, credentials, "correct horse battery staple", roles)
    server.stop()


@pytest.fixture
def vault_server(openbao_server: VaultServer) -> VaultServer:
    """An unsealed, seeded OpenBao."""
    openbao_server.unseal()
    return openbao_server


@pytest.fixture(scope="session")
def emulator(server_home: Path) -> Iterator[Emulator]:
    """The AWS emulator with our corrections: `.url`, `.environment` for AWS clients."""
    server = Emulator(_place(server_home / "emulator"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def aws(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """The emulator, with this process's AWS environment pointing to it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    return emulator


@pytest.fixture
def sim_exchange(tmp_path: Path) -> Iterator[Callable[..., Exchange]]:
    """Start simulated exchanges: `sim_exchange(Market(speed=600))` gives a running server (`.url`, `.credentials`)."""
    started: list[Exchange] = []

    def start(market: Market | None = None) -> Exchange:
        folder = tmp_path / f"exchange-{len(started)}"
        server = Exchange(_place(folder), market=market or Market())
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()
