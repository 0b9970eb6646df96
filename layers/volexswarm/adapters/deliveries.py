"""SQS, seen from a consumer: puts a message off, or among the dead letters with the reason it died of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from volexswarm.adapters.sqs import SqsSender, client
from volexswarm.errors import Unavailable
from volexswarm.messages import Queue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MAX_REASON = 1000


class SqsDeliveries:
    """Changes the fate of messages that Lambda received from the stack's queues.

    Parameters
    ----------
    stack : str
        Prefix of the queues' names.
    sqs : SQSClient, optional
        The client to use; by default one from the standard AWS variables.
    """

    def __init__(self, stack: str, sqs: SQSClient | None = None) -> None:
        self._stack = stack
        self._sqs = sqs or client()
        self._queues = SqsSender(stack, self._sqs)

    def postpone(self, queue_arn: str, delays: Sequence[tuple[str, timedelta]]) -> None:
        """Deliver (receipt, delay) pairs again after their delays, rounded up to seconds; at most ten.

        Raises
        ------
        Unavailable
            If the service does not answer; the messages come back at the end of their visibility timeout.
        """
        entries: list[Any] = [
            {"Id": str(index), "ReceiptHandle": receipt, "VisibilityTimeout": math.ceil(delay.total_seconds())}
            for index, (receipt, delay) in enumerate(delays)
        ]
        url = self._queues.url(self._short_name(queue_arn))
        try:
            self._sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("queue service", str(error)) from error

    def bury(self, queue_arn: str, body: str, group: str | None, message_id: str, reason: str) -> None:
        """Put a copy among the queue's dead letters; attributes `reason` and `message_id` tell its story.

        Raises
        ------
        Unavailable
            If it was not accepted; the original must then stay where it is.
        """
        dead = Queue(self._short_name(queue_arn)).dead_letters
        message: dict[str, Any] = {
            "QueueUrl": self._queues.url(dead),
            "MessageBody": body,
            "MessageAttributes": {
                "reason": {"DataType": "String", "StringValue": reason[:MAX_REASON]},
                "message_id": {"DataType": "String", "StringValue": message_id},
            },
        }
        if group is not None:
            message |= {"MessageGroupId": group, "MessageDeduplicationId": message_id}
        try:
            self._sqs.send_message(**message)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"queue {dead}", str(error)) from error

    def _short_name(self, queue_arn: str) -> str:
        return queue_arn.rsplit(":", 1)[-1].removeprefix(f"{self._stack}-")
