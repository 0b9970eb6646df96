"""Where the suite plays: the servers of the local cloud in a folder of their own, and a fresh stage on them for each chapter.

Nothing outlives the suite: every process dies with its parent, and the folder of a run that was killed is removed by the next.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import boto3
import hvac
import psycopg
from botocore.config import Config
from psycopg import sql

from infra import vault
from infra.migrate import migrate
from infra.seed import seed
from tests.faults import workers
from tests.faults.board import Board
from tests.faults.script import BALANCES, SYMBOLS, TIMEFRAME
from volexlocal import ports, processes
from volexlocal.failures import NotHealthy
from volexlocal.home import CHECKOUT
from volexlocal.processes import Command
from volexlocal.servers.emulator import Emulator
from volexlocal.servers.exchange import Exchange, Market
from volexlocal.servers.openbao import OpenBao
from volexlocal.servers.postgres import Postgres
from volexlocal.servers.server import Place, Server
from volexlocal.servers.valkey import Valkey
from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.postgres.outbox import recall
from volexswarm.messages import Queue

SEED = 11
VISIBILITY = 2
"""Seconds after which a killed worker's messages come back; on AWS it is minutes."""
MOST_RECEIVES = 1000
ADMIN_PASSWORD = "not used by anybody here"

_HOMES = "volex-faults-"
_TEMPLATE = "migrated"


class Nursery(Server):
    """The workers' parent process. `board` is the mapped file, `settings` the functions' environment."""

    name: ClassVar[str] = "workers"
    grace: ClassVar[float] = 0.5

    def __init__(self, place: Place, board: Path, settings: dict[str, str]) -> None:
        super().__init__(place)
        self._file = board
        self._settings = settings
        self.board: Board

    def prepare(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        self._file.unlink(missing_ok=True)
        self.board = Board(self._file, workers.NAMES)

    def command(self) -> Command:
        paths = ":".join(str(CHECKOUT / part) for part in ("functions", "layers", "localstack", "."))
        environment = processes.clean_environment({**self._settings, "PYTHONPATH": paths}, home=self.data)
        return Command((sys.executable, "-m", "tests.faults.workers", str(self._file)), environment, CHECKOUT)

    def check(self) -> None:
        if asleep := [name for name in workers.NAMES if not self.board[name]["pid"]]:
            raise NotHealthy(f"{', '.join(asleep)} not started")


class Venue(Exchange):
    """The simulated exchange with a limit of requests that this suite never meets: here the minute between two calls of a
    keeper is seconds.
    """

    def command(self) -> Command:
        given = super().command()
        return replace(given, arguments=(*given.arguments, "--weight-limit", "1000000"))


@dataclass
class Stage:
    """One chapter's surroundings: its own database, exchange, queues and workers on the site's servers.

    `settings` is the whole environment of its functions.
    """

    site: Site
    stack: str
    dsn: str
    exchange: Exchange
    nursery: Nursery
    settings: dict[str, str]

    @property
    def board(self) -> Board:
        return self.nursery.board

    def open_trading(self) -> None:
        """Say with what money trading goes on, and by the default limits."""
        seed(self.dsn, "binance", (), ())

    def restore_queues(self) -> None:
        """After an emulator that forgot everything: what `volexlocal up` does then."""
        self.site.provision(self.stack)
        database = Database(lambda: self.dsn)
        try:
            recall(database)
        finally:
            database.close()


class Site:
    """Running servers. Make one with `opened()`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        secrets = home / "secrets"
        self.postgres = Postgres(self._place("postgres"), secrets=secrets, durable=False)
        self.valkey = Valkey(self._place("valkey"))
        self.openbao = OpenBao(self._place("openbao"), secrets=secrets)
        self.emulator = Emulator(self._place("emulator"))
        self._roles: dict[str, vault.AppRole] = {}
        self._stages = 0

    @property
    def servers(self) -> Sequence[Server]:
        return (self.postgres, self.valkey, self.openbao, self.emulator)

    def start(self) -> None:
        for server in self.servers:
            server.launch()
        for server in self.servers:
            server.wait()
        self._administer("CREATE DATABASE {} OWNER volex", _TEMPLATE)
        migrate(self.postgres.dsn_of(_TEMPLATE))

    def stop(self) -> None:
        for server in self.servers:
            server.kill()

    def aws(self, service: str) -> Any:
        """A client of the emulator that does not wait long."""
        environment = self.emulator.environment
        return boto3.client(
            service,
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            region_name=environment["AWS_REGION"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(connect_timeout=1, read_timeout=5, retries={"max_attempts": 1}),
        )

    @contextmanager
    def stage(self) -> Iterator[Stage]:
        """A fresh stage; its processes and its database are gone afterwards."""
        self._stages += 1
        stack = f"faults{self._stages}"
        folder = self.home / stack
        place = Place(ports.free_ports(1)[0], folder / "exchange", folder / "exchange.log")
        exchange = Venue(place, market=Market(seed=SEED, symbols=SYMBOLS, balances=BALANCES, paused=True))
        self._administer("CREATE DATABASE {} TEMPLATE " + _TEMPLATE + " OWNER volex", stack)
        dsn = self.postgres.dsn_of(stack)
        settings = self._settings(stack, exchange.url)
        nursery = Nursery(Place(0, folder / "workers", folder / "workers.log"), folder / "board", settings)
        try:
            exchange.start()
            self._seed_vault(dsn, exchange)
            self.provision(stack)
            yield Stage(self, stack, dsn, exchange, nursery, settings)
        finally:
            nursery.kill()
            exchange.kill()
            self._forget_queues(stack)
            self._administer("DROP DATABASE {} WITH (FORCE)", stack)
            shutil.rmtree(folder / "exchange", ignore_errors=True)

    def provision(self, stack: str) -> None:
        """Queues and the ids that functions log in with; what is there stays."""
        sqs, secrets = self.aws("sqs"), self.aws("secretsmanager")
        for queue in Queue:
            dead = _make_queue(sqs, f"{stack}-{queue.dead_letters}", queue.is_fifo, {})
            arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            redrive = f'{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": {MOST_RECEIVES}}}'
            attributes = {"VisibilityTimeout": str(VISIBILITY), "RedrivePolicy": redrive}
            _make_queue(sqs, f"{stack}-{queue.value}", queue.is_fifo, attributes)
        for identity, role in self._roles.items():
            with suppress(secrets.exceptions.ResourceExistsException):
                secrets.create_secret(Name=f"{stack}/{identity}/approle", SecretString=role.to_json())

    def _forget_queues(self, stack: str) -> None:
        sqs = self.aws("sqs")
        for url in sqs.list_queues(QueueNamePrefix=f"{stack}-").get("QueueUrls", []):
            sqs.delete_queue(QueueUrl=url)

    def _seed_vault(self, dsn: str, exchange: Exchange) -> None:
        keys = exchange.credentials
        credentials = vault.Credentials(dsn, "binance", keys["apiKey"], keys["secret"])
        client = hvac.Client(url=self.openbao.url, token=self.openbao.root_token)
        self._roles = vault.seed(client, credentials, ADMIN_PASSWORD, self._roles)

    def _settings(self, stack: str, exchange_url: str) -> dict[str, str]:
        settings = {
            "target": "embedded",
            "stack": stack,
            "exchange_url": exchange_url,
            "symbols": ",".join(SYMBOLS),
            "timeframes": TIMEFRAME,
            "redis_url": self.valkey.url,
            "vault_url": self.openbao.url,
            "log_level": "WARNING",
            "realtime_reconcile": "3",
            "realtime_grace": "0.5",
        }
        return {f"VOLEX_{field.upper()}": value for field, value in settings.items()} | self.emulator.environment

    def _administer(self, statement: str, name: str) -> None:
        with psycopg.connect(self.postgres.superuser_dsn, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))

    def _place(self, name: str) -> Place:
        return Place(ports.free_ports(1)[0], self.home / name, self.home / f"{name}.log")


def _make_queue(sqs: Any, name: str, fifo: bool, attributes: dict[str, str]) -> str:
    kind = {"FifoQueue": "true"} if fifo else {}
    return str(sqs.create_queue(QueueName=name, Attributes=attributes | kind)["QueueUrl"])


@contextmanager
def opened(keep: bool = False) -> Iterator[Site]:
    """Start the servers; everything is stopped and removed afterwards, the folder with its logs unless `keep`."""
    _sweep()
    home = Path(tempfile.mkdtemp(prefix=f"{_HOMES}{os.getpid()}-"))
    site = Site(home)
    try:
        site.start()
        yield site
    finally:
        site.stop()
        if not keep:
            shutil.rmtree(home, ignore_errors=True)


def _sweep() -> None:
    """A run that was killed could not remove its folder."""
    for left in Path(tempfile.gettempdir()).glob(f"{_HOMES}*"):
        owner = re.fullmatch(rf"{_HOMES}(\d+)-.*", left.name)
        if owner and not Path(f"/proc/{owner[1]}").exists():
            shutil.rmtree(left, ignore_errors=True)
