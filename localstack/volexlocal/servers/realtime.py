"""realtime-data: the product's long-running feed from the exchange to the queues."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from volexlocal import ports, private, processes
from volexlocal.failures import NotHealthy
from volexlocal.processes import Command
from volexlocal.servers.server import Place, Server, answers

HEALTHY = range(200, 300)


class RealtimeData(Server):
    """The feed's process.

    Parameters
    ----------
    settings : Mapping
        The product's settings by field, and what an AWS client needs.
    """

    name = "realtime-data"

    def __init__(self, place: Place, *, settings: Mapping[str, str], aws: Mapping[str, str]) -> None:
        super().__init__(place)
        self._settings = {f"VOLEX_{field.upper()}": value for field, value in settings.items()}
        self._aws = aws

    def prepare(self) -> None:
        private.folder(self.data)

    def command(self) -> Command:
        own = {"VOLEX_REALTIME_HOST": ports.HOST, "VOLEX_REALTIME_PORT": str(self.port)}
        environment = processes.clean_environment({**self._settings, **self._aws, **own}, home=self.data)
        return Command((sys.executable, "-I", "-m", "volexswarm.realtime"), environment, self.data)

    def check(self) -> None:
        url = f"http://{ports.HOST}:{self.port}/health"
        status = answers(url)
        if status not in HEALTHY:
            # It judges itself: a silent exchange is not mended by a new feed.
            raise NotHealthy(f"its health check answers {status}: see {url}", restart=False)
