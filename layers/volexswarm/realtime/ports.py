"""What the feed needs of the world: a venue's streams and queries, and what is stored already."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from volexswarm.messages import ExecutionReported
from volexswarm.realtime.sequence import Tick

OnTrade = Callable[[str, Tick], None]
"""Called for every public trade with the unified symbol, in the order of arrival."""

OnQuote = Callable[[str, Decimal, Decimal], None]
"""Called with symbol, best bid and best ask."""

OnReport = Callable[[ExecutionReported], None]
OnReady = Callable[[], None]
"""Called when the venue has confirmed the subscription: from here on nothing is missed while the connection holds."""


class Venue(Protocol):
    """One venue. Each `watch_*` runs until its connection fails and always ends by raising.

    Every method raises Unavailable if the venue does not answer or does not take us.
    """

    async def prepare(self, symbols: Sequence[str]) -> None:
        """Load what the venue says about its markets. Raises InvalidInput for a symbol it does not have."""
        ...

    async def watch_trades(self, symbols: Sequence[str], on_trade: OnTrade, on_ready: OnReady) -> None: ...

    async def watch_quotes(self, symbols: Sequence[str], on_quote: OnQuote, on_ready: OnReady) -> None: ...

    async def watch_account(self, on_report: OnReport, on_ready: OnReady) -> None: ...

    def cut(self, stream: str, reason: str) -> None:
        """Break the connection of `trades`, `quotes` or `account`, so that its watcher ends."""
        ...

    async def trades_from(self, symbol: str, trade_id: int, limit: int = 1000) -> list[Tick]:
        """Public trades from this id on, ascending; fewer than `limit` means that there are no more yet."""
        ...

    async def time_ms(self) -> int:
        """The exchange's clock, Unix ms."""
        ...

    async def quotes(self, symbols: Sequence[str]) -> dict[str, tuple[Decimal, Decimal]]: ...

    async def own_fills(
        self, symbol: str, from_trade_id: int | None, since: datetime, known: Collection[str]
    ) -> list[ExecutionReported]:
        """The account's fills from this trade id on, or from this time, but for the known; each with its order's state."""
        ...

    async def open_orders(self) -> list[ExecutionReported]:
        """The account's open orders of all symbols prepared."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True)
class RecordedFills:
    """Newest stored fills of one symbol: their trade ids, and when the account's books were opened (exchange time)."""

    trade_ids: frozenset[str]
    opened_at: datetime


class FeedStore(Protocol):
    """What is stored of earlier runs. Every method raises Unavailable if the database does not answer."""

    def resume_after(self, venue: str, symbols: Sequence[str]) -> dict[str, int]:
        """Per symbol, the id through which no trade is missing; no entry if its feed has never begun."""
        ...

    def begin(self, venue: str, symbol: str, first_trade_id: int, began_at: datetime) -> None:
        """Remember where a symbol's feed began; the first word counts."""
        ...

    def recorded_fills(self, venue: str, account: str, symbols: Sequence[str]) -> Mapping[str, RecordedFills]:
        """Newest recorded fills per symbol; empty while the account's books are not open."""
        ...
