"""The front proxy: the API's one address that stays, whatever id the emulator gave the API."""

from __future__ import annotations

import sys
from pathlib import Path

from volexlocal import ports, private, processes
from volexlocal.failures import NotHealthy
from volexlocal.processes import Command
from volexlocal.servers.server import Place, Server, answers


class Proxy(Server):
    """`volexlocal.proxy` as a process.

    Parameters
    ----------
    gateway : str
        Address of the emulator.
    outputs : Path
        File in which the deployment leaves the API's id.
    """

    name = "proxy"

    def __init__(self, place: Place, *, gateway: str, outputs: Path) -> None:
        super().__init__(place)
        self._gateway = gateway
        self._outputs = outputs

    @property
    def url(self) -> str:
        return f"http://{ports.HOST}:{self.port}"

    def prepare(self) -> None:
        private.folder(self.data)

    def command(self) -> Command:
        arguments = (
            *(sys.executable, "-I", "-m", "volexlocal.proxy", "--port", str(self.port)),
            *("--gateway", self._gateway, "--outputs", str(self._outputs)),
        )
        return Command(arguments, processes.clean_environment(home=self.data), self.data)

    def check(self) -> None:
        status = answers(f"{self.url}/")
        if status != 200:
            raise NotHealthy(f"it answers {status}")
