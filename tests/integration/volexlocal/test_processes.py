"""Functions' processes are forks of one that has imported what they need; they live and die as processes of their own."""

import json
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.volexlocal.emulators import ROLE, Uncorrected, client, code_of, interpreter
from volexlocal.ports import free_ports
from volexlocal.servers.emulator import Emulator
from volexlocal.servers.server import Place

CACHE = Path(__file__).resolve().parents[3] / ".volex/cache"
AT_ONCE = 3
SOURCE = """
import os, signal, sys, time

def on_call(event, context):
    what = event.get("what")
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "exit":
        sys.exit(3)
    if what == "hang":
        print(f"hanging {os.getpid()}")
        time.sleep(60)
    if what == "rest":
        time.sleep(1)
    return {"pid": os.getpid(), "parent": os.getppid(), "name": os.environ["AWS_LAMBDA_FUNCTION_NAME"],
            "own": os.environ.get("VOLEX_OWN"), "strange": sorted({"HOME", "VOLEX_RUNTIME"} & set(os.environ))}
"""
Call = Callable[..., tuple[dict[str, Any], str | None]]


def started(kind: type[Emulator], folder: Path) -> Emulator:
    server = kind(Place(free_ports(1)[0], folder / "emulator", folder / "emulator.log"))
    server.start()
    return server


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    server = started(Emulator, tmp_path)
    yield server
    server.stop()


@pytest.fixture
def call(emulator: Emulator) -> Call:
    return caller(emulator)


def caller(server: Emulator) -> Call:
    """Calls one of two functions with the same code; the answer, and what kind of failure it was."""
    functions = client(server, "lambda")
    for name in ("one", "other"):
        functions.create_function(
            FunctionName=name,
            Runtime="provided.al2023",
            Role=ROLE,
            Handler="trial.on_call",
            Code={"ZipFile": code_of(SOURCE)},
            Environment={"Variables": {"VOLEX_RUNTIME": interpreter(CACHE), "VOLEX_OWN": name}},
            Timeout=4,
        )

    def call(what: str = "", name: str = "one") -> tuple[dict[str, Any], str | None]:
        answer = functions.invoke(FunctionName=name, Payload=json.dumps({"what": what}))
        return json.loads(answer["Payload"].read()), answer.get("FunctionError")

    return call


def emulators_process(server: Emulator) -> psutil.Process:
    assert server.identity is not None
    return psutil.Process(server.identity.pid)


@pytest.mark.parametrize("kind", [Emulator, Uncorrected], ids=["corrected", "original"])
def test_processes_are_forks_of_one_unlike_in_the_original(kind: type[Emulator], tmp_path: Path) -> None:
    server = started(kind, tmp_path)
    try:
        call = caller(server)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = [answer for answer, _ in pool.map(lambda _: call("rest"), range(AT_ONCE))]
        answers.append(call(name="other")[0])
        assert len({answer["pid"] for answer in answers}) > 1
        parents = {answer["parent"] for answer in answers}
        own = emulators_process(server)
        assert (parents == {own.pid}) == (kind is Uncorrected)
        assert parents <= {one.pid for one in (own, *own.children())}
        assert len(parents) == 1
    finally:
        server.stop()


def test_each_has_the_environment_of_its_own_function_and_nothing_else(call: Call) -> None:
    for name in ("one", "other"):
        answer, _ = call(name=name)
        assert (answer["name"], answer["own"], answer["strange"]) == (name, name, [])


def test_each_shows_its_functions_name_to_who_lists_processes(call: Call) -> None:
    for name in ("one", "other"):
        assert psutil.Process(call(name=name)[0]["pid"]).name() == name


@pytest.mark.parametrize("what", ["die", "exit"])
def test_a_process_that_ends_fails_its_call_and_the_next_is_answered(call: Call, what: str) -> None:
    before, _ = call()
    _, failure = call(what)
    assert failure is not None
    after, failure = call()
    assert failure is None
    assert after["pid"] != before["pid"]


def test_a_call_that_takes_too_long_takes_its_process_along(call: Call) -> None:
    before, _ = call()
    answer, failure = call("hang")
    assert failure is not None
    assert "timed out" in answer["errorMessage"]
    assert not psutil.pid_exists(before["pid"])


def test_without_the_process_that_they_are_forked_from_calls_are_answered(call: Call) -> None:
    before, _ = call()
    psutil.Process(before["parent"]).send_signal(signal.SIGKILL)
    after, failure = call(name="other")
    assert failure is None
    assert after["parent"] != before["parent"]


def test_nothing_survives_the_emulator(emulator: Emulator, call: Call) -> None:
    answer, _ = call()
    processes = [psutil.Process(answer["pid"]), psutil.Process(answer["parent"])]
    emulators_process(emulator).kill()
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert alive == []
