"""The simulated exchange (`simexchange`): a market to trade on, with its own clock."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from volexlocal import ports, private, processes
from volexlocal.failures import NotHealthy
from volexlocal.processes import Command
from volexlocal.servers.server import Place, Server, answers


@dataclass(frozen=True)
class Market:
    """What is traded and how fast time goes.

    `speed` simulated seconds per second; `symbols` of the synthetic market; `replay` a CSV of real trades or candles instead,
    which makes the one symbol `replay_symbol`; `balances` the account's first funds as `CURRENCY=AMOUNT`.
    With `paused` time stands until it is stepped (`POST /admin/step`); with `wait_for_subscriber` until someone listens.
    `weight_limit` is what a client may ask for in a minute before it is turned away.
    """

    speed: float = 60.0
    seed: int = 7
    symbols: tuple[str, ...] = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
    replay: Path | None = None
    replay_symbol: str | None = None
    balances: tuple[str, ...] = ()
    wait_for_subscriber: bool = False
    paused: bool = False
    weight_limit: int = 6000

    @property
    def traded(self) -> tuple[str, ...]:
        """The symbols that have a market."""
        return self.symbols if self.replay_symbol is None else (self.replay_symbol,)

    def arguments(self) -> list[str]:
        result = ["--seed", str(self.seed), "--speed", f"{self.speed:g}", "--weight-limit", str(self.weight_limit)]
        if self.replay is not None and self.replay_symbol is not None:
            result += ["--replay", str(self.replay), "--symbol", self.replay_symbol]
        else:
            result += ["--symbols", ",".join(self.symbols)]
        for balance in self.balances:
            result += ["--balance", balance]
        flags = {"--wait-for-subscriber": self.wait_for_subscriber, "--paused": self.paused}
        return result + [flag for flag, wanted in flags.items() if wanted]


class Exchange(Server):
    """One simulated venue that keeps accounts, orders and its clock in its data folder."""

    name = "exchange"

    def __init__(self, place: Place, *, market: Market) -> None:
        super().__init__(place)
        self.market = market

    @property
    def url(self) -> str:
        return f"http://{ports.HOST}:{self.port}"

    @property
    def credentials(self) -> dict[str, str]:
        """{"apiKey", "secret"} of the account; there once the exchange has started."""
        found = private.read_json(self.data / "credentials.json")
        if found is None:
            raise NotHealthy("it has not written its credentials yet")
        return dict(found)

    def prepare(self) -> None:
        private.folder(self.data)

    def command(self) -> Command:
        arguments = (
            *(sys.executable, "-I", "-m", "simexchange", "--host", ports.HOST, "--port", str(self.port)),
            *("--data-dir", str(self.data), *self.market.arguments()),
        )
        return Command(arguments, processes.clean_environment(home=self.data), self.data)

    def check(self) -> None:
        status = answers(f"{self.url}/health")
        if status != 200:
            raise NotHealthy(f"its health check answers {status}")
        _ = self.credentials
