"""Processes: clean environments, deaths with the parent, stopping exactly one's own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from volexlocal import processes
from volexlocal.processes import Command, Identity


def _command(folder: Path, program: str) -> Command:
    return Command((sys.executable, "-I", "-c", program), processes.clean_environment({"GIVEN": "yes"}), folder)


def _eventually(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False


def test_nothing_of_the_users_environment_leaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")
    command = _command(tmp_path, "import json, os; print(json.dumps(dict(os.environ)))")

    process = processes.spawn(command, tmp_path / "log")

    assert process.wait(timeout=20) == 0
    seen = json.loads((tmp_path / "log").read_text())
    assert seen["GIVEN"] == "yes"
    assert set(seen) <= {"PATH", "LANG", "TZ", "PYTHONUNBUFFERED", "GIVEN", "LC_CTYPE"}


def test_a_child_dies_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent_program = f"""
import sys, time
from pathlib import Path
from volexlocal import processes
from volexlocal.processes import Command
sleeper = Command((sys.executable, "-c", "import time; time.sleep(600)"), {{}}, Path("/"))
print(processes.spawn(sleeper, Path({str(tmp_path / "log")!r})).pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", parent_program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = processes.identify(int(parent.stdout.readline()))
        assert child is not None
        assert child.process() is not None
        parent.kill()

    assert _eventually(lambda: child.process() is None)


def test_stopping_takes_the_whole_family(tmp_path: Path) -> None:
    program = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
time.sleep(600)
"""
    process = processes.spawn(_command(tmp_path, program), tmp_path / "log")
    identity = processes.identify(process.pid)
    assert identity is not None
    assert _eventually(lambda: bool((tmp_path / "log").read_text().strip()))
    grandchild = processes.identify(int((tmp_path / "log").read_text()))
    assert grandchild is not None

    processes.stop(identity, signal.SIGTERM, grace=10)

    process.wait(timeout=10)
    assert identity.process() is None
    assert _eventually(lambda: grandchild.process() is None)


def test_one_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    program = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    process = processes.spawn(_command(tmp_path, program), tmp_path / "log")
    identity = processes.identify(process.pid)
    assert identity is not None
    assert _eventually(lambda: "deaf" in (tmp_path / "log").read_text())

    processes.stop(identity, signal.SIGTERM, grace=0.2)

    process.wait(timeout=10)
    assert identity.process() is None


def test_another_process_with_the_same_id_is_left_alone() -> None:
    me = psutil.Process()
    earlier = Identity(os.getpid(), me.create_time() - 100)

    processes.stop(earlier, signal.SIGKILL, grace=0)

    assert earlier.process() is None
    assert me.is_running()


needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the start is told by the time of day")


@needs_linux
def test_a_step_of_the_clock_makes_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    me = processes.identify(os.getpid())
    assert me is not None
    before = psutil.boot_time()

    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: before + 3600)  # as /proc/stat has it after the step

    assert psutil.Process().create_time() > me.started + 3599
    assert me.process() is not None


@needs_linux
@pytest.mark.parametrize("other", ["00000000-0000-4000-8000-000000000000 {ticks}", "{boot} 1"], ids=["boot", "start"])
def test_the_same_id_of_another_boot_or_start_is_another_process(other: str) -> None:
    me = processes.identify(os.getpid())
    assert me is not None
    boot, ticks = me.birth.split()

    assert replace(me, birth=other.format(boot=boot, ticks=ticks)).process() is None


@needs_linux
def test_a_name_with_blanks_and_brackets_changes_nothing(tmp_path: Path) -> None:
    program = "import time; time.sleep(0.2); open('/proc/self/comm', 'w').write('a) (b 1'); time.sleep(600)"
    process = processes.spawn(_command(tmp_path, program), tmp_path / "log")
    plain = processes.identify(process.pid)
    assert plain is not None
    assert _eventually(lambda: psutil.Process(process.pid).name() == "a) (b 1")

    assert plain.process() is not None

    processes.stop(plain, signal.SIGTERM, grace=10)
    process.wait(timeout=10)
    assert plain.process() is None


def test_a_long_log_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LOG_LIMIT", 3)
    log = tmp_path / "part.log"
    log.write_text("old words")

    processes.spawn(_command(tmp_path, "print('new')"), log).wait(timeout=20)

    assert log.read_text() == "new\n"
    assert (tmp_path / "part.log.1").read_text() == "old words"
