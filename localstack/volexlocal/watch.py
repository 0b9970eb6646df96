"""Watches over running parts: notices what died or no longer works, and starts it again, less and less often while that fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psutil

from volexlocal import processes
from volexlocal.backoff import Backoff
from volexlocal.failures import CloudError, NotHealthy
from volexlocal.servers.server import Server
from volexlocal.state import PartState

CHECK_EVERY = 3.0
MEASURE_EVERY = 15.0
UNHEALTHY_CHECKS = 5  # in a row, before a part that lives but does not work is started again


@dataclass
class _Watched:
    server: Server
    state: PartState
    backoff: Backoff = field(default_factory=Backoff)
    next_try: float | None = None
    bad_checks: int = 0


class Watch:
    """The parts of a cloud and how they do.

    Parameters
    ----------
    servers : sequence of Server
        In the order of their start; they are stopped in the opposite one.
    restarted : callable
        Told the name of a part that was started again.
    """

    def __init__(self, servers: Sequence[Server], restarted: Callable[[str], None] = lambda _: None) -> None:
        self._watched = {
            server.name: _Watched(server, PartState(name=server.name, port=server.port, log=str(server.log)))
            for server in servers
        }
        self._restarted = restarted
        self._next_check = self._next_measure = 0.0

    @property
    def states(self) -> list[PartState]:
        return [watched.state for watched in self._watched.values()]

    def launch(self, server: Server) -> None:
        """Start a part without waiting for its health."""
        self._watched[server.name].state.health = "starting"
        server.launch()
        self._watched[server.name].state.show(server.identity)

    def wait(self, server: Server) -> None:
        """Wait until a launched part is healthy; from then on it is watched."""
        server.wait()
        self._is_healthy(self._watched[server.name])

    def tick(self) -> None:
        """One look around. Call it several times a second."""
        now = time.monotonic()
        check, measure = now >= self._next_check, now >= self._next_measure
        for watched in self._watched.values():
            self._attend(watched, now, check)
            if measure:
                identity = watched.server.identity
                watched.state.memory = 0 if identity is None else processes.memory(identity)
        if check:
            self._next_check = now + CHECK_EVERY
            self._end_orphans()
        if measure:
            self._next_measure = now + MEASURE_EVERY

    def restart(self, name: str) -> None:
        """Stop a part cleanly and start it at once.

        Raises
        ------
        KeyError
            If there is no such part.
        """
        watched = self._watched[name]
        watched.server.stop()
        self._start(watched)

    def stop(self) -> None:
        """Stop every part, the last started first, and every process that they left behind."""
        for watched in reversed(self._watched.values()):
            watched.server.stop()
            watched.state.health, watched.state.detail, watched.state.memory = "stopped", "", 0
            watched.state.show(watched.server.identity)
        processes.kill(psutil.Process().children(recursive=True))

    def _attend(self, watched: _Watched, now: float, check: bool) -> None:
        if watched.next_try is not None:
            if now >= watched.next_try:
                self._start(watched)
        elif not watched.server.is_running:
            self._died(watched, "it died")
        elif check:
            self._check(watched)

    def _check(self, watched: _Watched) -> None:
        try:
            watched.server.check()
        except NotHealthy as problem:
            watched.state.health, watched.state.detail = "unhealthy", str(problem)
            watched.bad_checks = watched.bad_checks + 1 if problem.restart else 0
            if watched.bad_checks >= UNHEALTHY_CHECKS:
                watched.server.kill()
                self._died(watched, str(problem))
        else:
            self._is_healthy(watched)

    def _start(self, watched: _Watched) -> None:
        watched.state.restarts += 1
        try:
            watched.server.start()
        except CloudError as error:
            self._died(watched, str(error))
            return
        watched.next_try = None
        self._is_healthy(watched)
        self._restarted(watched.server.name)

    def _died(self, watched: _Watched, reason: str) -> None:
        watched.server.stop()  # forgets the dead process
        now = time.monotonic()
        watched.next_try = watched.backoff.failed(now)
        watched.state.health = "restarting"
        watched.state.detail = f"{reason}; next try in {watched.next_try - now:.1f} s"
        watched.state.show(watched.server.identity)

    def _is_healthy(self, watched: _Watched) -> None:
        watched.bad_checks = 0
        watched.state.health, watched.state.detail = "healthy", ""
        watched.state.show(watched.server.identity)

    def _end_orphans(self) -> None:
        """A part that dies leaves its children (functions of the emulator) to us: they are of no use without it."""
        parts = {watched.state.pid for watched in self._watched.values()}
        processes.kill(child for child in psutil.Process().children() if child.pid not in parts)
