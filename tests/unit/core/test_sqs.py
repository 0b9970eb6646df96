"""The SQS adapter against moto: limits, order, and what happens when the service is away."""

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from volexswarm.adapters.sqs import SqsSender, batches
from volexswarm.errors import InvalidInput, Unavailable
from volexswarm.messages import MAX_MESSAGE_BYTES


@pytest.fixture
def sqs(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield boto3.client("sqs", region_name="us-east-1")


def bodies(sqs, url):
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def test_more_than_one_batch_arrives_whole(sqs):
    url = sqs.create_queue(QueueName="volexswarm-signals")["QueueUrl"]
    accepted = SqsSender("volexswarm", sqs).send("signals", [(f"id{i}", None, f"body {i}") for i in range(25)])
    assert len(accepted) == 25
    assert sorted(bodies(sqs, url)) == sorted(f"body {i}" for i in range(25))


def test_a_fifo_queue_keeps_the_order_and_drops_a_repeat(sqs):
    url = sqs.create_queue(QueueName="volexswarm-orders.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    sender = SqsSender("volexswarm", sqs)
    sender.send("orders.fifo", [("a", "g", "first"), ("b", "g", "second")])
    sender.send("orders.fifo", [("b", "g", "second")])
    assert bodies(sqs, url) == ["first", "second"]


def test_a_queue_that_is_not_there_is_unavailable(sqs):
    with pytest.raises(Unavailable, match="signals"):
        SqsSender("volexswarm", sqs).send("signals", [("a", None, "body")])


def test_what_was_accepted_before_the_service_fell_silent_counts_as_sent(sqs, monkeypatch):
    sqs.create_queue(QueueName="volexswarm-signals")
    answering, calls = sqs.send_message_batch, []

    def send_message_batch(**request):
        calls.append(request)
        if len(calls) > 1:
            raise EndpointConnectionError(endpoint_url="sqs")
        return answering(**request)

    monkeypatch.setattr(sqs, "send_message_batch", send_message_batch)
    accepted = SqsSender("volexswarm", sqs).send("signals", [(f"id{i}", None, "body") for i in range(25)])
    assert accepted == {f"id{i}" for i in range(10)}
    assert len(calls) == 2


def test_batches_respect_the_byte_limit():
    messages = [(str(i), None, "x" * 100_000) for i in range(5)]
    assert [len(batch) for batch in batches(messages)] == [2, 2, 1]


def test_one_message_over_the_limit_is_refused():
    with pytest.raises(InvalidInput, match="bytes"):
        list(batches([("a", None, "x" * (MAX_MESSAGE_BYTES + 1))]))
