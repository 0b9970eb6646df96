"""How functions' processes are started: as forks of a process that has imported what they need, where the code offers that.

An interpreter that imports the whole system takes a second of processor time and some 80 MiB; a fork of one that has done so
takes milliseconds, and shares most of its memory. On AWS and LocalStack each process starts alone, from the same code.
"""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import IO, Any

logger = logging.getLogger("volexlocal.emulator")

OFFER, PROGRAM = "volex_nursery.py", "volex_start.py"
"""In the code's folder, beside the bootstrap: that it can be forked, and what is run to that end."""

PATIENCE = 60.0
"""Seconds that a nursery has for its imports, and for a fork."""


class Forked:
    """A function's process, as far as `subprocess.Popen` is used of it. It ends with the object's socket.

    Parameters
    ----------
    line : socket.socket
        To its nursery.
    stdout : file
        What it and its errors say.
    """

    def __init__(self, line: socket.socket, stdout: IO[bytes]) -> None:
        self.stdout = stdout
        self.returncode: int | None = None
        self._line = line
        self._lock = threading.Lock()
        line.settimeout(PATIENCE)
        self.pid = self._told()
        line.setblocking(False)

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        with self._lock:
            if self.returncode is None:
                try:
                    self.returncode = self._told()
                except BlockingIOError:
                    return None
                except OSError:  # its nursery is gone, and nobody can say how it ended
                    self.returncode = -signal.SIGKILL
                self._line.close()
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code. Raises `subprocess.TimeoutExpired`."""
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise subprocess.TimeoutExpired(PROGRAM, timeout or 0)
            with self._lock:
                descriptor = -1 if self.returncode is not None else self._line.fileno()
            if descriptor >= 0:
                select.select([descriptor], [], [], left)
        return code

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        with self._lock:
            if self.returncode is None:
                self._line.send(str(int(number)).encode())

    def _told(self) -> int:
        content = self._line.recv(64)
        if not content:
            raise ConnectionResetError("the nursery is gone")
        return int(content)


class Nursery:
    """A process of `infra/runtime/nursery.py` for one code and its first layer.

    Parameters
    ----------
    interpreter, program : str
    environment : mapping
        `LAMBDA_TASK_ROOT` and `VOLEX_LAYERS`.
    """

    def __init__(self, interpreter: str, program: str, environment: Mapping[str, str]) -> None:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                (interpreter, "-I", "-X", "utf8", program, "nursery"), stdin=theirs.fileno(), env=dict(environment)
            )

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def fork(self, environment: Mapping[str, str]) -> Forked:
        """A process with this environment. Raises OSError if the nursery does not do it."""
        line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        said, output = os.pipe()
        stdout = os.fdopen(said, "rb")
        try:
            with theirs:
                socket.send_fds(self._orders, [json.dumps(dict(environment)).encode()], [output, theirs.fileno()])
            return Forked(line, stdout)
        except OSError:
            line.close()
            stdout.close()
            raise
        finally:
            os.close(output)

    def retire(self) -> None:
        """Take no more orders: it ends with its last process."""
        self._orders.close()


class Starter:
    """Takes the place of the module `subprocess` where functions' processes are started."""

    def __init__(self, original: ModuleType) -> None:
        self._original = original
        self._lock = threading.Lock()
        self._nurseries: dict[tuple[str, ...], Nursery] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def Popen(self, arguments: Sequence[str], **options: Any) -> Any:  # noqa: N802 - as the original's
        """As `subprocess.Popen`, but code with a nursery is forked."""
        folder = Path(arguments[0]).parent
        if (folder / OFFER).exists():
            try:
                return self._nursery(folder / PROGRAM, options["env"]).fork(options["env"])
            except OSError as error:
                logger.warning("no process from the nursery, one of its own is started: %s", error)
        return self._original.Popen(arguments, **options)

    def _nursery(self, program: Path, environment: Mapping[str, str]) -> Nursery:
        first = environment.get("VOLEX_LAYERS", "").split(os.pathsep)[0]
        key = (environment["VOLEX_RUNTIME"], str(program), first)
        with self._lock:
            found = self._nurseries.get(key)
            if found is None or not found.is_alive:
                for old in self._nurseries.values():
                    old.retire()  # of code that was deployed before
                own = {"LAMBDA_TASK_ROOT": environment["LAMBDA_TASK_ROOT"], "VOLEX_LAYERS": first}
                found = Nursery(f"{key[0]}/bin/python", key[1], own)
                self._nurseries = {key: found}
            return found


def fork_functions() -> None:
    """It starts each process from nothing: a burst of first calls takes a small machine a minute, and gigabytes."""
    if (
        sys.platform == "linux"
    ):  # elsewhere a fork of a process with these libraries is not safe, or the sockets are missing
        from ministack.core import lambda_runtime  # noqa: PLC0415

        lambda_runtime.subprocess = Starter(subprocess)
