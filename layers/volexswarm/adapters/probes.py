"""Probes for the monitor: each asks one part itself, in the way that the agents use it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta

import redis

from volexswarm.adapters.postgres.database import Database
from volexswarm.adapters.sqs import SqsSender
from volexswarm.clock import Clock
from volexswarm.errors import Unavailable
from volexswarm.execution.ports import ExchangeGateway
from volexswarm.messages import Queue, Quote
from volexswarm.monitor.ports import FeedProgress, Gap
from volexswarm.ports import QuoteBoard, SecretStore
from volexswarm.views.ports import QueueDesk


class DatabaseProbe:
    """Asks the database for a row."""

    part = "database"

    def __init__(self, database: Database) -> None:
        self._database = database

    def measure(self) -> tuple[bool, str]:
        started = time.perf_counter()
        with self._database.connection() as connection:
            row = connection.execute("SELECT count(*) AS waiting FROM outbox WHERE published_at IS NULL").fetchone()
        waiting = row["waiting"] if row else 0
        return True, f"answers in {(time.perf_counter() - started) * 1000:.0f} ms; {waiting} messages in the outbox"


class RedisProbe:
    """Asks Redis for a PONG."""

    part = "redis"

    def __init__(self, connection: redis.Redis[str]) -> None:
        self._redis = connection

    def measure(self) -> tuple[bool, str]:
        started = time.perf_counter()
        try:
            self._redis.ping()
        except redis.RedisError as error:
            raise Unavailable("redis", str(error)) from error
        return True, f"answers in {(time.perf_counter() - started) * 1000:.0f} ms"


class VaultProbe:
    """Asks Vault, past every cache, whether it is open."""

    part = "vault"

    def __init__(self, secrets: SecretStore) -> None:
        self._secrets = secrets

    def measure(self) -> tuple[bool, str]:
        self._secrets.assert_unsealed()
        return True, "unsealed"


class QueuesProbe:
    """Counts what waits in the queues; a queue that is longer than `limit` is not kept up with."""

    part = "queues"

    def __init__(self, desk: QueueDesk, limit: int = 10_000) -> None:
        self._desk = desk
        self._limit = limit

    def measure(self) -> tuple[bool, str]:
        depths = self._desk.depths(list(Queue))
        busy = ", ".join(f"{one.queue} {one.waiting}" for one in depths if one.waiting)
        return all(one.waiting <= self._limit for one in depths), f"waiting: {busy or 'none'}"


class OwnQueuesProbe:
    """Asks for the queues that a function takes from and sends to."""

    part = "queues"

    def __init__(self, stack: str, queues: Sequence[Queue]) -> None:
        self._stack = stack
        self._queues = tuple(queues)

    def measure(self) -> tuple[bool, str]:
        sender = SqsSender(self._stack)  # one that remembers nothing
        for queue in self._queues:
            sender.url(queue.value)
        return True, ", ".join(self._queues)


class VenueProbe:
    """Asks the exchange for its clock, in the way that orders go."""

    part = "exchange"

    def __init__(self, gateway: ExchangeGateway, venue: str) -> None:
        self._gateway = gateway
        self._venue = venue

    def measure(self) -> tuple[bool, str]:
        return True, f"{self._venue} says it is {self._gateway.market_time().isoformat(timespec='seconds')}"


class DeadLettersProbe:
    """Counts dead letters; each is a message that nobody could handle and somebody should look at."""

    part = "dead-letters"

    def __init__(self, desk: QueueDesk) -> None:
        self._desk = desk

    def measure(self) -> tuple[bool, str]:
        dead = [one for one in self._desk.depths(list(Queue)) if one.dead]
        return not dead, ", ".join(f"{one.queue} {one.dead}" for one in dead) or "none"


class _PriceProbe:
    """Looks at the ages of the quotes."""

    def __init__(
        self, quotes: QuoteBoard, clock: Clock, venue: str, symbols: Sequence[str], max_age: timedelta
    ) -> None:
        self._quotes = quotes
        self._clock = clock
        self._venue = venue
        self._symbols = tuple(symbols)
        self._max_age = max_age

    def _age(self, quote: Quote) -> timedelta:
        return self._clock.now() - quote.received_at


class RealtimeProbe(_PriceProbe):
    """Reads how old the youngest quote is: `realtime-data` writes them as long as it runs and hears of the exchange.

    And whether its tick batches arrive: behind one that stays away, for it lies among the dead letters, no candle closes.
    """

    part = "realtime-data"

    def __init__(
        self,
        quotes: QuoteBoard,
        clock: Clock,
        venue: str,
        symbols: Sequence[str],
        max_age: timedelta,
        progress: FeedProgress,
        patience: timedelta = timedelta(minutes=2),
    ) -> None:
        super().__init__(quotes, clock, venue, symbols, max_age)
        self._progress = progress
        self._patience = patience

    def measure(self) -> tuple[bool, str]:
        ages = [self._age(quote) for quote in self._quotes.get(self._venue, self._symbols).values()]
        if not ages:
            return False, f"no quote of {self._venue} has come yet"
        gap = self._progress.gap(self._venue)
        detail = f"last quote {min(ages).total_seconds():.1f} s ago"
        if gap is not None and gap.waited > self._patience:
            return False, f"{detail}; {_words(gap)}"
        return min(ages) <= self._max_age, detail


class ExchangeProbe(_PriceProbe):
    """Names the symbols whose prices are too old to trade on."""

    part = "exchange"

    def measure(self) -> tuple[bool, str]:
        quotes = self._quotes.get(self._venue, self._symbols)
        stale = [
            symbol for symbol in self._symbols if symbol not in quotes or self._age(quotes[symbol]) > self._max_age
        ]
        if stale:
            return False, f"no fresh price of {', '.join(stale)}"
        return True, f"fresh prices of {len(self._symbols)} symbols at {self._venue}"


def _words(gap: Gap) -> str:
    lacking = f"batch {gap.first}" if gap.first == gap.last else f"batches {gap.first} to {gap.last}"
    return (
        f"for {gap.waited.total_seconds():.0f} s no candle has closed, for tick {lacking} of session {gap.session} did not"
        " arrive: look among the dead letters of ticks"
    )
