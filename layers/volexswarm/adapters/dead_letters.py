"""The queues from outside: how deep they are, what lies in their dead-letter queues, and the way back from there.

A dead letter is removed only after its queue has taken it again, so a crash in between repeats it and never loses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from volexswarm.adapters.sqs import MAX_BATCH_MESSAGES, SqsSender, client
from volexswarm.clock import from_ms
from volexswarm.errors import InvalidInput, Unavailable
from volexswarm.messages import Payload, Queue, decode
from volexswarm.views.swarm import DeadLetter, DeadLetters, QueueDepth, Replay

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

HOLD = 30  # seconds that letters stay invisible while they are looked at or replayed
BODY_SHOWN = 4000
"""Characters of a body that a look shows; the envelope's beginning holds what matters."""

_COUNTS: Any = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class SqsQueueDesk:
    """QueueDesk over SQS. `sender` puts replayed messages back."""

    def __init__(self, stack: str, sqs: SQSClient | None = None) -> None:
        self._sqs = sqs or client()
        self._sender = SqsSender(stack, self._sqs)

    def depths(self, queues: Sequence[Queue]) -> list[QueueDepth]:
        """How many messages wait in each queue and in its dead-letter queue: the service's estimates."""
        return [self._depth(queue) for queue in queues]

    def _depth(self, queue: Queue) -> QueueDepth:
        waiting, in_flight, delayed = self._counts(queue.value)
        return QueueDepth(
            queue=queue.value,
            waiting=waiting,
            in_flight=in_flight,
            delayed=delayed,
            dead=sum(self._counts(queue.dead_letters)),
        )

    def _counts(self, name: str) -> list[int]:
        with _answering(name):
            answer = self._sqs.get_queue_attributes(QueueUrl=self._sender.url(name), AttributeNames=list(_COUNTS))
        counts: dict[Any, str] = dict(answer["Attributes"])
        return [int(counts.get(key, 0)) for key in _COUNTS]

    def look(self, queue: Queue, limit: int) -> DeadLetters:
        """Up to `limit` dead letters; they are all back in their place when this returns.

        On a FIFO queue at most ten of a group are seen: the service shows no more while these are held.
        """
        held: list[MessageTypeDef] = []
        try:
            while len(held) < limit and (more := self._receive(queue, limit - len(held))):
                held += more
            letters = [_letter(message) for message in held]
        finally:
            self._release(queue, held)
        return DeadLetters(depth=self._depth(queue), letters=letters)

    def replay(self, queue: Queue, limit: int) -> Replay:
        """Send up to `limit` dead letters back to their queue, in order, and remove those that it took.

        Their ids there are new, since a FIFO queue drops for five minutes what carries an id it has seen; who gets them
        drops what was answered before, as with any repeat. The first refusal ends it.
        """
        replayed = 0
        while replayed < limit and (batch := self._receive(queue, limit - replayed)):
            taken = self._send_again(queue, batch)
            replayed += len(taken)
            if len(taken) < len(batch):
                break
        return Replay(queue=queue.value, replayed=replayed, remaining=sum(self._counts(queue.dead_letters)))

    def _send_again(self, queue: Queue, batch: Sequence[MessageTypeDef]) -> set[str]:
        taken: set[str] = set()
        try:
            taken = self._sender.send(queue.value, [(m["MessageId"], _group(m), m["Body"]) for m in batch])
            self._remove(queue, [message for message in batch if message["MessageId"] in taken])
        finally:
            self._release(queue, [message for message in batch if message["MessageId"] not in taken])
        return taken

    def _receive(self, queue: Queue, wanted: int) -> list[MessageTypeDef]:
        with _answering(queue.dead_letters):
            answer = self._sqs.receive_message(
                QueueUrl=self._sender.url(queue.dead_letters),
                MaxNumberOfMessages=min(wanted, MAX_BATCH_MESSAGES),
                VisibilityTimeout=HOLD,
                WaitTimeSeconds=1,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        return answer.get("Messages", [])

    def _release(self, queue: Queue, messages: Sequence[MessageTypeDef]) -> None:
        for entries in _tens(messages):
            with _answering(queue.dead_letters):
                again: list[Any] = [{**entry, "VisibilityTimeout": 0} for entry in entries]
                self._sqs.change_message_visibility_batch(QueueUrl=self._sender.url(queue.dead_letters), Entries=again)

    def _remove(self, queue: Queue, messages: Sequence[MessageTypeDef]) -> None:
        for entries in _tens(messages):
            with _answering(queue.dead_letters):
                self._sqs.delete_message_batch(QueueUrl=self._sender.url(queue.dead_letters), Entries=entries)


@contextmanager
def _answering(queue: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(f"queue {queue}", str(error)) from error


def _tens(messages: Sequence[MessageTypeDef]) -> Iterator[list[Any]]:
    """The entries of a batch request for these messages, as many at a time as the service takes."""
    for start in range(0, len(messages), MAX_BATCH_MESSAGES):
        batch = messages[start : start + MAX_BATCH_MESSAGES]
        yield [{"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]} for index, message in enumerate(batch)]


def _attributes(message: MessageTypeDef) -> dict[Any, str]:
    return dict(message.get("Attributes", {}))


def _group(message: MessageTypeDef) -> str | None:
    return _attributes(message).get("MessageGroupId")


def _reason(message: MessageTypeDef) -> str | None:
    left_behind = message.get("MessageAttributes", {})
    return left_behind["reason"].get("StringValue") if "reason" in left_behind else None


def _letter(message: MessageTypeDef) -> DeadLetter:
    attributes = _attributes(message)
    envelope: dict[str, str | None] = dict.fromkeys(("event_id", "event_type", "subject", "correlation_id"))
    try:
        event = decode(message["Body"], Payload)
        envelope = {
            "event_id": event.id,
            "event_type": event.type,
            "subject": event.subject,
            "correlation_id": event.correlationid,
        }
    except InvalidInput:
        pass  # no event at all: that may be the very reason why it lies here
    return DeadLetter(
        message_id=message["MessageId"],
        reason=_reason(message),
        sent_at=from_ms(int(attributes["SentTimestamp"])),
        receive_count=int(attributes["ApproximateReceiveCount"]),
        group=_group(message),
        body=message["Body"][:BODY_SHOWN],
        **envelope,
    )
