"""What may be asked of the swarm, each kind with just the fields that it needs; and each in one sentence for people."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, TypeAdapter, ValidationError, model_validator

from volexswarm.errors import InvalidInput, require
from volexswarm.expectations import in_words
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Money, Side, TaskKind
from volexswarm.policies import Share, percent
from volexswarm.strategies.parameters import PARAMETERS

Symbol = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,20}/[A-Z0-9]{1,20}$")]
Asset = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,20}$")]
Symbols = Annotated[tuple[Symbol, ...], Field(min_length=1, max_length=10)]
Amount = Annotated[Money, Field(gt=0, le=Decimal("1e12"), max_digits=36, decimal_places=18, allow_inf_nan=False)]
ParameterName = Annotated[str, Field(pattern=r"^[a-z_]{1,50}$")]
ParameterValue = StrictBool | StrictInt | Annotated[float, Field(allow_inf_nan=False)]
Days = Annotated[int, Field(gt=0, le=3650)]


class _Wanted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def markets(self) -> tuple[str, ...]:
        """The markets that it is about, each once; empty if about none in particular."""
        raise NotImplementedError

    @property
    def in_words(self) -> str:
        """One sentence without its end, as it is shown to whoever asked."""
        raise NotImplementedError


class Analyze(_Wanted):
    """What the team thinks of some markets; nothing is traded."""

    kind: Literal[TaskKind.ANALYZE] = TaskKind.ANALYZE
    symbols: Symbols

    @property
    def markets(self) -> tuple[str, ...]:
        return _once(self.symbols)

    @property
    def in_words(self) -> str:
        return f"let the team deliberate on {_listed(self.markets)}, without trading"


class TradeWish(_Wanted):
    """A trade at the market's price, if the team agrees. Its size is given in one way:

    `amount` in base currency; `cost` in quote currency; `share` of the equity; `position_share` of what is held (to sell only).
    With `if_trend` research must see the trend going the trade's way.
    """

    kind: Literal[TaskKind.TRADE] = TaskKind.TRADE
    symbol: Symbol
    side: Side
    amount: Amount | None = None
    cost: Amount | None = None
    share: Share | None = None
    position_share: Share | None = None
    if_trend: bool = False

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        given = [name for name in ("amount", "cost", "share", "position_share") if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"exactly one of amount, cost, share and position_share, not {found}")
        if self.position_share is not None and self.side is Side.BUY:
            raise ValueError("position_share only to sell: a purchase is sized by amount, cost or share")
        return self

    @property
    def markets(self) -> tuple[str, ...]:
        return (self.symbol,)

    @property
    def in_words(self) -> str:
        base, quote = self.symbol.split("/")
        if self.amount is not None:
            size = f"{self.amount:f} {base}"
        elif self.cost is not None:
            size = f"{base} for {self.cost:f} {quote}"
        elif self.share is not None:
            size = f"{base} for {_share(self.share)} of the equity"
        else:
            assert self.position_share is not None  # one of the four is given
            size = f"all the {base}" if self.position_share == 1 else f"{_share(self.position_share)} of the {base}"
            size += " that is held"
        trend = ", only if the trend goes that way" if self.if_trend else ""
        return f"{self.side} {size} on {self.symbol} at the market's price, if the team agrees{trend}"


class Rebalance(_Wanted):
    """Trade until each asset makes up its share of the equity; what the targets leave over stays in the valuation currency.

    Only the assets that are named are traded.
    """

    kind: Literal[TaskKind.REBALANCE] = TaskKind.REBALANCE
    targets: Mapping[Asset, Annotated[Money, Field(ge=0, le=1, allow_inf_nan=False)]] = Field(
        min_length=1, max_length=20
    )
    symbols: tuple[Symbol, ...] = Field(default=(), max_length=20)

    @model_validator(mode="after")
    def _at_most_everything(self) -> Self:
        total = sum(self.targets.values(), Decimal(0))
        if total > 1:
            raise ValueError(f"targets that are at most 100 % together, not {percent(total)}")
        return self

    @property
    def markets(self) -> tuple[str, ...]:
        return _once(self.symbols)

    @property
    def in_words(self) -> str:
        parts = [f"{_share(share)} {asset}" for asset, share in self.targets.items()]
        return f"trade until the equity is {_listed(parts)}, where the team agrees"


class Research(_Wanted):
    """A written report on some markets."""

    kind: Literal[TaskKind.RESEARCH] = TaskKind.RESEARCH
    symbols: Symbols

    @property
    def markets(self) -> tuple[str, ...]:
        return _once(self.symbols)

    @property
    def in_words(self) -> str:
        return f"write a research report on {_listed(self.markets)}"


class Report(_Wanted):
    """What the swarm did, and how the account stands."""

    kind: Literal[TaskKind.REPORT] = TaskKind.REPORT
    period: Literal["day", "week"] = "day"

    @property
    def markets(self) -> tuple[str, ...]:
        return ()

    @property
    def in_words(self) -> str:
        return f"report on the {self.period} up to this moment"


class _OfStrategy(_Wanted):
    strategy: str
    symbol: Symbol
    timeframe: Timeframe | None = None
    days: Days = 30

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.strategy not in PARAMETERS:
            raise ValueError(f"a strategy among {', '.join(PARAMETERS)}")
        return self

    @property
    def markets(self) -> tuple[str, ...]:
        return (self.symbol,)

    @property
    def _where(self) -> str:
        candles = f" with candles of {self.timeframe}" if self.timeframe else ""
        return f"{self.strategy} on {self.symbol}{candles} over {_days(self.days)}"


class Backtest(_OfStrategy):
    """A strategy over history; `parameters` that are not given have their defaults."""

    kind: Literal[TaskKind.BACKTEST] = TaskKind.BACKTEST
    parameters: Mapping[ParameterName, ParameterValue] = Field(default_factory=dict, max_length=20)

    @property
    def in_words(self) -> str:
        own = ", ".join(f"{name} {value}" for name, value in self.parameters.items())
        return f"backtest {self._where}" + (f" with {own}" if own else "")


class Optimize(_OfStrategy):
    """A search for better parameters by backtests, `budget_runs` of them at most. Nothing is activated."""

    kind: Literal[TaskKind.OPTIMIZE] = TaskKind.OPTIMIZE
    budget_runs: Annotated[int, Field(gt=0, le=10_000)] | None = None

    @property
    def in_words(self) -> str:
        return f"search better parameters for {self._where}, without activating any"


class Discover(_Wanted):
    """A search for strategies that may be worth a trial. Nothing is activated."""

    kind: Literal[TaskKind.DISCOVER] = TaskKind.DISCOVER
    symbols: Symbols
    days: Days = 30

    @property
    def markets(self) -> tuple[str, ...]:
        return _once(self.symbols)

    @property
    def in_words(self) -> str:
        return f"look for strategies on {_listed(self.markets)} over {_days(self.days)}, without activating any"


Request = Analyze | TradeWish | Rebalance | Research | Report | Backtest | Optimize | Discover

_REQUEST: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="kind")])


def schema() -> dict[str, Any]:
    """JSON schema of every kind of request."""
    return _REQUEST.json_schema()


def read(raw: Mapping[str, Any]) -> Request:
    """A request from JSON. Raises InvalidInput naming the first field that is wrong."""
    try:
        return _REQUEST.validate_python(dict(raw))
    except ValidationError as error:
        first = error.errors()[0]
        # the first part of a union's location is the kind
        field = ".".join(str(part) for part in first["loc"][1:]) or "request"
        if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
            raise InvalidInput("kind", raw.get("kind"), f"one of {', '.join(TaskKind)}") from error
        got = raw.get(field) if field in raw else first.get("input")
        raise InvalidInput(field, got, in_words(first)) from error


def fitted(request: Request, symbols: Collection[str], currency: str) -> Request:
    """The request as this deployment can carry it out: a rebalancing gets the markets of its assets.

    Raises
    ------
    InvalidInput
        If a market is not traded here.
    """
    if isinstance(request, Rebalance):
        request = request.model_copy(update={"symbols": _markets(request, symbols, currency)})
    for symbol in request.markets:
        require(symbol in symbols, "symbol", symbol, f"one of {', '.join(symbols)}")
    return request


def _markets(request: Rebalance, symbols: Collection[str], currency: str) -> tuple[str, ...]:
    markets = tuple(f"{asset}/{currency}" for asset in request.targets if asset != currency)
    require(bool(markets), "targets", ", ".join(request.targets), f"at least one asset other than {currency}")
    known = [symbol.split("/")[0] for symbol in symbols if symbol.endswith(f"/{currency}")]
    for asset in request.targets:
        fits = asset == currency or asset in known
        require(fits, "targets", asset, f"assets among {', '.join([*known, currency])}")
    return markets


def _once(symbols: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(symbols))


def _listed(words: tuple[str, ...] | list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _share(share: Decimal) -> str:
    hundredfold = (share * 100).normalize()
    return f"{hundredfold:f} %"


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"
