"""What a backtest assumes, and what comes out of it. Prices and money are in quote currency; positions are long only."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import NAMESPACE
from volexswarm.portfolio.performance import Figure

if TYPE_CHECKING:  # who only reads what is stored must not load it
    import pandas as pd


@dataclass(frozen=True)
class Assumptions:
    """What is not in the candles: the money at the beginning, and what a trade costs, as shares of its value on each side."""

    cash: Decimal = Decimal(10_000)
    fee: Decimal = Decimal("0.001")
    slippage: Decimal = Decimal("0.0005")


@dataclass(frozen=True)
class History:
    """Closed candles of one market, oldest first: float64 columns open, high, low, close, volume by opening time.

    `since` and `until` (market time) are what was asked for; the candles may begin later.
    """

    venue: str
    symbol: str
    timeframe: Timeframe
    since: datetime
    until: datetime
    candles: pd.DataFrame


@dataclass(frozen=True)
class ClosedTrade:
    """A position that was given up again. `cost` and `proceeds` with fees; `exit_reason` says what ended it."""

    opened_at: datetime
    closed_at: datetime
    amount: Decimal
    entry_price: Decimal
    exit_price: Decimal
    cost: Decimal
    proceeds: Decimal
    fees: Decimal
    entry_reason: str
    exit_reason: str

    @property
    def result(self) -> Decimal:
        """Won or lost, net of fees."""
        return self.proceeds - self.cost


@dataclass(frozen=True)
class OpenTrade:
    """A position that is still held at the end; it counts in the equity at the last close, and among no closed trades."""

    opened_at: datetime
    amount: Decimal
    entry_price: Decimal
    cost: Decimal


@dataclass(frozen=True)
class Run:
    """What a simulation saw: equity at each candle's close (`times` are closing times), and the trades.

    `fees` of all trades; `unfilled` counts purchases that were not made, by reason; `held` candles that ended with a position.
    """

    times: Sequence[datetime]
    equity: Sequence[float]
    trades: Sequence[ClosedTrade]
    open_trade: OpenTrade | None
    fees: Decimal
    unfilled: Mapping[str, int]
    held: int


@dataclass(frozen=True)
class Outcome:
    """What is told of a finished study: its id, the figures that matter (None where unknown), and one sentence."""

    id: str
    summary: Mapping[str, float | None]
    words: str


@dataclass(frozen=True)
class Commission:
    """A backtest that is wanted. `timeframe` None: the longest that has enough candles."""

    task_id: str
    attempt: int
    venue: str
    strategy: str
    symbol: str
    timeframe: Timeframe | None
    days: int
    parameters: Mapping[str, Any]

    @classmethod
    def of_task(cls, task_id: str, attempt: int, request: Mapping[str, Any], venue: str) -> Commission:
        """What a task of kind `backtest` asks for."""
        timeframe = request.get("timeframe")
        return cls(
            task_id=task_id,
            attempt=attempt,
            venue=venue,
            strategy=request["strategy"],
            symbol=request["symbol"],
            timeframe=None if timeframe is None else Timeframe(timeframe),
            days=request["days"],
            parameters=request.get("parameters", {}),
        )

    @property
    def backtest_id(self) -> str:
        """The same attempt of a task has the same backtest."""
        return str(uuid.uuid5(NAMESPACE, f"backtest/{self.task_id}/{self.attempt}"))


@dataclass(frozen=True)
class Backtest:
    """A finished backtest. `parameters` with defaults; `assumptions` in sentences; `policy_version` of risk's policy."""

    id: str
    requested_by: str
    venue: str
    symbol: str
    timeframe: Timeframe
    strategy: str
    parameters: Mapping[str, Any]
    since: datetime
    until: datetime
    candles: int
    policy_version: int
    assumptions: Sequence[str]
    figures: Mapping[str, Figure]
    run: Run
    words: str
    made_at: datetime
