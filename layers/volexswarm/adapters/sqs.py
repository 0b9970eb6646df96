"""SQS: sends messages by short queue name, in batches within the service's limits."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from volexswarm.errors import InvalidInput, Unavailable
from volexswarm.messages import MAX_MESSAGE_BYTES

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

logger = logging.getLogger(__name__)

MAX_BATCH_MESSAGES = 10

Message = tuple[str, str | None, str]


def client() -> SQSClient:
    """An SQS client that gives up soon; its endpoint, region and credentials come from the standard AWS variables."""
    sqs: SQSClient = boto3.client("sqs", config=Config(connect_timeout=3, read_timeout=10, retries={"max_attempts": 2}))
    return sqs


class SqsSender:
    """MessageSender over SQS. Queue names are `<stack>-<short name>`."""

    def __init__(self, stack: str, sqs: SQSClient | None = None) -> None:
        self._stack = stack
        self._sqs = sqs
        self._urls: dict[str, str] = {}

    def send(self, queue: str, messages: Sequence[Message]) -> set[str]:
        """Send (id, group, body) triples in order; returns the ids the service accepted.

        Raises
        ------
        Unavailable
            If the service does not answer at all. Where it falls silent midway, what it accepted is the answer.
        InvalidInput
            If one message alone is over the service's limit.
        """
        accepted: set[str] = set()
        for batch in batches(messages):
            try:
                accepted |= self._send_batch(queue, batch)
            except Unavailable as silence:
                if not accepted:
                    raise
                logger.warning("only %d of %d messages went out: %s", len(accepted), len(messages), silence)
                break
            if queue.endswith(".fifo") and any(m[0] not in accepted for m in batch):
                break  # what follows must not overtake what was refused
        return accepted

    def _send_batch(self, queue: str, batch: Sequence[Message]) -> set[str]:
        entries = [_entry(index, message) for index, message in enumerate(batch)]
        try:
            answer = self._client().send_message_batch(QueueUrl=self.url(queue), Entries=entries)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"queue {queue}", str(error)) from error
        return {batch[int(done["Id"])][0] for done in answer.get("Successful", [])}

    def url(self, queue: str) -> str:
        """The queue's URL, asked once."""
        if queue not in self._urls:
            try:
                self._urls[queue] = self._client().get_queue_url(QueueName=f"{self._stack}-{queue}")["QueueUrl"]
            except (BotoCoreError, ClientError) as error:
                raise Unavailable(f"queue {queue}", str(error)) from error
        return self._urls[queue]

    def _client(self) -> SQSClient:
        if self._sqs is None:
            self._sqs = client()
        return self._sqs


def _entry(index: int, message: Message) -> Any:
    event_id, group, body = message
    entry: dict[str, Any] = {"Id": str(index), "MessageBody": body}
    if group is not None:
        entry |= {"MessageGroupId": group, "MessageDeduplicationId": event_id}
    return entry


def batches(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """Split into batches that SQS takes: at most 10 messages and 256 KiB each, order kept."""
    batch: list[Message] = []
    size = 0
    for message in messages:
        length = len(message[2].encode())
        if length > MAX_MESSAGE_BYTES:
            raise InvalidInput("message", f"{length} bytes", f"at most {MAX_MESSAGE_BYTES} bytes")
        if batch and (len(batch) == MAX_BATCH_MESSAGES or size + length > MAX_MESSAGE_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += length
    if batch:
        yield batch
