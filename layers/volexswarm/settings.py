"""Settings of a process, read once from the environment and checked at start. No secret is among them: those are in Vault."""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from volexswarm.errors import InvalidInput
from volexswarm.expectations import in_words
from volexswarm.market.timeframes import Timeframe

PREFIX = "VOLEX_"


def _words(value: Any) -> Any:
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


_FUNDS = r"[A-Z0-9]+:[0-9]+(\.[0-9]+)?"
Symbol = Annotated[str, Field(pattern=r"^[A-Z0-9]+/[A-Z0-9]+$")]


class Settings(BaseModel):
    """Each field is the variable `VOLEX_<FIELD>`; lists are comma-separated.

    `target` where it runs; `stack` prefix of queue and function names; `venue` as ccxt names it; `mode` whether the money is
    simulated, a sandbox's, or real; `exchange_url` sends ccxt to another host (the simulated exchange), else the venue's own;
    `vault_role` AppRole, or IAM role on AWS, that this process logs in as; `quote_max_age` seconds of wall time after which a
    price is stale; `paper_balances` what a paper account is opened with, as `CURRENCY:AMOUNT,…`; `paper_slippage` share of the
    price by which its orders that take are filled worse than quoted; `failure_rate` share of messages that fail on purpose, for
    drills on the embedded cloud only; `model_provider` who thinks for the deliberating agents, `policy` being our own analysts,
    which need no model; `model_name` as the provider calls it, `model_url` its address where it isn't the provider's own,
    `model_price` US dollars per million tokens sent and answered, as `2.5:10`, `model_max_tokens` its longest answer, hidden
    reasoning included, `model_form` how it is made to answer in form (`auto`: the surest way of the provider); keys are in
    Vault; `socket_url` where clients connect to the WebSocket API, where that is a proxy or a name of its own; `push_url` where
    WebSocket connections are written to (@connections), `task_machine` the state machine that tasks run in: both are the stack's
    own, and None where it has none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: Literal["embedded", "localstack", "aws"]
    stack: str = Field(default="volexswarm", pattern="^[a-z][a-z0-9-]*$")
    venue: str = "binance"
    mode: Literal["simulated", "sandbox", "live"] = "simulated"
    account: str = Field(default="main", pattern="^[a-z0-9-]+$")
    exchange_url: str | None = None
    symbols: Annotated[tuple[Symbol, ...], BeforeValidator(_words), Field(min_length=1)]
    timeframes: Annotated[tuple[Timeframe, ...], BeforeValidator(_words), Field(min_length=1)]
    valuation_currency: str = Field(default="USDT", pattern="^[A-Z0-9]+$")
    redis_url: str = Field(pattern="^rediss?://")
    vault_url: str = Field(pattern="^https?://")
    vault_auth: Literal["approle", "aws"] = "approle"
    vault_role: str | None = None
    quote_max_age: float = Field(default=30.0, gt=0)
    paper_balances: str = Field(default="USDT:100000", pattern=f"^{_FUNDS}(,{_FUNDS})*$")
    paper_slippage: Decimal = Field(default=Decimal("0.0005"), ge=0, lt=Decimal("0.1"))
    failure_rate: float = Field(default=0.0, ge=0, lt=1)
    model_provider: Literal["policy", "openai", "azure", "anthropic", "bedrock", "ollama"] = "policy"
    model_name: str | None = Field(default=None, validate_default=True)
    model_url: str | None = Field(default=None, pattern="^https?://")
    model_price: str | None = Field(default=None, pattern=r"^[0-9]+(\.[0-9]+)?:[0-9]+(\.[0-9]+)?$")
    model_max_tokens: int = Field(default=1500, ge=100, le=32_000)
    model_form: Literal["auto", "schema", "tool", "json"] = "auto"
    socket_url: str | None = Field(default=None, pattern="^wss?://")
    push_url: str | None = Field(default=None, pattern="^https?://")
    task_machine: str | None = Field(default=None, pattern="^arn:")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("model_name")
    @classmethod
    def _named(cls, name: str | None, info: ValidationInfo) -> str | None:
        if name is None and info.data.get("model_provider", "policy") != "policy":
            raise ValueError(f"the name of a model of {info.data['model_provider']}")
        return name

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the process's environment.

        Raises
        ------
        InvalidInput
            Naming the first variable that is missing or wrong.
        """
        source = os.environ if environment is None else environment
        known = {
            field: source[PREFIX + field.upper()] for field in cls.model_fields if source.get(PREFIX + field.upper())
        }
        try:
            return cls.model_validate(known)
        except ValidationError as error:
            first = error.errors()[0]
            name = PREFIX + "_".join(str(part) for part in first["loc"][:1]).upper()
            raise InvalidInput(name, first.get("input"), in_words(first)) from error
