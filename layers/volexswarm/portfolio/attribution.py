"""Whose doing the result is: realised and unrealised gains by strategy, symbol or agent. Pure.

Gains are matched first in, first out, and belong to whoever bought: what a stop or a time exit sells is the result of the
strategy that opened the position. The shares add up to the total, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from volexswarm.arithmetic import exact

ZERO = Decimal(0)


class Dimension(StrEnum):
    """What the result is divided by."""

    STRATEGY = "strategy"
    SYMBOL = "symbol"
    AGENT = "agent"


@dataclass(frozen=True)
class Result:
    """Money in one quote currency: `realised` net of `fees`, `unrealised` at the present price, None where there is none.

    `closed` counts the pairs of purchase and sale. `other_fees` are those charged in a third currency, by currency: they have no
    price here and are in none of the other numbers.
    """

    closed: int = 0
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    unrealised: Decimal | None = ZERO
    other_fees: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """What came of one strategy's purchases in one symbol, raised by one agent."""

    strategy: str
    symbol: str
    agent: str
    result: Result

    @property
    def quote(self) -> str:
        return self.symbol.partition("/")[2]

    def key(self, dimension: Dimension) -> str:
        return {Dimension.STRATEGY: self.strategy, Dimension.SYMBOL: self.symbol, Dimension.AGENT: self.agent}[
            dimension
        ]


def attribute(parts: Iterable[Part], dimension: Dimension) -> Mapping[tuple[str, str], Result]:
    """The result of each key of the dimension in each quote currency: (key, currency)."""
    shares: dict[tuple[str, str], Result] = {}
    for part in parts:
        key = (part.key(dimension), part.quote)
        shares[key] = _plus(shares.get(key, Result()), part.result)
    return dict(sorted(shares.items()))


def totals(parts: Iterable[Part]) -> Mapping[str, Result]:
    """The whole result by quote currency."""
    sums: dict[str, Result] = {}
    for part in parts:
        sums[part.quote] = _plus(sums.get(part.quote, Result()), part.result)
    return dict(sorted(sums.items()))


def _plus(one: Result, other: Result) -> Result:
    with exact():
        unknown = one.unrealised is None or other.unrealised is None
        return Result(
            closed=one.closed + other.closed,
            realised=one.realised + other.realised,
            fees=one.fees + other.fees,
            unrealised=None if unknown else (one.unrealised or ZERO) + (other.unrealised or ZERO),
            other_fees={
                currency: one.other_fees.get(currency, ZERO) + other.other_fees.get(currency, ZERO)
                for currency in sorted({*one.other_fees, *other.other_fees})
            },
        )
