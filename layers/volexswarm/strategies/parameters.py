"""The templates' parameters, validated. Apart from the rules, so that an API can check them without loading pandas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from volexswarm.errors import InvalidInput
from volexswarm.expectations import in_words


class StrategyParameters(BaseModel):
    """What every template has: how the stop and the volatility are measured.

    `atr_period` candles of the average true range; `stop_atr` how many of them the stop is away from the decision price.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    TEMPLATE: ClassVar[str]

    atr_period: Annotated[int, Field(ge=5, le=50)] = 14
    stop_atr: Annotated[float, Field(ge=0.5, le=10)] = 2.0


class MovingAverageCrossParameters(StrategyParameters):
    """Candles of the fast and of the slow simple moving average."""

    TEMPLATE = "ma_cross"

    fast: Annotated[int, Field(ge=5, le=50)] = 10
    slow: Annotated[int, Field(ge=10, le=200)] = 20

    @model_validator(mode="after")
    def _fast_is_faster(self) -> Self:
        _assert_faster(self.fast, self.slow)
        return self


class RsiParameters(StrategyParameters):
    """Candles of Wilder's RSI, and the levels beyond which the market counts as stretched."""

    TEMPLATE = "rsi"

    period: Annotated[int, Field(ge=5, le=30)] = 14
    oversold: Annotated[float, Field(ge=10, le=40)] = 30.0
    overbought: Annotated[float, Field(ge=60, le=90)] = 70.0


class BollingerParameters(StrategyParameters):
    """Candles of the middle band, and how many standard deviations away from it the outer bands are."""

    TEMPLATE = "bollinger"

    period: Annotated[int, Field(ge=10, le=50)] = 20
    deviations: Annotated[float, Field(ge=1, le=3)] = 2.0


class MacdParameters(StrategyParameters):
    """Candles of the fast and slow exponential averages, and of the signal line."""

    TEMPLATE = "macd"

    fast: Annotated[int, Field(ge=5, le=20)] = 12
    slow: Annotated[int, Field(ge=20, le=50)] = 26
    signal: Annotated[int, Field(ge=5, le=20)] = 9

    @model_validator(mode="after")
    def _fast_is_faster(self) -> Self:
        _assert_faster(self.fast, self.slow)
        return self


def _assert_faster(fast: int, slow: int) -> None:
    if fast >= slow:
        raise ValueError(f"fast must be less than slow, got fast={fast} and slow={slow}")


PARAMETERS: Mapping[str, type[StrategyParameters]] = {
    model.TEMPLATE: model
    for model in (MovingAverageCrossParameters, RsiParameters, BollingerParameters, MacdParameters)
}
"""Each template's parameters by its name."""


def parse(template: str, raw: Mapping[str, Any]) -> StrategyParameters:
    """Validated parameters; what is not given has its default.

    Raises
    ------
    InvalidInput
        If there is no such template, or naming the first parameter that does not fit.
    """
    if template not in PARAMETERS:
        raise InvalidInput("template", template, f"one of {', '.join(sorted(PARAMETERS))}")
    try:
        return PARAMETERS[template].model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(("parameters", *(str(part) for part in first["loc"])))
        raise InvalidInput(field, first["input"], in_words(first)) from error
