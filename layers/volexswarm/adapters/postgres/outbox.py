"""The outbox's way out: sends stored messages and marks them sent; a sweep sends what was left behind.

FIFO queues get their messages in the order they were stored. A message is sent at least once: between sending and marking, a
crash makes the sweep send it again, and the receiver's inbox drops the second.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from volexswarm.adapters.postgres.database import Database
from volexswarm.crashpoints import CrashPoint, passing
from volexswarm.errors import InvalidInput, Unavailable
from volexswarm.messages import (
    AcceptDifference,
    CancelOrder,
    CandleClosed,
    OrderApproved,
    OrderState,
    PlaceSlice,
    Queue,
)
from volexswarm.ports import MessageSender

logger = logging.getLogger(__name__)


# Who answers a queue's messages, as the inbox knows them. A command about orders is answered by what stands among orders, plans
# and differences (an acceptance also by being refused, which the event that it caused tells); those that are not named here need
# no second chance, because the keeper looks each minute for what they speak of.
_CONSUMERS = {"candles": "signal", "signals": "risk", "proposals": "compliance", "events": "monitor"}

_RECALL = """
UPDATE outbox SET published_at = NULL
WHERE published_at IS NOT NULL AND (queue <> 'candles' OR created_at > now() - %(candle_worth)s) AND CASE queue
    WHEN 'orders.fifo' THEN EXISTS (SELECT FROM events e WHERE e.id = outbox.event_id AND CASE e.type
        WHEN %(order)s THEN NOT EXISTS (SELECT FROM orders WHERE orders.id = e.id)
            AND NOT EXISTS (SELECT FROM order_plans WHERE proposal_id = (e.data->>'proposal_id')::uuid)
        WHEN %(slice)s THEN EXISTS (SELECT FROM order_plans WHERE proposal_id = (e.data->>'proposal_id')::uuid
            AND state = 'working' AND next_slice = (e.data->>'number')::integer)
        WHEN %(cancel)s THEN EXISTS (SELECT FROM orders WHERE id = (e.data->>'order_id')::uuid AND state <> ALL(%(final)s))
            OR EXISTS (SELECT FROM order_plans l LEFT JOIN orders o ON o.proposal_id = l.proposal_id AND o.purpose = 'slice'
                WHERE l.state = 'working' AND (l.proposal_id = (e.data->>'proposal_id')::uuid
                    OR o.id = (e.data->>'order_id')::uuid))
        WHEN %(accept)s THEN EXISTS (SELECT FROM differences WHERE id = (e.data->>'difference_id')::uuid AND state = 'open')
            AND NOT EXISTS (SELECT FROM events said WHERE said.correlation_id = e.correlation_id AND said.causation_id = e.id)
        ELSE false END)
    ELSE EXISTS (SELECT FROM unnest(%(queues)s::text[], %(consumers)s::text[]) AS answers (queue, consumer)
        WHERE answers.queue = outbox.queue AND NOT EXISTS (
            SELECT FROM inbox WHERE inbox.consumer = answers.consumer AND inbox.event_id = outbox.event_id))
    END
"""


def recall(database: Database) -> int:
    """Let the sweep send again what was sent and never answered: for queues that were lost with what they held.

    Harmless where a message is still on its way: its receiver drops the second. Returns how many messages go out again.

    Raises
    ------
    Unavailable
        If the database does not answer.
    """
    names = {
        "queues": list(_CONSUMERS),
        "consumers": list(_CONSUMERS.values()),
        "candle_worth": CandleClosed.WORTH,
        "order": OrderApproved.type_name(),
        "slice": PlaceSlice.type_name(),
        "cancel": CancelOrder.type_name(),
        "accept": AcceptDifference.type_name(),
        "final": [state.value for state in OrderState if state.is_final],
    }
    with database.connection() as connection:
        return connection.execute(_RECALL, names).rowcount


@dataclass(frozen=True)
class Outgoing:
    """A stored message on its way: `position` is its place in the outbox."""

    position: int
    event_id: str
    queue: str
    group: str | None
    body: str


class Relay:
    """Sends outbox rows through a MessageSender."""

    def __init__(self, database: Database, sender: MessageSender) -> None:
        self._database = database
        self._sender = sender

    def send(self, messages: Sequence[Outgoing]) -> int:
        """Send now what has just been committed; what fails stays in the outbox for the sweep. Returns how many went out."""
        sent: list[int] = []
        # those who only watch are told last
        ordered = sorted(messages, key=lambda m: (m.queue == Queue.PUSHES, m.queue, m.position))
        for queue, batch in groupby(ordered, key=lambda m: m.queue):
            sent += self._transmit(queue, list(batch))
        if sent:
            self._mark(sent)
        return len(sent)

    def sweep(self, older_than: timedelta = timedelta(seconds=10), limit: int = 500) -> int:
        """Send rows that were committed and not sent, up to `limit` of each queue. Returns how many went out.

        Rows that another sweep holds are passed over. Each queue is a transaction of its own: one that does not take its
        messages keeps them, with a warning, and holds up no other.

        Raises
        ------
        Unavailable
            If the database does not answer.
        """
        with self._database.connection() as connection:
            rows = connection.execute("SELECT DISTINCT queue FROM outbox WHERE published_at IS NULL ORDER BY queue")
            queues = [row["queue"] for row in rows]
        return sum(self._sweep(queue, older_than, limit) for queue in queues)

    def prune(self, older_than: timedelta = timedelta(days=1)) -> int:
        """Delete rows sent long ago; the journal keeps the events themselves."""
        with self._database.connection() as connection:
            return connection.execute("DELETE FROM outbox WHERE published_at < now() - %s", (older_than,)).rowcount

    def _sweep(self, queue: str, older_than: timedelta, limit: int) -> int:
        with self._database.connection() as connection:
            rows = connection.execute(
                "SELECT position, event_id, queue, group_key, body FROM outbox WHERE published_at IS NULL AND queue = %s"
                " AND created_at < now() - %s ORDER BY position LIMIT %s FOR UPDATE SKIP LOCKED",
                (queue, older_than, limit),
            ).fetchall()
            waiting = [Outgoing(r["position"], str(r["event_id"]), r["queue"], r["group_key"], r["body"]) for r in rows]
            if not waiting:
                return 0
            sent = self._transmit(queue, waiting)
            connection.execute("UPDATE outbox SET published_at = now() WHERE position = ANY(%s)", (sent,))
        return len(sent)

    def _transmit(self, queue: str, messages: Sequence[Outgoing]) -> list[int]:
        """Positions of those that the queue accepted; none if it fails, whose reason is logged."""
        try:
            accepted = self._sender.send(queue, [(m.event_id, m.group, m.body) for m in messages])
        except (InvalidInput, Unavailable) as error:
            logger.warning("outbox keeps %d messages for queue %s: %s", len(messages), queue, error)
            return []
        passing(CrashPoint.AFTER_PUBLISH)  # sent, and not marked as sent
        return [m.position for m in messages if m.event_id in accepted]

    def _mark(self, positions: list[int]) -> None:
        try:
            with self._database.connection() as connection:
                connection.execute("UPDATE outbox SET published_at = now() WHERE position = ANY(%s)", (positions,))
        except Unavailable as error:  # they are out; the sweep will send them a second time, which receivers drop
            logger.warning("%d messages sent but not marked: %s", len(positions), error)
