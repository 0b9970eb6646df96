"""One embedded cloud, from outside: start it, stop it, ask how it is. The command line and the end-to-end tests both use this."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from volexlocal import configuration, ports, private, processes, provisioning, state
from volexlocal.configuration import DEFAULT_PORTS, Configuration
from volexlocal.failures import CloudError
from volexlocal.home import Home
from volexlocal.parts import Parts
from volexlocal.state import PartState, State
from volexlocal.vault_desk import VaultDesk

POLL = 0.1
START_PATIENCE = 20.0
STOP_PATIENCE = 90.0
RESTART_PATIENCE = 60.0

Watcher = Callable[[State], None]


class Cloud:
    """A cloud by its home folder.

    Parameters
    ----------
    home : Home or Path
        Where it keeps its things.
    attached : bool
        True ends the cloud when this process ends, as tests want it.
    """

    def __init__(self, home: Home | Path, *, attached: bool = False) -> None:
        self.home = home if isinstance(home, Home) else Home(home.resolve())
        self._attached = attached

    @property
    def configuration(self) -> Configuration:
        return configuration.load(self.home.configuration)

    @property
    def api_url(self) -> str:
        """Where the API answers; paths begin with /api."""
        return self.configuration.url("proxy")

    @property
    def socket_url(self) -> str:
        """Where the WebSocket API answers."""
        return self.configuration.socket_url

    @property
    def dsn(self) -> str:
        """The application's database."""
        return self._parts.postgres.dsn

    @property
    def parts(self) -> Parts:
        """Addresses and credentials of the parts. Do not start them: the supervisor does."""
        return self._parts

    @property
    def vault(self) -> VaultDesk:
        """Who may log in, and model keys."""
        return VaultDesk(self._parts.openbao.url, self._parts.openbao.root_token)

    @property
    def admin_password(self) -> str:
        return private.password(self.home.admin_password)

    def state(self) -> State | None:
        """How it is, None if it was never up. A cloud whose supervisor is gone is shown as stopped."""
        found = state.read(self.home.state)
        if found is None or found.is_supervised or found.phase in ("failed", "stopped"):
            return found
        for part in found.parts:
            part.health = "stopped" if part.identity is None or part.identity.process() is None else "unhealthy"
        return found.model_copy(
            update={"phase": "failed", "error": "the supervisor is gone: `make up` starts it again"}
        )

    def up(self, wishes: dict[str, Any] | None = None, watcher: Watcher = lambda _: None) -> State:
        """Start what is not running and wait until all is healthy. Harmless when everything is.

        Parameters
        ----------
        wishes : dict, optional
            Fields of `Configuration` to change; kept for the next time.
        watcher : callable
            Told the state again and again while waiting.

        Raises
        ------
        CloudError
            Saying which part failed, why, and what to do.
        """
        private.folder(self.home.root)
        with self._alone():
            running = state.read(self.home.state)
            if running is not None and running.phase in ("failed", "stopping"):
                self._await_end(watcher)
            if running is not None and running.is_supervised:
                self._assert_same(wishes or {})
            else:
                self._configure(wishes or {})
                self._end_leftovers()
                self._assert_startable()
                self._start_supervisor()
            return self._await_ready(watcher)

    def down(self, watcher: Watcher = lambda _: None) -> bool:
        """Stop everything that `up` started, and nothing else. False if nothing was running.

        Raises
        ------
        CloudError
            If something does not stop.
        """
        found = state.read(self.home.state)
        if found is None:
            return False
        supervisor = found.supervisor.process()
        if supervisor is None:
            return self._end_leftovers()
        supervisor.send_signal(signal.SIGTERM)
        self._await_end(watcher)
        self._end_leftovers()
        return True

    def kill(self, part: str) -> None:
        """End a part as a crash would (`kill -9`); the supervisor starts it again."""
        identity = self._part(part).identity
        process = None if identity is None else identity.process()
        if process is None:
            raise CloudError(f"{part} is not running")
        process.kill()

    def restart(self, part: str) -> None:
        """Stop a part cleanly, start it, and wait until it is healthy."""
        before = self._part(part)
        self.home.requests.mkdir(parents=True, exist_ok=True)
        request = self.home.requests / f"{time.time_ns()}-{uuid.uuid4().hex}.json"
        draft = request.with_suffix(".new")
        draft.write_text(json.dumps({"restart": part}))
        draft.replace(request)
        self.await_part(part, lambda now: now.health == "healthy" and now.restarts > before.restarts)

    def await_part(
        self, part: str, condition: Callable[[PartState], bool], patience: float = RESTART_PATIENCE
    ) -> PartState:
        """Wait until a part's state fulfils a condition.

        Raises
        ------
        CloudError
            If it does not within `patience` seconds.
        """
        end = time.monotonic() + patience
        while time.monotonic() < end:
            now = self._part(part)
            if condition(now):
                return now
            time.sleep(POLL)
        raise CloudError(
            f"{part} is {now.health} after {patience:.0f} s: {now.detail or 'no reason known'} (log: {now.log})"
        )

    def provision(self, steps: Sequence[str], report: Callable[[str], None]) -> None:
        """Run steps of the bring-up again on the running cloud, `deploy` after a change of code for one.

        Raises
        ------
        CloudError
            If one fails.
        """
        found = state.read(self.home.state)
        if found is None or found.phase != "ready" or not found.is_supervised:
            raise CloudError("the swarm is not up: make up")
        provisioning.run(self.home, steps, report)

    def clean(self) -> None:
        """Stop and delete all its state. What is cached (layers, the functions' interpreter) stays, as it can be used again."""
        self.down()
        for entry in self.home.root.iterdir() if self.home.root.exists() else ():
            if entry.name == "cache":
                continue
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()

    @property
    def _parts(self) -> Parts:
        return Parts(self.home, self.configuration)

    def _part(self, name: str) -> PartState:
        found = state.read(self.home.state)
        if found is None or not found.is_supervised:
            raise CloudError("the swarm is not up: make up")
        try:
            return found.part(name)
        except KeyError:
            names = ", ".join(part.name for part in found.parts)
            raise CloudError(f"no part is called {name}; there are {names}") from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else may start this cloud meanwhile."""
        self.home.run.mkdir(parents=True, exist_ok=True)
        with self.home.lock.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CloudError("another `make up` is at work here; wait for it, or stop it with Ctrl-C") from None
            yield

    def _assert_same(self, wishes: dict[str, Any]) -> None:
        now = self.configuration
        if wishes and configuration.changed(now, wishes) != now:
            raise CloudError("the swarm is up with other options: `make down` first, then `make up` with the new ones")

    def _configure(self, wishes: dict[str, Any]) -> None:
        before = self.configuration
        after = configuration.changed(before, wishes)
        if (self.home.data / "postgres").exists() and after.books() != before.books():
            raise CloudError(
                "the stored orders and balances belong to another market than the one asked for: `make clean` deletes them, "
                "or VOLEX_HOME=<folder> keeps both apart"
            )
        private.write_json(self.home.configuration, after.model_dump(mode="json"))
        private.write_json(self.home.api, {"url": after.url("proxy"), "socket": after.socket_url})

    def _assert_startable(self) -> None:
        """Every missing tool and every taken port is found before anything is started."""
        for server in self._parts.all:
            server.command()
            server.assert_startable()

    def _start_supervisor(self) -> None:
        self.home.state.unlink(missing_ok=True)
        shutil.rmtree(self.home.requests, ignore_errors=True)
        self.home.outputs.unlink(missing_ok=True)  # the emulator is new: no deployment is there yet
        log = self.home.log("supervisor")
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "volexlocal.supervisor", "--home", str(self.home.root)],
                cwd=self.home.root,
                env=os.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=processes.die_with_parent(signal.SIGTERM) if self._attached else None,  # noqa: PLW1509
            )
        end = time.monotonic() + START_PATIENCE
        while not self.home.state.exists():
            if process.poll() is not None or time.monotonic() > end:
                raise CloudError(f"the supervisor did not start (log: {log}):\n{log.read_text()[-2000:]}")
            time.sleep(POLL)

    def _await_ready(self, watcher: Watcher) -> State:
        while True:
            now = state.read(self.home.state)
            if now is None:
                raise CloudError("the swarm was stopped while it started")
            watcher(now)
            if now.phase == "ready":
                return now
            if now.phase == "failed":
                raise CloudError(now.error)
            if not now.is_supervised:
                raise CloudError(f"the supervisor died (log: {self.home.log('supervisor')}); `make up` tries again")
            time.sleep(POLL)

    def _await_end(self, watcher: Watcher) -> None:
        """Wait for a supervisor that stops its parts."""
        end = time.monotonic() + STOP_PATIENCE
        while (found := state.read(self.home.state)) is not None and found.is_supervised:
            watcher(found)
            if time.monotonic() > end:
                raise CloudError(
                    f"the supervisor (process {found.pid}) does not stop: see {self.home.log('supervisor')}"
                )
            time.sleep(POLL)

    def _end_leftovers(self) -> bool:
        """Processes of an earlier run whose supervisor was killed, known by id and start time."""
        found = state.read(self.home.state)
        if found is None or found.is_supervised:
            return False
        left = [part.identity for part in found.parts if part.identity and part.identity.process()]
        for identity in left:
            processes.stop(identity, signal.SIGTERM, grace=15)
        return bool(left)


def free_ports() -> dict[str, int]:
    """A free port for each part, as the wish `ports`."""
    return dict(zip(DEFAULT_PORTS, ports.free_ports(len(DEFAULT_PORTS)), strict=True))
