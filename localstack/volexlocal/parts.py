"""The parts of the embedded cloud, in the order in which they are started."""

from __future__ import annotations

from volexlocal.configuration import Configuration
from volexlocal.home import Home
from volexlocal.servers.emulator import Emulator
from volexlocal.servers.exchange import Exchange
from volexlocal.servers.openbao import OpenBao
from volexlocal.servers.postgres import Postgres
from volexlocal.servers.proxy import Proxy
from volexlocal.servers.realtime import RealtimeData
from volexlocal.servers.server import Place, Server
from volexlocal.servers.valkey import Valkey


class Parts:
    """Every part of one cloud; making this starts none.

    `servers` need nothing of the product; the feed, `realtime`, needs the deployed stack.
    """

    def __init__(self, home: Home, configuration: Configuration) -> None:
        def place(part: str) -> Place:
            return Place(configuration.port(part), home.data / part, home.log(part))

        self.postgres = Postgres(place("postgres"), secrets=home.secrets)
        self.valkey = Valkey(place("valkey"))
        self.openbao = OpenBao(place("openbao"), secrets=home.secrets)
        self.exchange = Exchange(place("exchange"), market=configuration.market)
        self.emulator = Emulator(place("emulator"))
        self.proxy = Proxy(
            place("proxy"),
            socket_port=configuration.port("websocket"),
            gateway=self.emulator.url,
            outputs=home.outputs,
        )
        self.realtime = RealtimeData(
            place("realtime-data"), settings=configuration.settings(), aws=self.emulator.environment
        )

    @property
    def servers(self) -> tuple[Server, ...]:
        """What is started before the stack is deployed. The emulator comes after all that functions need, and stops first."""
        return (self.postgres, self.openbao, self.valkey, self.exchange, self.emulator, self.proxy)

    @property
    def all(self) -> tuple[Server, ...]:
        return (*self.servers, self.realtime)
