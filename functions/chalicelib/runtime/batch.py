"""Works through a batch of queue messages so that each is answered on its own and none is lost.

The answer is always a well-formed partial-batch response: an emulator or an older SQS takes a malformed one for success and
deletes the messages. What happens to a message that could not be handled depends on why:

- `Retry` (a part is down, a price is stale): it comes back after the error's delay, longer each time up to a minute, for as long
  as the cause lasts; the queue's own redrive is set high enough for a long outage;
- `NotYet` (its time is later): it comes back at just that time;
- `InvalidInput`: the same input can't ever succeed, so it goes to the dead letters at once, with the reason;
- anything else: it comes back after 1, 2, 4, 8 s and is a dead letter if it fails at its fifth delivery or a later one.

On a FIFO queue what follows a failure in the same group waits behind it, so that order is kept. When the call's time runs short,
what is left comes back at once: a call that is cut off would hold all its messages for the queue's visibility timeout.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Protocol, TypedDict, TypeVar

from chalicelib.runtime import wiring
from chalicelib.runtime.observability import correlate
from volexswarm.crashpoints import CrashPoint, passing
from volexswarm.errors import InvalidInput, NotYet, Retry, Unavailable
from volexswarm.messages import Event, Payload, decode

logger = logging.getLogger(__name__)

MAX_FAILURES = 5
MAX_DELAY = timedelta(minutes=1)
LONGEST_CALL = 900.0
"""Seconds that Lambda gives a call at most."""
RESERVE = 1.0
"""Seconds kept for answering; a message is begun if it may take twice as long as the longest so far."""

DataT = TypeVar("DataT", bound=Payload)


class BatchItem(TypedDict):
    itemIdentifier: str


class BatchResponse(TypedDict):
    """Lambda's partial-batch response: the messages that stay in the queue."""

    batchItemFailures: list[BatchItem]


@dataclass(frozen=True)
class Delivery:
    """One message as SQS delivered it; `attempt` counts deliveries from 1, `group` is None on standard queues."""

    message_id: str
    receipt: str
    body: str
    queue_arn: str
    attempt: int
    group: str | None

    @classmethod
    def of(cls, record: dict[str, Any]) -> Delivery:
        """Read a record of Lambda's SQS event."""
        attributes = record.get("attributes", {})
        return cls(
            message_id=record["messageId"],
            receipt=record["receiptHandle"],
            body=record["body"],
            queue_arn=record["eventSourceARN"],
            attempt=int(attributes.get("ApproximateReceiveCount", 1)),
            group=attributes.get("MessageGroupId"),
        )


class Deliveries(Protocol):
    """What can be done with a message that was not handled. Raises Unavailable if the queue service does not answer."""

    def postpone(self, queue_arn: str, delays: Sequence[tuple[str, timedelta]]) -> None:
        """Deliver (receipt, delay) pairs again after their delays."""
        ...

    def bury(self, queue_arn: str, body: str, group: str | None, message_id: str, reason: str) -> None:
        """Put a copy among the queue's dead letters, with the reason."""
        ...


class DrillFailure(Exception):
    """A failure on purpose, by the setting `failure_rate`."""


class Drill:
    """Fails a share of messages, half of them before the work and half after it, as a crash might.

    Parameters
    ----------
    rate : float
        Share of messages that fail, 0 to 1.
    chance : random.Random
        Source of the draws.
    """

    def __init__(self, rate: float, chance: random.Random) -> None:
        self._rate = rate
        self._chance = chance

    def around(self, work: Callable[[], object]) -> None:
        """Do the work, unless the draw says to fail first; or fail after it."""
        draw = self._chance.random()
        if draw < self._rate / 2:
            raise DrillFailure("drill: failed before the work")
        work()
        if draw < self._rate:
            raise DrillFailure("drill: failed after the work")


class Batch:
    """Handles the deliveries of one call.

    Parameters
    ----------
    deliveries : Deliveries
        Puts messages off or among the dead letters.
    drill : Drill
        Failures on purpose; rate 0 outside drills.
    """

    def __init__(self, deliveries: Deliveries, drill: Drill) -> None:
        self._deliveries = deliveries
        self._drill = drill

    def run(
        self,
        records: Sequence[Delivery],
        kind: type[DataT],
        handle: Callable[[Event[DataT]], object],
        seconds_left: Callable[[], float] = lambda: LONGEST_CALL,
    ) -> BatchResponse:
        """Hand each message, decoded as `kind`, to `handle`; answers which of them stay in the queue.

        `seconds_left` says how much of the call's time remains.
        """
        waiting: list[tuple[Delivery, timedelta]] = []
        blocked: dict[str, timedelta] = {}
        longest = 0.0
        for delivery in records:
            if delivery.group is not None and delivery.group in blocked:
                waiting.append((delivery, blocked[delivery.group]))
                continue
            before = seconds_left()
            if before < RESERVE + 2 * longest:
                waiting.append((delivery, timedelta(0)))
                continue
            delay = self._attempt(delivery, kind, handle)
            longest = max(longest, before - seconds_left())
            if delay is not None:
                waiting.append((delivery, delay))
                if delivery.group is not None:
                    blocked[delivery.group] = delay
        self._postpone(waiting)
        return {"batchItemFailures": [{"itemIdentifier": delivery.message_id} for delivery, _ in waiting]}

    def _attempt(
        self, delivery: Delivery, kind: type[DataT], handle: Callable[[Event[DataT]], object]
    ) -> timedelta | None:
        """Handle one message. None if it is done with (handled or dead), else how long until it comes back."""
        correlate(None)
        try:
            self._drill.around(lambda: _handle(delivery, kind, handle))
        except NotYet as early:
            logger.info("message %s comes back: %s", delivery.message_id, early)
            return early.after
        except Retry as error:
            logger.warning("message %s comes back: %s", delivery.message_id, error)
            return back_off(error.after, delivery.attempt)
        except InvalidInput as error:
            logger.error("message %s can't be handled: %s", delivery.message_id, error)  # noqa: TRY400 - no stack needed
            return self._bury(delivery, error)
        except Exception as error:
            logger.exception("message %s failed, delivery %d", delivery.message_id, delivery.attempt)
            if delivery.attempt >= MAX_FAILURES:
                return self._bury(delivery, error)
            return back_off(timedelta(seconds=1), delivery.attempt)
        return None

    def _bury(self, delivery: Delivery, error: Exception) -> timedelta | None:
        reason = f"{type(error).__name__}: {error}"
        try:
            self._deliveries.bury(delivery.queue_arn, delivery.body, delivery.group, delivery.message_id, reason)
        except Unavailable as away:
            logger.warning("message %s stays in its queue: %s", delivery.message_id, away)
            return back_off(away.after, delivery.attempt)
        return None

    def _postpone(self, waiting: Sequence[tuple[Delivery, timedelta]]) -> None:
        """In the order of delivery, so that the first of a FIFO group is the first to come back."""
        if not waiting:
            return
        try:
            self._deliveries.postpone(
                waiting[0][0].queue_arn, [(delivery.receipt, delay) for delivery, delay in waiting]
            )
        except Unavailable as away:  # they come back all the same, at the end of the queue's visibility timeout
            logger.warning("%d messages wait for their visibility timeout: %s", len(waiting), away)


def _handle(delivery: Delivery, kind: type[DataT], handle: Callable[[Event[DataT]], object]) -> None:
    passing(CrashPoint.BEFORE_HANDLING)
    event = decode(delivery.body, kind)
    correlate(event.correlationid)
    handle(event)
    passing(CrashPoint.AFTER_HANDLING)


def back_off(first: timedelta, attempt: int) -> timedelta:
    """Delay before the next delivery: doubles with each attempt, up to a minute (or `first`, if that is longer)."""
    doubled: timedelta = first * 2 ** min(attempt - 1, 10)
    return max(first, min(doubled, MAX_DELAY))


def _records(event: Any) -> Iterator[Delivery]:
    return (Delivery.of(record) for record in event.to_dict()["Records"])


def each_message(event: Any, kind: type[DataT], handle: Callable[[Event[DataT]], object]) -> BatchResponse:
    """Hand each message of a Chalice SQS event to `handle` and answer with a partial-batch response.

    Parameters
    ----------
    event : chalice.app.SQSEvent
        What woke the function.
    kind : type of Payload
        What the messages carry; `Payload` for any.
    handle : callable
        The agent's method; it must be idempotent.
    """
    return wiring.batch().run(list(_records(event)), kind, handle, partial(seconds_left, event))


def each_command(event: Any, handlers: Mapping[type[Payload], Callable[[Event[Any]], object]]) -> BatchResponse:
    """As `each_message`, for a queue that carries commands of several types: each goes to the handler of its type."""

    def handle(command: Event[Any]) -> object:
        handler = handlers.get(type(command.data))
        if handler is None:
            expected = ", ".join(kind.type_name() for kind in handlers)
            raise InvalidInput("type", command.type, f"one of {expected}")
        return handler(command)

    return each_message(event, Payload, handle)


class CallTime:
    """How much remains of the time of the call that the process is answering; all that Lambda gives before the first."""

    def __init__(self) -> None:
        self._seconds_left: Callable[[], float] = lambda: LONGEST_CALL

    def begin(self, event: Any) -> None:
        """The time counts that the call of this Chalice event has."""
        self._seconds_left = partial(seconds_left, event)

    def __call__(self) -> float:
        return self._seconds_left()


def seconds_left(event: Any) -> float:
    """How much remains of the time of the call that a Chalice event came with."""
    milliseconds: int = event.context.get_remaining_time_in_millis()
    return milliseconds / 1000
