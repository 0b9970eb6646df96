"""Looking at dead letters leaves them there; replaying gives each back to its queue once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.transaction import START
from volexlocal.servers.emulator import Emulator
from volexswarm.adapters.dead_letters import SqsQueueDesk
from volexswarm.adapters.sqs import client
from volexswarm.errors import Unavailable
from volexswarm.messages import AccountOpened, Event, Queue, encode


@pytest.fixture
def stack(aws: Emulator) -> Iterator[str]:
    """A stack name of its own with a standard and a FIFO queue, and their dead-letter queues."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    sqs = client()
    urls = []
    for queue in (Queue.EVENTS, Queue.ORDERS):
        attributes: Any = {"FifoQueue": "true"} if queue.is_fifo else {}
        for short in (queue.value, queue.dead_letters):
            urls.append(sqs.create_queue(QueueName=f"{name}-{short}", Attributes=attributes)["QueueUrl"])
    yield name
    for url in urls:
        sqs.delete_queue(QueueUrl=url)


def url_of(stack: str, short: str) -> str:
    return client().get_queue_url(QueueName=f"{stack}-{short}")["QueueUrl"]


def bury(stack: str, queue: Queue, bodies: list[str], group: str | None = None) -> None:
    for body in bodies:
        message: dict[str, Any] = {"MessageBody": body}
        if group:
            message |= {"MessageGroupId": group, "MessageDeduplicationId": uuid.uuid4().hex}
        else:
            message["MessageAttributes"] = {"reason": {"DataType": "String", "StringValue": "it was no event"}}
        client().send_message(QueueUrl=url_of(stack, queue.dead_letters), **message)


def waiting(stack: str, queue: Queue) -> list[str]:
    bodies: list[str] = []
    url = url_of(stack, queue.value)
    while True:
        messages = client().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        if not messages:
            return bodies
        for message in messages:
            bodies.append(message["Body"])
            client().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_a_look_shows_what_lies_there_and_leaves_it(stack: str) -> None:
    opened = AccountOpened(venue="binance", account="main", balances={}, as_of=START)
    event = Event.root(opened, source="execution", subject="binance:main", identity="1", time=START)
    bury(stack, Queue.EVENTS, [encode(event), "no event"])
    desk = SqsQueueDesk(stack)
    for _ in range(2):
        seen = desk.look(Queue.EVENTS, 10)
        assert seen.depth.dead == 2
        letters = {letter.body: letter for letter in seen.letters}
        assert letters[encode(event)].event_id == event.id
        assert letters[encode(event)].event_type == "volexswarm.AccountOpened"
        assert (letters["no event"].event_id, letters["no event"].reason) == (None, "it was no event")


def test_a_look_takes_no_more_than_asked_for(stack: str) -> None:
    bury(stack, Queue.EVENTS, [f"letter {number}" for number in range(13)])
    assert len(SqsQueueDesk(stack).look(Queue.EVENTS, 12).letters) == 12


def test_a_replay_gives_every_letter_back_once(stack: str) -> None:
    bodies = [f"letter {number}" for number in range(23)]
    bury(stack, Queue.EVENTS, bodies)
    desk = SqsQueueDesk(stack)
    first = desk.replay(Queue.EVENTS, 5)
    assert (first.replayed, first.remaining) == (5, 18)
    assert desk.replay(Queue.EVENTS, 100).replayed == 18
    assert desk.replay(Queue.EVENTS, 100).replayed == 0
    assert sorted(waiting(stack, Queue.EVENTS)) == sorted(bodies)


def test_a_replay_keeps_the_order_of_a_fifo_queue(stack: str) -> None:
    bodies = [f"letter {number:02d}" for number in range(12)]
    bury(stack, Queue.ORDERS, bodies, group="main:binance:BTC/USDT")
    assert SqsQueueDesk(stack).replay(Queue.ORDERS, 100).replayed == 12
    assert waiting(stack, Queue.ORDERS) == bodies


def test_a_letter_that_dies_again_can_be_replayed_again(stack: str) -> None:
    """A FIFO queue drops what carries an id it has seen in the last minutes: a replay must not run into that."""
    for _ in range(2):
        bury(stack, Queue.ORDERS, ["the same letter"], group="main:binance:BTC/USDT")
        assert SqsQueueDesk(stack).replay(Queue.ORDERS, 10).replayed == 1
        assert waiting(stack, Queue.ORDERS) == ["the same letter"]


def test_what_the_queue_does_not_take_stays_a_dead_letter(stack: str) -> None:
    bury(stack, Queue.EVENTS, ["letter"])
    client().delete_queue(QueueUrl=url_of(stack, Queue.EVENTS.value))
    desk = SqsQueueDesk(stack)
    with pytest.raises(Unavailable):
        desk.replay(Queue.EVENTS, 10)
    client().create_queue(QueueName=f"{stack}-{Queue.EVENTS.value}")
    assert SqsQueueDesk(stack).replay(Queue.EVENTS, 10).replayed == 1


def test_depths_are_those_of_the_queue_and_its_dead_letters(stack: str) -> None:
    client().send_message(QueueUrl=url_of(stack, "events"), MessageBody="waiting")
    bury(stack, Queue.EVENTS, ["dead", "dead too"])
    (depth,) = SqsQueueDesk(stack).depths([Queue.EVENTS])
    assert (depth.queue, depth.waiting, depth.in_flight, depth.delayed, depth.dead) == ("events", 1, 0, 0, 2)


def test_queues_that_are_not_there_are_unavailable(aws: Emulator) -> None:
    with pytest.raises(Unavailable, match="queue events"):
        SqsQueueDesk("no-such-stack").depths([Queue.EVENTS])
