"""Many calls of one function at once: all are answered, by no more processes than a small machine can bear."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.volexlocal.emulators import ROLE, Uncorrected, client, code_of, interpreter
from volexlocal.emulator_memory import MOST_PROCESSES
from volexlocal.ports import free_ports
from volexlocal.servers.emulator import Emulator
from volexlocal.servers.server import Place

CACHE = Path(__file__).resolve().parents[3] / ".volex/cache"
CALLS = 3 * MOST_PROCESSES
SOURCE = """
import os, time

def on_call(event, context):
    time.sleep(1)
    return os.getpid()
"""


@pytest.fixture(params=[Emulator, Uncorrected], ids=["corrected", "original"])
def any_emulator(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Emulator]:
    server: Emulator = request.param(Place(free_ports(1)[0], tmp_path / "emulator", tmp_path / "emulator.log"))
    server.start()
    yield server
    server.stop()


def test_a_burst_waits_for_a_few_processes_unlike_in_the_original(any_emulator: Emulator) -> None:
    functions = client(any_emulator, "lambda")
    functions.create_function(
        FunctionName="slow",
        Runtime="provided.al2023",
        Role=ROLE,
        Handler="trial.on_call",
        Code={"ZipFile": code_of(SOURCE)},
        Environment={"Variables": {"VOLEX_RUNTIME": interpreter(CACHE)}},
        Timeout=20,
    )

    def call(_: int) -> int:
        answer = functions.invoke(FunctionName="slow")
        assert "FunctionError" not in answer
        return int(json.loads(answer["Payload"].read()))

    with ThreadPoolExecutor(CALLS) as pool:
        processes = set(pool.map(call, range(CALLS)))

    assert (len(processes) <= MOST_PROCESSES) != isinstance(any_emulator, Uncorrected)
