"""What backtests need of the stored truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from volexswarm.backtest.model import Backtest, Outcome
from volexswarm.market.timeframes import Timeframe
from volexswarm.ports import Transaction
from volexswarm.risk.policy import RiskPolicy
from volexswarm.signals.ports import CandleRow


class HistoryTransaction(Transaction, Protocol):
    """Candles and the policy to read."""

    def market_time(self, venue: str) -> datetime | None:
        """How far the venue's market is known; None before anything was heard of it."""
        ...

    def stored(self, venue: str, symbol: str, since: datetime, until: datetime) -> Mapping[Timeframe, int]:
        """How many closed candles of each timeframe lie in the period; those that have none are left out."""
        ...

    def candles(
        self, venue: str, symbol: str, timeframe: Timeframe, since: datetime, until: datetime
    ) -> Sequence[CandleRow]:
        """The closed candles that opened at or after `since` and closed by `until`, oldest first."""
        ...

    def risk_policy(self, version: int | None = None) -> tuple[int, RiskPolicy]:
        """The risk policy of a version, or the one in force, and its version. Raises Conflict if there is none."""
        ...


class BacktestTransaction(HistoryTransaction, Protocol):
    """Backtests to write."""

    def add_backtest(self, backtest: Backtest) -> bool:
        """Store the backtest; False if it is stored already."""
        ...

    def outcome(self, backtest_id: str) -> Outcome | None:
        """What is told of a stored backtest; None if there is none."""
        ...
