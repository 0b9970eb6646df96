"""Each real server: starts healthy, stops, survives a crash with its data, says what is wrong."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hvac
import psutil
import psycopg
import pytest
import redis

from volexlocal import processes
from volexlocal.failures import NotHealthy, PartFailed, PortTaken
from volexlocal.ports import HOST, free_ports
from volexlocal.servers.emulator import Emulator
from volexlocal.servers.exchange import Exchange, Market
from volexlocal.servers.openbao import OpenBao
from volexlocal.servers.postgres import Postgres
from volexlocal.servers.server import Place, Server
from volexlocal.servers.valkey import Valkey

MAKERS: dict[str, Callable[[Place, Path], Server]] = {
    "postgres": lambda place, secrets: Postgres(place, secrets=secrets),
    "valkey": lambda place, _: Valkey(place),
    "openbao": lambda place, secrets: OpenBao(place, secrets=secrets),
    "emulator": lambda place, _: Emulator(place),
    "exchange": lambda place, _: Exchange(place, market=Market()),
}


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[str], Server]]:
    """Servers by name, in the same place at each call; stopped at the end."""
    made: list[Server] = []
    found = free_ports(len(MAKERS))

    def maker(name: str) -> Server:
        port = found[list(MAKERS).index(name)]
        server = MAKERS[name](Place(port, tmp_path / name, tmp_path / f"{name}.log"), tmp_path / "secrets")
        made.append(server)
        return server

    yield maker
    for server in made:
        server.stop()


def _processes_in(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder) in " ".join(process.cmdline()) or process.cwd().startswith(str(folder)):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize("name", MAKERS)
def test_it_starts_healthy_and_stops_completely(make: Callable[[str], Server], name: str, tmp_path: Path) -> None:
    server = make(name)
    server.start()

    server.check()
    identity = server.identity
    server.stop()

    assert identity is not None
    assert identity.process() is None
    assert _processes_in(tmp_path) == []
    with pytest.raises(NotHealthy):
        server.check()


@pytest.mark.parametrize("name", MAKERS)
def test_it_starts_again_after_a_crash(make: Callable[[str], Server], name: str) -> None:
    first = make(name)
    first.start()
    first.kill()

    second = make(name)
    second.start()

    second.check()


@pytest.mark.parametrize("name", MAKERS)
def test_it_listens_on_loopback_alone(make: Callable[[str], Server], name: str) -> None:
    server = make(name)
    server.start()
    assert server.identity is not None

    assert {host for process in processes.family(server.identity) for host in _listens_on(process)} == {HOST}


def _listens_on(process: psutil.Process) -> list[str]:
    """PostgreSQL has processes that come and go."""
    try:
        connections = process.net_connections("inet")
    except psutil.NoSuchProcess:
        return []
    return [connection.laddr[0] for connection in connections if connection.status == psutil.CONN_LISTEN]


@pytest.mark.parametrize("name", MAKERS)
def test_a_taken_port_is_named_with_its_holder(make: Callable[[str], Server], name: str) -> None:
    server = make(name)
    with socket.socket() as squatter:
        squatter.bind((HOST, server.port))
        squatter.listen()

        with pytest.raises(PortTaken, match=rf"port {server.port}, which {name} needs, .* by process {os.getpid()}"):
            server.start()


def test_committed_rows_survive_a_crash_of_postgres(make: Callable[[str], Server]) -> None:
    server = make("postgres")
    assert isinstance(server, Postgres)
    server.start()
    with psycopg.connect(server.dsn) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (42)")
    assert server.identity is not None
    process = server.identity.process()
    assert process is not None
    process.kill()  # the postmaster alone: its backends must notice by themselves

    again = make("postgres")
    assert isinstance(again, Postgres)
    again.start()

    with psycopg.connect(again.dsn) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (42,)


def test_an_interrupted_initialisation_of_postgres_is_done_again(make: Callable[[str], Server], tmp_path: Path) -> None:
    (tmp_path / "postgres" / "cluster.new").mkdir(parents=True)
    (tmp_path / "postgres" / "cluster.new" / "PG_VERSION").write_text("18\n")

    make("postgres").start()


def test_postgres_wants_a_password_and_its_role_is_no_superuser(make: Callable[[str], Server]) -> None:
    server = make("postgres")
    assert isinstance(server, Postgres)
    server.start()

    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(host=HOST, port=server.port, user="volex", dbname="volex", password="guess")
    with psycopg.connect(server.dsn) as connection:
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)


def test_valkey_keeps_its_keys_over_a_clean_stop(make: Callable[[str], Server]) -> None:
    server = make("valkey")
    server.start()
    with redis.Redis(port=server.port) as client:
        client.set("quote", "1")
    server.stop()

    make("valkey").start()

    with redis.Redis(port=server.port) as client:
        assert client.get("quote") == b"1"


def test_openbao_opens_itself_and_keeps_its_secrets_over_a_crash(make: Callable[[str], Server]) -> None:
    server = make("openbao")
    assert isinstance(server, OpenBao)
    server.start()
    client = hvac.Client(url=server.url, token=server.root_token)
    client.sys.enable_secrets_engine("kv", path="kept", options={"version": "2"})
    client.secrets.kv.v2.create_or_update_secret("one", {"a": "b"}, mount_point="kept")
    server.kill()

    make("openbao").start()

    answer = client.secrets.kv.v2.read_secret_version("one", mount_point="kept", raise_on_deleted_version=True)
    assert answer["data"]["data"] == {"a": "b"}


def test_a_sealed_openbao_is_unhealthy_but_not_to_be_restarted(make: Callable[[str], Server]) -> None:
    server = make("openbao")
    assert isinstance(server, OpenBao)
    server.start()

    server.seal()

    with pytest.raises(NotHealthy, match="sealed") as caught:
        server.check()
    assert not caught.value.restart
    server.unseal()
    server.wait()


def test_openbao_begins_anew_when_its_keys_were_never_written(make: Callable[[str], Server], tmp_path: Path) -> None:
    make("openbao").start()
    (tmp_path / "secrets" / "openbao.json").unlink()
    first = _processes_in(tmp_path / "openbao")
    processes.kill(first)

    make("openbao").start()

    assert len(list(tmp_path.glob("openbao.without-keys-*"))) == 1


def test_the_exchange_keeps_its_account_over_a_crash(make: Callable[[str], Server]) -> None:
    server = make("exchange")
    assert isinstance(server, Exchange)
    server.start()
    before = server.credentials
    server.kill()

    again = make("exchange")
    assert isinstance(again, Exchange)
    again.start()

    assert again.credentials == before


def test_a_server_that_dies_at_its_start_is_reported_with_its_last_words(tmp_path: Path) -> None:
    market = Market(symbols=("NONSENSE",))
    server = Exchange(Place(free_ports(1)[0], tmp_path / "exchange", tmp_path / "exchange.log"), market=market)

    with pytest.raises(PartFailed, match=r"it stopped with code 2 .*exchange\.log(?s:.*)NONSENSE"):
        server.start()

    assert not server.is_running


def test_servers_die_with_a_test_run_that_is_killed(tmp_path: Path) -> None:
    program = f"""
import sys, time
from pathlib import Path
from volexlocal.ports import free_ports
from volexlocal.servers.postgres import Postgres
from volexlocal.servers.server import Place
home = Path({str(tmp_path)!r})
Postgres(Place(free_ports(1)[0], home / "postgres", home / "log"), secrets=home / "secrets", durable=False).start()
print("up", flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "up\n"
        run.kill()

    end = time.monotonic() + 20
    while _processes_in(tmp_path) and time.monotonic() < end:
        time.sleep(0.05)
    assert _processes_in(tmp_path) == []
