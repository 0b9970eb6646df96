"""The command line where nothing runs: clear words and codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from volexlocal.home import CHECKOUT, Home
from volexlocal.state import State, Step


def _volexlocal(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "volexlocal.main", *words],
        env=os.environ | {"VOLEX_HOME": str(home)} | environment,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_status_of_a_cloud_that_never_was() -> None:
    done = _volexlocal(Path("/nonexistent"), "status")

    assert done.returncode == 1
    assert "make up" in done.stdout


def test_status_for_programs(tmp_path: Path) -> None:
    done = _volexlocal(tmp_path, "status", "--json")

    assert json.loads(done.stdout) == {"phase": "stopped"}


def test_a_second_up_shows_no_steps_of_the_first(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.run.mkdir()
    step = Step(name="deploy", title="Functions, queues, API", progress="done", seconds=17.6)
    started = psutil.Process().create_time()
    State(pid=os.getpid(), started=started, phase="ready", steps=[step], parts=[]).write(home.state)

    done = _volexlocal(tmp_path, "up")

    assert done.returncode == 0
    assert "it was up already: nothing was started" in done.stdout
    assert step.title not in done.stdout


@pytest.mark.parametrize("words", [("list",), ("add", "eve", "--role", "viewer"), ("remove", "eve")])
def test_users_of_a_cloud_that_never_was(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = _volexlocal(tmp_path, "user", *words)

    assert done.returncode == 1
    assert "make up" in done.stderr


def test_down_where_nothing_runs_is_harmless(tmp_path: Path) -> None:
    done = _volexlocal(tmp_path, "down")

    assert done.returncode == 0
    assert "nothing was running" in done.stdout


@pytest.mark.parametrize(
    ("words", "environment", "message"),
    [
        (("up", "--port", "oracle=1"), {}, "expected PART=NUMBER with one of proxy"),
        (("up", "--port", "postgres=many"), {}, "got 'postgres=many'"),
        (("up",), {"VOLEX_PORT_REALTIME_DATA": "x"}, "got 'realtime-data=x'"),
        (("up", "--speed", "0"), {}, "speed"),
        (("up", "--replay", "nothing.csv", "--symbol", "XRP/ETH"), {}, "there is no file"),
        (("logs", "oracle"), {}, "no log of oracle; there are none yet"),
        (("restart", "valkey"), {}, "the swarm is not up: make up"),
        (("deploy",), {}, "the swarm is not up: make up"),
        (("deploy", "--target", "aws"), {}, "python -m infra.deploy --target aws"),
    ],
)
def test_bad_input_is_answered_with_what_to_do(
    tmp_path: Path, words: tuple[str, ...], environment: dict[str, str], message: str
) -> None:
    done = _volexlocal(tmp_path, *words, **environment)

    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_clean_asks_first(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()

    refused = _volexlocal(tmp_path, "clean")
    assert refused.returncode == 1
    assert (tmp_path / "secrets").exists()

    assert _volexlocal(tmp_path, "clean", "--yes").returncode == 0
    assert not (tmp_path / "secrets").exists()
