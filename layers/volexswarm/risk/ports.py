"""What risk needs of the stored truth."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Event, TradeProposed
from volexswarm.ports import DecisionTransaction
from volexswarm.risk.breakers import Breaker, Probe
from volexswarm.risk.model import Bar, Holdings, Periods, Surroundings, Worths


class RiskTransaction(DecisionTransaction, Protocol):
    """One assessment, stored wholly or not at all."""

    def holdings(self, venue: str, account: str, symbol: str | None, binding_since: datetime) -> Holdings | None:
        """The books as one consistent view, never a fill counted half; None if the account is not opened.

        A proposal of before `binding_since` (wall time) that has not become an order binds nothing any more.
        """
        ...

    def worths(self, venue: str, account: str, currency: str, periods: Periods) -> Worths:
        """What a unit of the account was worth, at its best and when the periods began."""
        ...

    def last_equity(self, venue: str, account: str, currency: str) -> Decimal | None:
        """What the account was worth when it was valued last, less what went and plus what came since; None before any."""
        ...

    def bars(
        self,
        venue: str,
        symbol: str,
        timeframe: Timeframe,
        until: datetime,
        count: int,
        since: datetime | None = None,
    ) -> Sequence[Bar]:
        """The last closed candles that ended by `until` and opened not before `since`, at most `count`, oldest first."""
        ...

    def hourly_closes(
        self, venue: str, symbols: Collection[str], timeframe: Timeframe, until: datetime, hours: int
    ) -> Mapping[str, Sequence[float | None]]:
        """The last close in each of the `hours` hours that end at `until`, by symbol, oldest first; None without a candle.

        From candles of `timeframe`, which is no longer than an hour.
        """
        ...

    def closed_trades(self, venue: str, account: str, strategy_id: str, limit: int) -> Sequence[Decimal | None]:
        """Result of the strategy's newest sales, net of fees, each as a share of what was sold had cost.

        None where a fee was charged in a third currency: it has no price.
        """
        ...

    def surroundings(
        self, venue: str, account: str, symbol: str, voices_since: datetime, errors_since: datetime
    ) -> Surroundings:
        """What strategies wanted since a moment of market time, and what the exchange did not answer since one of wall time."""
        ...

    def breakers(self, venue: str, account: str, binding_since: datetime) -> Sequence[tuple[Breaker, Probe | None]]:
        """Every breaker that ever tripped, and what became of its probe; a probe without an order is void as `holdings` says."""
        ...

    def save_breaker(self, venue: str, account: str, breaker: Breaker, at: datetime) -> None:
        """Store the breaker as it is."""
        ...

    def market_time(self, venue: str) -> datetime | None:
        """How far the venue's market is known; None before anything was heard of it."""
        ...

    def record_equity(
        self, venue: str, account: str, currency: str, equity: Decimal, cash: Decimal, as_of: datetime, at: datetime
    ) -> None:
        """Store what the account was worth at a moment of market time; a later valuation of that moment replaces it."""
        ...

    def record_proposal(self, event: Event[TradeProposed], at: datetime) -> None:
        """Store the proposal: from then on it binds money."""
        ...
