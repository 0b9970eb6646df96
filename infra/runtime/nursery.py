"""Starts functions' processes fast and small: imports once what most of them need, and forks itself for each of them.

Its standard input is a socket (AF_UNIX, SOCK_SEQPACKET). Each message on it is an environment as JSON, with two descriptors:
where the function's output goes, and a socket for its process. On that one the nursery tells first the process's number, last
its exit code as `subprocess` counts it; each message the other way is the number of a signal to send, and when that socket is
closed the process is killed. Numbers are written in digits. When the standard input ends, the nursery ends with its last process.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import boto3
import volex_start

PREPARED = (
    "app",
    "chalicelib.runtime.batch",
    "chalicelib.runtime.wiring",
    "volexswarm.adapters.postgres.outbox",
    "volexswarm.adapters.postgres.store",
    "volexswarm.adapters.redis_quotes",
    "volexswarm.adapters.sqs",
    "volexswarm.adapters.vault",
)
"""What most functions import, as far as the code and its first layer have it. AWS's runtime client is not among it: it reads
where it is to ask for calls when it is imported."""

DESCRIBED = ("sqs", "secretsmanager")
"""Services that most functions speak to."""

MOST_BYTES = 1 << 17

MOST_NAMED = 15
"""Characters that Linux keeps of a process's name."""


class Nursery:
    """One process, one thread: it forks between two messages, when nothing is half done."""

    def __init__(self, orders: socket.socket) -> None:
        self._orders = orders
        self._is_open = True
        self._children: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._ended, awake = socket.socketpair()
        for end in (self._ended, awake):
            end.setblocking(False)
        self._awake = awake
        signal.set_wakeup_fd(awake.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(orders, selectors.EVENT_READ, self._take_order)
        self._selector.register(self._ended, selectors.EVENT_READ, self._collect)

    def run(self) -> None:
        """Until nobody is left to give orders, and the last process has ended."""
        while self._is_open or self._children:
            for key, _ in self._selector.select():
                key.data()

    def _take_order(self) -> None:
        content, descriptors, _, _ = socket.recv_fds(self._orders, MOST_BYTES, 2)
        if not content:
            self._is_open = False
            self._selector.unregister(self._orders)
            return
        output, line = descriptors[0], socket.socket(fileno=descriptors[1])
        process = os.fork()
        if process == 0:
            self._become(json.loads(content), output, line)
        os.close(output)
        self._children[process] = line
        self._selector.register(line, selectors.EVENT_READ, lambda: self._pass_on(process))
        with suppress(OSError):
            line.send(_digits(process))

    def _become(self, environment: dict[str, str], output: int, line: socket.socket) -> None:
        """In the child: be the function's process, to its end."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for one in (self._orders, self._ended, self._awake, line, *self._children.values()):
                one.close()
            self._selector.close()
            nothing = os.open(os.devnull, os.O_RDONLY)
            for descriptor, standard in ((nothing, 0), (output, 1), (output, 2)):
                os.dup2(descriptor, standard)
            os.close(nothing)
            os.close(output)
            volex_start.enter(environment)
            _show_name(os.environ["AWS_LAMBDA_FUNCTION_NAME"])
            volex_start.serve()
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            with suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _pass_on(self, process: int) -> None:
        """A signal, or the end of whoever wanted the process."""
        line = self._children.get(process)
        if line is None:
            return  # it has ended in this very moment
        try:
            content = line.recv(MOST_BYTES)
        except ConnectionError:
            content = b""
        os.kill(process, int(content) if content else signal.SIGKILL)  # not collected: the number is still its own
        if not content:
            self._selector.unregister(line)

    def _collect(self) -> None:
        """Tell of every process that has ended."""
        self._ended.recv(MOST_BYTES)
        for process, code in _ended_children():
            with self._children.pop(process) as line:
                with suppress(KeyError):
                    self._selector.unregister(line)
                with suppress(OSError):
                    line.send(_digits(code))


def _show_name(function: str) -> None:
    """Let `ps` and `top` tell which function this is: its command line is the nursery's. Chalice names it `app-stage-name`."""
    name = function.split("-", 2)[-1]
    with suppress(OSError):  # where that file can't be written, the function works all the same
        Path("/proc/self/comm").write_text(name[-MOST_NAMED:], encoding="utf-8")


def _digits(number: int) -> bytes:
    return str(number).encode()


def _ended_children() -> Iterator[tuple[int, int]]:
    with suppress(ChildProcessError):
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            yield process, os.waitstatus_to_exitcode(status)


def prepare() -> None:
    """Import what is there of `PREPARED`, and keep it out of the collector's way: what it does not touch stays shared.

    boto3's own session keeps the descriptions of services that it has read, some 10 MiB; the clients that made it read them are
    forgotten, they have connected to nothing.
    """
    for service in DESCRIBED:
        boto3.client(service, region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106
    for name in PREPARED:
        top = name.partition(".")[0]
        if find_spec(top) is not None:
            import_module(name)
    gc.collect()
    gc.freeze()


def run() -> None:
    """Import, then take orders until nobody gives them any more and the last process has ended."""
    prepare()
    with socket.socket(fileno=os.dup(0)) as orders:
        Nursery(orders).run()
