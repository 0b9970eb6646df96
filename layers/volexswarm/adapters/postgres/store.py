"""Transactions with inbox and outbox (Law 2): a state change and the messages it causes are stored together.

After the commit the messages are sent; should the process die in between, the sweeper (`outbox.py`) sends them later, so each
goes out at least once. Receivers drop what they have already answered by `first_delivery`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, NamedTuple, TypeVar

from volexswarm.adapters.postgres.database import Connection, Database
from volexswarm.adapters.postgres.outbox import Outgoing, Relay
from volexswarm.crashpoints import CrashPoint, passing
from volexswarm.errors import require
from volexswarm.messages import MAX_MESSAGE_BYTES, Event, Queue, encode

_JOURNAL = """
INSERT INTO events (id, type, source, subject, occurred_at, correlation_id, causation_id, data)
SELECT * FROM unnest(%(ids)s::uuid[], %(types)s::text[], %(sources)s::text[], %(subjects)s::text[], %(times)s::timestamptz[],
    %(correlations)s::uuid[], %(causations)s::uuid[], %(data)s::jsonb[])
"""

# positions are given out in the order of publishing, which is the order of sending
_ENQUEUE = """
INSERT INTO outbox (event_id, queue, group_key, body)
SELECT event_id, queue, group_key, body
FROM unnest(%(ids)s::uuid[], %(queues)s::text[], %(groups)s::text[], %(bodies)s::text[])
    WITH ORDINALITY AS copy (event_id, queue, group_key, body, place)
ORDER BY place
RETURNING position, event_id, queue, group_key, body
"""


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
        """Journal the events and queue each for its own queue (if any), for `events`, and for those who watch.

        In two statements however many.

        Raises
        ------
        InvalidInput
            If an event is longer than a queue takes: nothing may be stored that could never be sent.
        """
        if not events:
            return
        self._journal(events)
        self._enqueue([copy for event in events for copy in _copies(event)])

    def _journal(self, events: Sequence[Event[Any]]) -> None:
        columns = {
            "ids": [event.id for event in events],
            "types": [event.type for event in events],
            "sources": [event.source for event in events],
            "subjects": [event.subject for event in events],
            "times": [event.time for event in events],
            "correlations": [event.correlationid for event in events],
            "causations": [event.causationid for event in events],
            "data": [event.data.model_dump_json() for event in events],
        }
        self.connection.execute(_JOURNAL, columns)

    def _enqueue(self, copies: Sequence[_Copy]) -> None:
        columns = {
            "ids": [copy.event_id for copy in copies],
            "queues": [copy.queue.value for copy in copies],
            "groups": [copy.group for copy in copies],
            "bodies": [copy.body for copy in copies],
        }
        rows = self.connection.execute(_ENQUEUE, columns).fetchall()
        self.outgoing += [
            Outgoing(r["position"], str(r["event_id"]), r["queue"], r["group_key"], r["body"]) for r in rows
        ]


class _Copy(NamedTuple):
    """One event's way into one queue."""

    event_id: str
    queue: Queue
    group: str | None
    body: str


def _copies(event: Event[Any]) -> list[_Copy]:
    body = encode(event)
    length = len(body.encode())
    require(
        length <= MAX_MESSAGE_BYTES, f"{event.type} {event.id}", f"{length} bytes", f"at most {MAX_MESSAGE_BYTES} bytes"
    )
    own = event.data.QUEUE
    copies = [] if own is None else [_Copy(event.id, own, event.data.group if own.is_fifo else None, body)]
    copies.append(_Copy(event.id, Queue.EVENTS, None, body))
    if event.data.CHANNELS:  # one copy for all its channels, behind what the first of them has told already
        copies.append(_Copy(event.id, Queue.PUSHES, event.data.CHANNELS[0].value, body))
    return copies


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
            passing(CrashPoint.BEFORE_COMMIT)
        passing(CrashPoint.AFTER_COMMIT)
        if transaction.outgoing:
            self._relay.send(transaction.outgoing)
