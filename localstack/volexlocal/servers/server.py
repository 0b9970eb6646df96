"""What all servers have in common: prepare the data, start, wait until healthy, stop."""

from __future__ import annotations

import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from volexlocal import ports, processes
from volexlocal.failures import CloudError, NotHealthy, PartFailed, PortTaken
from volexlocal.processes import Command, Identity

POLL = 0.05
REAP_PATIENCE = 5.0


@dataclass(frozen=True)
class Place:
    """Where a server lives: its `port` on 127.0.0.1, the `data` folder of its own, the file its output is appended to."""

    port: int
    data: Path
    log: Path


class Server(ABC):
    """One part of the local cloud, as a process of its own. Its data folder is made when missing and kept over restarts."""

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    grace: ClassVar[float] = 10.0
    patience: ClassVar[float] = 30.0

    def __init__(self, place: Place) -> None:
        self.port = place.port
        self.data = place.data
        self.log = place.log
        self._process: subprocess.Popen[bytes] | None = None
        self._identity: Identity | None = None

    @property
    def identity(self) -> Identity | None:
        """The running process, None before the start and after the end."""
        return self._identity if self.is_running else None

    @property
    def listens_on(self) -> tuple[int, ...]:
        """Every port that it listens on."""
        return (self.port,)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @abstractmethod
    def prepare(self) -> None:
        """Make the data folder ready for a start. Idempotent, also after an interrupted try."""

    @abstractmethod
    def command(self) -> Command:
        """How the server is run."""

    @abstractmethod
    def check(self) -> None:
        """Do a small piece of its work.

        Raises
        ------
        NotHealthy
            If it can't.
        """

    def assert_startable(self) -> None:
        """Raises PortTaken if someone else listens on one of its ports."""
        for port in self.listens_on:
            if not ports.is_free(port):
                raise PortTaken(self.name, port, ports.holder(port))

    def launch(self) -> None:
        """Start without waiting.

        Raises
        ------
        PartFailed
            If it runs already, for one because it could not be stopped.
        PortTaken
            If someone else listens on the port.
        """
        if self.is_running:
            raise PartFailed(self.name, "its process still runs, and does not end even when it is killed", self.log)
        self.prepare()
        self.assert_startable()
        self._process = processes.spawn(self.command(), self.log)
        self._identity = processes.identify(self._process.pid)

    def wait(self, keep_waiting: Callable[[], bool] = lambda: True) -> None:
        """Wait until healthy.

        Raises
        ------
        PartFailed
            If it dies first, or takes longer than its patience.
        """
        end, reason = time.monotonic() + self.patience, "no answer"
        while time.monotonic() < end and keep_waiting():
            if not self.is_running:
                raise PartFailed(self.name, f"it stopped with code {self._exit_code()} right after its start", self.log)
            try:
                self.become_ready()
                self.check()
                return
            except NotHealthy as problem:
                reason = str(problem)
            time.sleep(POLL)
        raise PartFailed(self.name, f"not healthy after {self.patience:.0f} s: {reason}", self.log)

    def become_ready(self) -> None:  # noqa: B027 -- most servers need none
        """Work that a start needs once the server answers; called again until the server is healthy."""

    def start(self) -> None:
        """Launch and wait; leaves nothing running when that fails."""
        try:
            self.launch()
            self.wait()
        except CloudError:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it and whatever it started. Harmless when it is not running; it goes on running if the kernel can't end it."""
        if self._identity is not None:
            processes.stop(self._identity, self.stop_signal, self.grace)
        self._reap()

    def kill(self) -> None:
        """End it as a power cut would (`kill -9`), and whatever it started."""
        if self._identity is not None:
            processes.kill(processes.family(self._identity))
        self._reap()

    def _reap(self) -> None:
        if self._process is not None:
            try:
                self._process.wait(timeout=REAP_PATIENCE)
            except subprocess.TimeoutExpired:
                return  # stuck in the kernel: it stays known, so that nothing is started beside it
        self._process = self._identity = None

    def _exit_code(self) -> int | None:
        return None if self._process is None else self._process.poll()


def answers(url: str, timeout: float = 2.0) -> int:
    """HTTP status of a GET.

    Raises
    ------
    NotHealthy
        If nothing answers in time.
    """
    try:
        with urlopen(url, timeout=timeout) as response:  # noqa: S310 -- always http on 127.0.0.1
            return int(response.status)
    except HTTPError as error:
        return error.code
    except (URLError, OSError, ValueError) as error:
        raise NotHealthy(f"no answer from {url}: {error}") from error
