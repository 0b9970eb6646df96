"""Transactions with inbox and outbox (Law 2): a state change and the messages it causes are stored together.

After the commit the messages are sent; should the process die in between, the sweeper (`outbox.py`) sends them later, so each
goes out at least once. Receivers drop what they have already answered by `first_delivery`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from psycopg.types.json import Jsonb

from volexswarm.adapters.postgres.database import Connection, Database
from volexswarm.adapters.postgres.outbox import Outgoing, Relay
from volexswarm.messages import Event, Queue, encode


class PostgresTransaction:
    """What every context's transaction can do; a context's own subclass adds its statements."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.outgoing: list[Outgoing] = []

    def first_delivery(self, consumer: str, event_id: str) -> bool:
        """Remember that the consumer answers this message; False if it already has."""
        cursor = self.connection.execute(
            "INSERT INTO inbox (consumer, event_id) VALUES (%s, %s) ON CONFLICT DO NOTHING", (consumer, event_id)
        )
        return cursor.rowcount == 1

    def publish(self, *events: Event[Any]) -> None:
        """Journal the events and queue each for its own queue (if any) and for `events`."""
        for event in events:
            self._journal(event)
            body = encode(event)
            if event.data.QUEUE is not None:
                self._enqueue(event, event.data.QUEUE, body)
            self._enqueue(event, Queue.EVENTS, body)

    def _journal(self, event: Event[Any]) -> None:
        self.connection.execute(
            "INSERT INTO events (id, type, source, subject, occurred_at, correlation_id, causation_id, data)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                event.id,
                event.type,
                event.source,
                event.subject,
                event.time,
                event.correlationid,
                event.causationid,
                Jsonb(event.data.model_dump(mode="json")),
            ),
        )

    def _enqueue(self, event: Event[Any], queue: Queue, body: str) -> None:
        group = event.data.group if queue.is_fifo else None
        row = self.connection.execute(
            "INSERT INTO outbox (event_id, queue, group_key, body) VALUES (%s, %s, %s, %s) RETURNING position",
            (event.id, queue.value, group, body),
        ).fetchone()
        assert row is not None  # RETURNING always answers
        self.outgoing.append(Outgoing(row["position"], event.id, queue.value, group, body))


TransactionT = TypeVar("TransactionT", bound=PostgresTransaction)


class PostgresStore(Generic[TransactionT]):
    """Opens transactions of one context's kind and hands their messages to the relay after the commit."""

    def __init__(self, database: Database, kind: Callable[[Connection], TransactionT], relay: Relay) -> None:
        self._database = database
        self._kind = kind
        self._relay = relay

    @contextmanager
    def transaction(self) -> Iterator[TransactionT]:
        """Commits at the end of the block, then publishes; an exception rolls everything back."""
        with self._database.connection() as connection:
            transaction = self._kind(connection)
            yield transaction
        if transaction.outgoing:
            self._relay.send(transaction.outgoing)
