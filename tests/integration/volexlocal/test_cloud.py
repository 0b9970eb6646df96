"""A whole cloud, as `make up` starts it: repeatable, restartable, recoverable, and gone after `down`."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import psutil
import psycopg
import pytest
from aiohttp import ClientSession, WSServerHandshakeError

from volexlocal.cloud import Cloud, free_ports
from volexlocal.failures import CloudError, PortTaken
from volexlocal.state import State

pytestmark = pytest.mark.timeout(600)  # the first start builds the functions' layers


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    found = Cloud(tmp_path_factory.mktemp("cloud"), attached=True)
    found.up({"ports": free_ports(), "symbols": "BTC/USDT"})
    yield found
    found.down()


@pytest.fixture(autouse=True)
def _running(cloud: Cloud) -> None:
    """Each test begins with everything healthy."""
    cloud.up()
    _eventually(lambda: all(part.health == "healthy" for part in _state(cloud).parts))


def _state(cloud: Cloud) -> State:
    found = cloud.state()
    assert found is not None
    return found


def _pids(cloud: Cloud) -> dict[str, int | None]:
    return {part.name: part.pid for part in _state(cloud).parts}


def _eventually(holds: Callable[[], bool], patience: float = 60) -> None:
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def _api_answers(cloud: Cloud) -> bool:
    try:
        with urlopen(f"{cloud.api_url}/api/openapi.json", timeout=20) as response:
            return bool(response.status == 200)
    except (HTTPError, URLError, TimeoutError, ConnectionError):
        return False


async def _refusal(address: str) -> int:
    """With which status a WebSocket client without a token is refused."""
    async with ClientSession() as session:
        with pytest.raises(WSServerHandshakeError) as refused:
            await session.ws_connect(address)
    return refused.value.status


def _living(folder: Path) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
            if process.status() != psutil.STATUS_ZOMBIE and (
                str(folder) in line or process.cwd().startswith(str(folder))
            ):
                found.append(line)
        except psutil.Error:
            continue
    return found


def test_the_websocket_address_leads_to_the_stacks_function(cloud: Cloud) -> None:
    assert asyncio.run(_refusal(cloud.socket_url)) == 401


def test_everything_is_healthy_and_the_api_answers(cloud: Cloud) -> None:
    assert _state(cloud).phase == "ready"
    assert {part.health for part in _state(cloud).parts} == {"healthy"}
    assert _api_answers(cloud)
    assert json.loads(cloud.home.api.read_text()) == {"url": cloud.api_url, "socket": cloud.socket_url}


def test_secrets_are_the_owners_alone(cloud: Cloud) -> None:
    files = [path for path in cloud.home.secrets.rglob("*") if path.is_file()]

    assert len(files) >= 4
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_up_again_changes_nothing(cloud: Cloud) -> None:
    before = _pids(cloud)

    cloud.up()

    assert _pids(cloud) == before


def test_other_options_are_refused_while_it_is_up(cloud: Cloud) -> None:
    with pytest.raises(CloudError, match="make down"):
        cloud.up({"speed": 7})


@pytest.mark.parametrize("part", ["valkey", "exchange", "postgres", "openbao", "proxy", "realtime-data"])
def test_a_part_that_dies_is_started_again(cloud: Cloud, part: str) -> None:
    before = _state(cloud).part(part)

    cloud.kill(part)

    after = cloud.await_part(part, lambda now: now.health == "healthy" and now.restarts == before.restarts + 1)
    assert after.pid != before.pid


def test_the_stack_is_rebuilt_after_the_emulator_died(cloud: Cloud) -> None:
    before = _state(cloud).part("emulator").restarts

    cloud.kill("emulator")

    cloud.await_part("emulator", lambda now: now.health == "healthy" and now.restarts == before + 1)
    _eventually(lambda: _api_answers(cloud), patience=120)


def test_a_sealed_vault_is_reported_and_opened_by_a_restart_alone(cloud: Cloud) -> None:
    restarts = _state(cloud).part("openbao").restarts
    cloud.parts.openbao.seal()

    sealed = cloud.await_part("openbao", lambda now: now.health == "unhealthy")
    assert "sealed" in sealed.detail
    assert sealed.restarts == restarts

    cloud.restart("openbao")
    assert _state(cloud).part("openbao").health == "healthy"


def test_a_killed_supervisor_takes_all_along_and_the_next_up_goes_on(cloud: Cloud) -> None:
    with psycopg.connect(cloud.dsn) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    password, folder = cloud.admin_password, cloud.home.root

    os.kill(_state(cloud).pid, signal.SIGKILL)
    _eventually(lambda: not _living(folder))
    assert "the supervisor is gone" in _state(cloud).error
    cloud.up()

    assert cloud.admin_password == password
    with psycopg.connect(cloud.dsn) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
        connection.execute("DROP TABLE kept")


def test_down_leaves_nothing_running_and_keeps_the_state(cloud: Cloud) -> None:
    assert cloud.down()

    assert _living(cloud.home.root) == []
    assert _state(cloud).phase == "stopped"
    assert not cloud.down()
    assert (cloud.home.data / "postgres" / "cluster").is_dir()


def test_a_taken_port_stops_the_start_before_anything_runs(cloud: Cloud, tmp_path: Path) -> None:
    second = Cloud(tmp_path, attached=True)

    with pytest.raises(PortTaken, match="make up PORT_OFFSET="):
        second.up({"ports": free_ports() | {"valkey": cloud.configuration.port("valkey")}})

    assert _living(tmp_path) == []


def test_a_market_that_does_not_fit_the_stored_books_is_refused(cloud: Cloud) -> None:
    cloud.down()

    with pytest.raises(CloudError, match="make clean"):
        cloud.up({"symbols": "ETH/USDT"})


def test_two_clouds_run_side_by_side(cloud: Cloud, tmp_path: Path) -> None:
    before = _pids(cloud)
    second = Cloud(tmp_path, attached=True)
    try:
        second.up({"ports": free_ports(), "symbols": "ETH/USDT"})

        assert _api_answers(second)
    finally:
        second.clean()

    assert _pids(cloud) == before
    assert _api_answers(cloud)
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == []
