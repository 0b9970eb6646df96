"""Brings a cloud up, keeps it up, takes it down. One process per cloud; its children die with it.

Everything happens in the main thread, one thing after another: a child's death signal is bound to the thread that started it.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from volexlocal import configuration, processes, provisioning
from volexlocal.backoff import Backoff
from volexlocal.failures import CloudError, NotHealthy, PartFailed
from volexlocal.home import Home
from volexlocal.parts import Parts
from volexlocal.servers.server import answers
from volexlocal.state import State, Step
from volexlocal.steps import AFTER_EMULATOR_RESTART, KEEPERS, PROVISION, steps
from volexlocal.watch import Watch

TICK = 0.25
API_PATIENCE = 120.0
API_ANSWER = 30.0  # the gateway itself gives up after 29 s

_BECOME_REAPER = 36  # PR_SET_CHILD_SUBREAPER


class Told(BaseException):
    """Somebody asked the supervisor to stop."""


class Supervisor:
    """Brings a cloud up and keeps it up until told to stop.

    Parameters
    ----------
    home : Home
        Where the cloud keeps its things; `state.json` below it always says how things are.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._parts = Parts(home, configuration.load(home.configuration))
        self._watch = Watch(self._parts.all, self._part_restarted)
        self._deploy_due: float | None = None
        self._deploy_backoff = Backoff(first=2.0)
        own = processes.identify(os.getpid())
        assert own is not None
        self._own = own
        self._state = State(pid=own.pid, started=own.started, birth=own.birth, steps=steps(), parts=self._watch.states)

    def run(self) -> int:
        """Until told to stop. Returns the exit code: 0, or 1 if the cloud could not be brought up."""
        self._home.requests.mkdir(parents=True, exist_ok=True)
        try:
            _on_signals(_raise_told)
            self._bring_up()
            self._state.phase = "ready"
            while True:
                self._tick()
                time.sleep(TICK)
        except Told:
            self._state.phase = "stopping"
            return 0
        except CloudError as error:
            self._state.phase, self._state.error = "failed", str(error)
            return 1
        finally:
            _on_signals(signal.SIG_IGN)
            self._write()
            self._watch.stop()
            if self._state.phase == "stopping":
                self._state.phase, self._state.memory = "stopped", 0
            self._write()

    def _bring_up(self) -> None:
        self._write()
        for server in self._parts.servers:
            with self._step(server.name, finish=False):
                self._watch.launch(server)
        for server in self._parts.servers:
            with self._step(server.name):
                self._watch.wait(server)
        self._provision(tuple(PROVISION))
        with self._step("realtime-data"):
            self._watch.launch(self._parts.realtime)
            self._watch.wait(self._parts.realtime)
        self._provision(tuple(KEEPERS))
        with self._step("api"):
            self._await_api()

    @contextmanager
    def _step(self, name: str, *, finish: bool = True) -> Iterator[None]:
        step, begun = self._state.step(name), time.monotonic()
        step.progress = "running"
        self._write()
        try:
            yield
        except CloudError as error:
            step.progress, step.detail = "failed", str(error)
            raise
        step.seconds = round(step.seconds + time.monotonic() - begun, 1)
        if finish:
            step.progress = "done"
            self._write()

    def _await_api(self) -> None:
        url = f"{self._parts.proxy.url}/api/openapi.json"
        end, reason = time.monotonic() + API_PATIENCE, ""
        while time.monotonic() < end:
            try:
                status = answers(url, timeout=API_ANSWER)
                if status == 200:
                    return
                reason = f"it answers {status}"
            except NotHealthy as problem:
                reason = str(problem)
            time.sleep(TICK)
        raise PartFailed("api", f"{url}: {reason}", self._home.log("emulator"))

    def _tick(self) -> None:
        self._watch.tick()
        self._heed_requests()
        if self._deploy_due is not None and time.monotonic() >= self._deploy_due:
            self._rebuild_stack()
        self._state.memory = processes.own_memory(self._own)
        self._write()

    def _heed_requests(self) -> None:
        for request in sorted(self._home.requests.glob("*.json")):
            wish: dict[str, str] = json.loads(request.read_text())
            request.unlink()
            self._watch.restart(wish["restart"])

    def _part_restarted(self, name: str) -> None:
        if name == "emulator":
            self._deploy_due = time.monotonic()

    def _rebuild_stack(self) -> None:
        """The emulator forgets everything when it dies, and its queues lose what they held.

        What the outbox sent and nobody answered goes out again; the feed starts anew, and fetches the trades that are not stored.
        """
        try:
            self._provision(AFTER_EMULATOR_RESTART)
            self._watch.restart(self._parts.realtime.name)
            self._deploy_due, self._state.error = None, ""
        except CloudError as error:
            self._deploy_due = self._deploy_backoff.failed(time.monotonic())
            self._state.error = str(error)

    def _provision(self, wanted: Sequence[str]) -> None:
        """Run steps in a process of their own and pass on what it tells."""
        log = self._home.log("provision")
        process = provisioning.start(self._home, wanted, log)
        failed: Step | None = None
        try:
            for line in self._lines(process):
                news = provisioning.parse(line)
                failed = news if news.progress == "failed" else failed
                self._note(news)
            if process.wait() != 0:
                reason = failed.detail if failed else f"it ended with code {process.returncode}"
                raise PartFailed(failed.name if failed else "provision", reason, log)
        finally:
            process.kill()
            process.wait()

    def _note(self, news: Step) -> None:
        step = self._state.step(news.name)
        step.progress, step.detail, step.seconds = news.progress, news.detail, news.seconds
        self._write()

    def _lines(self, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
        """Its output, line by line; while it is silent, the servers are looked after."""
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector, process.stdout as stream:
            selector.register(stream, selectors.EVENT_READ)
            rest = b""
            while True:
                if not selector.select(timeout=TICK):
                    self._assert_servers_live()
                    continue
                chunk = os.read(stream.fileno(), 65536)
                if not chunk:
                    return
                *lines, rest = (rest + chunk).split(b"\n")
                yield from lines

    def _assert_servers_live(self) -> None:
        for server in self._parts.servers:
            if not server.is_running:
                raise PartFailed(server.name, "it died while the stack was set up", server.log)

    def _write(self) -> None:
        self._state.write(self._home.state)


def _on_signals(what: object) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, what)  # type: ignore[arg-type]


def _raise_told(_: int, __: FrameType | None) -> None:
    raise Told


def _become_reaper() -> None:
    """Grandchildren whose parent dies become children of this process, so that none is ever lost sight of."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_BECOME_REAPER, 1, 0, 0, 0)


def main() -> int:
    """`python -m volexlocal.supervisor --home HOME`"""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    _become_reaper()
    return Supervisor(Home(parser.parse_args().home)).run()


if __name__ == "__main__":
    sys.exit(main())
