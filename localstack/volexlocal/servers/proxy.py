"""The front proxy: the addresses of the API and of the WebSocket API, which stay whatever ids the emulator gave them."""

from __future__ import annotations

import sys
from pathlib import Path

from volexlocal import ports, private, processes
from volexlocal.failures import NotHealthy
from volexlocal.processes import Command
from volexlocal.servers.server import Place, Server, answers

_TO_NO_SOCKET = (426, 503)
"""Answers to a plain request: this is a WebSocket; or, nothing is deployed yet."""


class Proxy(Server):
    """`volexlocal.front` as a process.

    Parameters
    ----------
    socket_port : int
        Where the WebSocket API answers.
    gateway : str
        Address of the emulator.
    outputs : Path
        File in which the deployment leaves the APIs' ids.
    """

    name = "proxy"

    def __init__(self, place: Place, *, socket_port: int, gateway: str, outputs: Path) -> None:
        super().__init__(place)
        self._socket_port = socket_port
        self._gateway = gateway
        self._outputs = outputs

    @property
    def url(self) -> str:
        return f"http://{ports.HOST}:{self.port}"

    @property
    def listens_on(self) -> tuple[int, ...]:
        return (self.port, self._socket_port)

    def prepare(self) -> None:
        private.folder(self.data)

    def command(self) -> Command:
        arguments = (
            *(sys.executable, "-I", "-m", "volexlocal.front", "--port", str(self.port)),
            *("--socket-port", str(self._socket_port)),
            *("--gateway", self._gateway, "--outputs", str(self._outputs)),
        )
        return Command(arguments, processes.clean_environment(home=self.data), self.data)

    def check(self) -> None:
        status = answers(f"{self.url}/")
        if status != 200:
            raise NotHealthy(f"it answers {status}")
        status = answers(f"http://{ports.HOST}:{self._socket_port}/")
        if status not in _TO_NO_SOCKET:
            raise NotHealthy(f"its WebSocket address answers {status}")
