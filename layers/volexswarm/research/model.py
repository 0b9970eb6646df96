"""What research looks at, and what it makes of it. Numbers are float64: nothing here is booked."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from volexswarm.messages import NAMESPACE


@dataclass(frozen=True)
class Step:
    """One step of market time in which there was trade: its last price (quote per base), what was traded (quote currency)."""

    close: float
    turnover: float


@dataclass(frozen=True)
class Picture:
    """A market at one moment of market time; None where too little is known.

    `price` in quote per base; `return_1d` and `return_7d` as shares of the price then; `trend` from -1 (only ever down) to 1,
    over the last `trend_hours`; `volatility_1h` standard deviation of an hour's log return; `unrest` that of the last day in
    usual ones; `liquidity` quote currency traded in an hour of the last day; `hours` of history that were seen, at most a week;
    `correlations` of hourly log returns with other symbols.
    """

    symbol: str
    as_of: datetime
    price: float
    return_1d: float | None
    return_7d: float | None
    trend: float | None
    trend_hours: float
    volatility_1h: float | None
    unrest: float | None
    liquidity: float | None
    hours: float
    correlations: Mapping[str, float]

    @property
    def quote_currency(self) -> str:
        return self.symbol.partition("/")[2]


@dataclass(frozen=True)
class Report:
    """A written report about some symbols. `pictures` are the numbers it was written from, by symbol."""

    id: str
    venue: str
    symbols: tuple[str, ...]
    as_of: datetime
    words: str
    body: str
    pictures: Mapping[str, Mapping[str, object]]
    requested_by: str
    written_at: datetime


def report_id(task_id: str, attempt: int) -> str:
    """The same attempt of a task has the same report."""
    return str(uuid.uuid5(NAMESPACE, f"report/{task_id}/{attempt}"))
