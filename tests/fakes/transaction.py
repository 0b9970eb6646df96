"""In-memory stand-ins for unit tests: a transaction that forgets on failure, a store that opens it, a clock set by hand."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from volexswarm.messages import Event, Quote
from volexswarm.ports import TradingState

START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


class FixedClock:
    """Wall time that moves only when told to."""

    def __init__(self, now: datetime = START) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time

    def advance(self, by: timedelta) -> None:
        self.time += by


class FakeTransaction:
    """Inbox and outbox in memory; a context's own fake adds its tables as attributes, which a roll-back restores."""

    def __init__(self) -> None:
        self.inbox: set[tuple[str, str]] = set()
        self.published: list[Event[Any]] = []

    def first_delivery(self, consumer: str, event_id: str) -> bool:
        known = (consumer, event_id) in self.inbox
        self.inbox.add((consumer, event_id))
        return not known

    def publish(self, *events: Event[Any]) -> None:
        self.published.extend(events)

    def of(self, kind: type) -> list[Any]:
        """Payloads of one type among what was published."""
        return [event.data for event in self.published if isinstance(event.data, kind)]


FakeT = TypeVar("FakeT", bound=FakeTransaction)


class FakeGovernedTransaction(FakeTransaction):
    """`state` is the trading that is in force."""

    def __init__(self) -> None:
        super().__init__()
        self.state = TradingState(
            account="main", mode="simulated", cap=None, halt=None, since=START - timedelta(days=1)
        )

    def trading_state(self, venue: str) -> TradingState:
        return self.state


class FakeStore(Generic[FakeT]):
    """One fake transaction for the whole test: what a block did is kept, unless it raised."""

    def __init__(self, state: FakeT) -> None:
        self.state = state

    @contextmanager
    def transaction(self) -> Iterator[FakeT]:
        before = copy.deepcopy(self.state.__dict__)
        try:
            yield self.state
        except BaseException:
            self.state.__dict__.clear()
            self.state.__dict__.update(before)
            raise


class FakeQuoteBoard:
    """Quotes in a dictionary."""

    def __init__(self, **quotes: Quote) -> None:
        self.quotes: dict[str, Quote] = dict(quotes)

    def put(self, venue: str, quotes: Mapping[str, Quote]) -> None:
        self.quotes.update(quotes)

    def get(self, venue: str, symbols: Sequence[str]) -> dict[str, Quote]:
        return {symbol: self.quotes[symbol] for symbol in symbols if symbol in self.quotes}
