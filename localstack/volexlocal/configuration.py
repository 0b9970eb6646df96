"""What a local cloud is asked to be: ports, market, drills. Kept in `config.json`, so that a plain `up` repeats it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from volexlocal import private
from volexlocal.failures import CloudError
from volexlocal.servers.exchange import Market
from volexswarm.expectations import in_words
from volexswarm.settings import Settings, Symbol

DEFAULT_PORTS = {
    "proxy": 8004,
    "websocket": 8005,
    "realtime-data": 8026,
    "postgres": 15432,
    "valkey": 16379,
    "openbao": 18200,
    "emulator": 14566,
    "exchange": 18090,
}
PARTS = tuple(part for part in DEFAULT_PORTS if part != "websocket")
"""What has a process of its own: the WebSocket API's address is the proxy's too."""
VENUE = "binance"
TIMEFRAMES = ("1m", "5m", "15m", "1h")

_SYMBOL_FORM = "expected BASE/QUOTE in capitals, as BTC/USDT"
_FORMS = {"symbols": _SYMBOL_FORM, "symbol": _SYMBOL_FORM, "valuation": "expected a currency in capitals, as USDT"}

Port = Annotated[int, Field(ge=1, le=65535)]


def _words(value: Any) -> Any:
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


Words = BeforeValidator(_words)


class Configuration(BaseModel):
    """Wishes for one cloud.

    `port_offset` is added to every default port; `ports` sets single ones. `speed` simulated seconds per second; `symbols` of the
    synthetic market, made by `seed`; `replay`, a CSV of real trades or candles, with its `symbol`, instead; `balances` first
    funds as CURRENCY=AMOUNT; `valuation` the currency that equity is counted in; `failure_rate` the share of messages that fail
    on purpose; `model` the product's settings of its language model by their names after `model_`, none for its own analysts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    port_offset: int = Field(default=0, ge=0, le=40_000)
    ports: dict[str, Port] = Field(default_factory=dict)
    speed: float = Field(default=60.0, gt=0)
    seed: int = 7
    symbols: Annotated[tuple[Symbol, ...], Words, Field(min_length=1)] = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
    timeframes: Annotated[tuple[str, ...], Words, Field(min_length=1)] = TIMEFRAMES
    replay: Path | None = None
    symbol: Symbol | None = None
    balances: Annotated[tuple[str, ...], Words] = ()
    valuation: str = Field(default="USDT", pattern="^[A-Z0-9]+$")
    failure_rate: float = Field(default=0.0, ge=0, lt=1)
    model: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.replay is None) != (self.symbol is None):
            raise ValueError("a replay needs both the file and its symbol: make up REPLAY=trades.csv SYMBOL=XRP/ETH")
        if self.replay is not None and not self.replay.is_file():
            raise ValueError(f"there is no file {self.replay} to replay")
        if unknown := set(self.ports) - set(DEFAULT_PORTS):
            raise ValueError(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(DEFAULT_PORTS)}")
        taken = [self.port(part) for part in DEFAULT_PORTS]
        if len(set(taken)) < len(taken):
            raise ValueError("two parts have the same port")
        return self

    @model_validator(mode="after")
    def _names_a_model(self) -> Self:
        try:
            Settings.model_validate(self.settings())
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]).removeprefix("model_")
            raise ValueError(f"--model {name}: expected {in_words(first)}") from error
        return self

    @property
    def market(self) -> Market:
        return Market(
            speed=self.speed,
            seed=self.seed,
            symbols=self.symbols,
            replay=self.replay,
            replay_symbol=self.symbol,
            balances=self.balances,
            wait_for_subscriber=self.replay is not None,
        )

    def port(self, part: str) -> int:
        """Where the part listens."""
        return self.ports.get(part, DEFAULT_PORTS[part] + self.port_offset)

    def url(self, part: str) -> str:
        return f"http://127.0.0.1:{self.port(part)}"

    @property
    def socket_url(self) -> str:
        """The WebSocket API's address."""
        return f"ws://127.0.0.1:{self.port('websocket')}"

    def settings(self) -> dict[str, str]:
        """The product's settings (`volexswarm.settings`) on this cloud, by field."""
        return {
            "target": "embedded",
            "venue": VENUE,
            "mode": "simulated",
            "exchange_url": self.url("exchange"),
            "symbols": ",".join(self.market.traded),
            "timeframes": ",".join(self.timeframes),
            "valuation_currency": self.valuation,
            "redis_url": f"redis://127.0.0.1:{self.port('valkey')}/0",
            "vault_url": self.url("openbao"),
            "vault_auth": "approle",
            "socket_url": self.socket_url,
            "failure_rate": str(self.failure_rate),
            **{f"model_{name}": value for name, value in self.model.items()},
        }

    def books(self) -> dict[str, Any]:
        """What stored orders and balances belong to: with a change here the old ones would be meaningless."""
        whole = self.model_dump(mode="json", include={"seed", "symbols", "replay", "symbol", "balances", "valuation"})
        return whole | ({"symbols": None, "seed": None} if self.replay else {})


def load(path: Path) -> Configuration:
    """The kept configuration, or the default one.

    Raises
    ------
    CloudError
        If the file can't be used.
    """
    kept = private.read_json(path)
    return _validated(kept or {}, str(path))


def changed(configuration: Configuration, wishes: dict[str, Any]) -> Configuration:
    """The configuration with new wishes. Asking for symbols ends a replay; ports are added to those set before.

    A model is another one as a whole where its provider is named; without that the fields are those of the model set before, and
    an empty value takes a field away.

    Raises
    ------
    CloudError
        Naming the wish that can't be met.
    """
    whole = configuration.model_dump()
    if "symbols" in wishes:
        whole |= {"replay": None, "symbol": None}
    if "model" in wishes and "provider" not in wishes["model"]:
        wishes = wishes | {"model": _same_model(whole["model"], wishes["model"])}
    whole |= wishes | {"ports": whole["ports"] | wishes.get("ports", {})}
    return _validated(whole, "options")


def _same_model(before: dict[str, str], fields: dict[str, str]) -> dict[str, str]:
    if before.get("provider", "policy") == "policy":
        raise CloudError(f"--model {', '.join(fields)}: of which provider? Name it too, as --model provider=openai")
    return {name: value for name, value in (before | fields).items() if value}


def _validated(values: dict[str, Any], source: str) -> Configuration:
    try:
        return Configuration.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        words = first["msg"].removeprefix("Value error, ")
        if first["type"] == "string_pattern_mismatch":  # a regular expression tells people nothing
            words = _FORMS.get(str(first["loc"][0]), words)
        if not first["loc"]:  # about the whole: the sentence names what is wrong
            raise CloudError(f"{source}: {words}") from error
        field = ".".join(str(part) for part in first["loc"])
        raise CloudError(f"{field}: {words} (got {first['input']!r:.80})") from error
