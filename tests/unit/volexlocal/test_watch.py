"""The watch over parts: the trouble of one is not the end of the others."""

import sys
from pathlib import Path

import pytest

from volexlocal import processes
from volexlocal.ports import free_ports
from volexlocal.processes import Command
from volexlocal.servers import server
from volexlocal.servers.server import Place, Server
from volexlocal.watch import Watch


class Sleeper(Server):
    """Does nothing, healthily."""

    name = "sleeper"
    grace = 0.1

    def prepare(self) -> None:
        self.data.mkdir(exist_ok=True)

    def command(self) -> Command:
        return Command((sys.executable, "-c", "import time; time.sleep(600)"), {}, self.data)

    def check(self) -> None:
        return


def test_a_part_that_can_not_be_ended_is_tried_again_and_ends_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = Sleeper(Place(free_ports(1)[0], tmp_path / "data", tmp_path / "log"))
    watch = Watch([part])
    watch.launch(part)
    watch.wait(part)
    pid = watch.states[0].pid
    try:
        with monkeypatch.context() as stuck:
            stuck.setattr(server, "REAP_PATIENCE", 0.05)
            stuck.setattr(processes, "stop", lambda *_: None)  # as it is in uninterruptible sleep

            watch.restart(part.name)

        assert (watch.states[0].health, watch.states[0].pid) == ("restarting", pid)
        assert "does not end" in watch.states[0].detail
    finally:
        watch.stop()
    assert not part.is_running
