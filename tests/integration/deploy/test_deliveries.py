"""Putting off and burying on a real queue service: delays, order within a group, and the reason that stays with a letter."""

from datetime import timedelta

import boto3
import pytest

from volexswarm.adapters.deliveries import SqsDeliveries
from volexswarm.errors import Unavailable
from volexswarm.messages import Queue

STACK = "deliveries"
SOON = timedelta(seconds=1)


@pytest.fixture
def sqs(emulator):
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    client = boto3.client("sqs", endpoint_url=emulator.url, **keys)
    urls = []
    for queue in (Queue.SIGNALS, Queue.FILLS):
        for name in (queue.value, queue.dead_letters):
            attributes = {"VisibilityTimeout": "300", **({"FifoQueue": "true"} if queue.is_fifo else {})}
            urls.append(client.create_queue(QueueName=f"{STACK}-{name}", Attributes=attributes)["QueueUrl"])
    yield client
    for url in urls:
        client.delete_queue(QueueUrl=url)


def url_of(sqs, name):
    return sqs.get_queue_url(QueueName=f"{STACK}-{name}")["QueueUrl"]


def receive(sqs, name, wait=5):
    answer = sqs.receive_message(
        QueueUrl=url_of(sqs, name), MaxNumberOfMessages=10, WaitTimeSeconds=wait, MessageAttributeNames=["All"]
    )
    return answer.get("Messages", [])


def arn(queue):
    return f"arn:aws:sqs:us-east-1:000000000000:{STACK}-{queue.value}"


def send(sqs, queue, body, group=None):
    extra = {"MessageGroupId": group, "MessageDeduplicationId": body} if group else {}
    sqs.send_message(QueueUrl=url_of(sqs, queue.value), MessageBody=body, **extra)


def test_a_postponed_message_comes_back_after_its_delay_and_not_before(sqs):
    send(sqs, Queue.SIGNALS, "a")
    [message] = receive(sqs, Queue.SIGNALS.value)
    SqsDeliveries(STACK, sqs).postpone(arn(Queue.SIGNALS), [(message["ReceiptHandle"], timedelta(milliseconds=900))])
    assert receive(sqs, Queue.SIGNALS.value, wait=0) == []
    assert [one["Body"] for one in receive(sqs, Queue.SIGNALS.value)] == ["a"]


def test_a_group_that_was_postponed_together_keeps_its_order(sqs):
    for body in ("first", "second", "third"):
        send(sqs, Queue.FILLS, body, "main:BTC")
    messages = receive(sqs, Queue.FILLS.value)
    assert [one["Body"] for one in messages] == ["first", "second", "third"]
    SqsDeliveries(STACK, sqs).postpone(arn(Queue.FILLS), [(one["ReceiptHandle"], SOON) for one in messages])
    again = []
    while len(again) < 3 and (more := receive(sqs, Queue.FILLS.value)):
        for one in more:
            sqs.delete_message(QueueUrl=url_of(sqs, Queue.FILLS.value), ReceiptHandle=one["ReceiptHandle"])
        again += [one["Body"] for one in more]
    assert again == ["first", "second", "third"]


@pytest.mark.parametrize(("queue", "group"), [(Queue.SIGNALS, None), (Queue.FILLS, "main:BTC")])
def test_a_dead_letter_tells_its_story(sqs, queue, group):
    SqsDeliveries(STACK, sqs).bury(arn(queue), "the body", group, "message-1", "InvalidInput: " + "x" * 5000)
    [letter] = receive(sqs, queue.dead_letters)
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert letter["Body"] == "the body"
    assert attributes["message_id"] == "message-1"
    assert attributes["reason"].startswith("InvalidInput: xxx")
    assert len(attributes["reason"]) <= 1000


def test_a_queue_service_that_is_away_is_unavailable():
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    away = boto3.client("sqs", endpoint_url="http://127.0.0.1:9", **keys)
    deliveries = SqsDeliveries(STACK, away)
    with pytest.raises(Unavailable):
        deliveries.postpone(arn(Queue.SIGNALS), [("receipt", SOON)])
    with pytest.raises(Unavailable):
        deliveries.bury(arn(Queue.SIGNALS), "body", None, "1", "reason")
