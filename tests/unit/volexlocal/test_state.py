"""The state file: written whole, read by others, honest about a supervisor that is gone."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from volexlocal import state
from volexlocal.cloud import Cloud, free_ports
from volexlocal.failures import PortTaken
from volexlocal.processes import identify
from volexlocal.state import PartState, State, Step


def _own() -> State:
    return State(
        pid=os.getpid(),
        started=psutil.Process().create_time(),
        memory=1,
        steps=[Step(name="postgres", title="PostgreSQL")],
        parts=[
            PartState(name="postgres", port=1, memory=2, health="healthy"),
            PartState(name="valkey", port=2, memory=4),
        ],
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    _own().write(tmp_path / "state.json")

    assert state.read(tmp_path / "state.json") == _own()


def test_nothing_written_is_nothing_read(tmp_path: Path) -> None:
    assert state.read(tmp_path / "state.json") is None


def test_what_an_older_version_wrote_is_read_and_recognised(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    part = {"name": "postgres", "port": 1, "pid": os.getpid(), "started": psutil.Process().create_time()}
    file.write_text(json.dumps({"pid": os.getpid(), "started": part["started"], "parts": [part]}))

    found = state.read(file)

    assert found is not None
    assert found.is_supervised
    identity = found.part("postgres").identity
    assert identity is not None
    assert identity.process() is not None


def test_memory_is_summed_over_parts_and_supervisor() -> None:
    assert _own().total_memory == 7


def test_a_process_with_the_same_id_but_another_start_is_not_the_supervisor() -> None:
    assert _own().is_supervised
    assert not _own().model_copy(update={"started": 12345.0}).is_supervised


def test_a_cloud_whose_supervisor_was_killed_is_not_shown_as_healthy(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path)
    cloud.home.run.mkdir()
    gone = _own().model_copy(update={"started": 12345.0, "phase": "ready"})
    gone.write(cloud.home.state)

    shown = cloud.state()

    assert shown is not None
    assert shown.phase == "failed"
    assert "the supervisor is gone" in shown.error
    assert {part.health for part in shown.parts} == {"stopped"}


@pytest.mark.parametrize("missing", ["part", "step"])
def test_an_unknown_name_is_an_error(missing: str) -> None:
    with pytest.raises(KeyError):
        getattr(_own(), missing)("oracle")


def test_a_start_waits_for_one_that_failed_to_end_and_does_not_repeat_its_failure(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path)
    cloud.home.run.mkdir()
    ending = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1)"])
    identity = identify(ending.pid)
    assert identity is not None
    failed = State(pid=identity.pid, started=identity.started, phase="failed", error="no answer")
    failed.write(cloud.home.state)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(PortTaken):  # a start of its own, that comes no further
            cloud.up({"ports": free_ports() | {"valkey": taken.getsockname()[1]}})

    assert ending.poll() == 0
