"""A batch of messages: each is answered on its own, none is lost, order holds where it must."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.runtime.batch import MAX_DELAY, MAX_FAILURES, Batch, Delivery, Drill, DrillFailure, back_off
from tests.unit.functions.deliveries import RecordedDeliveries
from volexswarm.errors import InvalidInput, NotYet, Retry, Unavailable
from volexswarm.messages import CandleClosed, Event, Payload, TradeRefused, encode

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
CANDLE = CandleClosed(
    venue="binance",
    symbol="BTC/USDT",
    timeframe="1m",
    opened_at=NOW,
    as_of=NOW + timedelta(minutes=1),
    open="1",
    high="2",
    low="1",
    close="2",
    volume="5",
    trade_count=3,
    first_trade_id=1,
    last_trade_id=3,
)


def candle(name):
    return encode(Event.root(CANDLE, source="test", subject=name, identity=name, time=NOW))


def delivery(name, attempt=1, group=None, body=None):
    return Delivery(name, f"receipt-{name}", body or candle(name), "arn:aws:sqs:r:1:stack-candles", attempt, group)


def run(records, handle, deliveries=None, drill=None):
    deliveries = deliveries or RecordedDeliveries()
    answer = Batch(deliveries, drill or Drill(0, random.Random(1))).run(records, CandleClosed, handle)
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]], deliveries


def failing(**errors):
    """A handler that raises the error given for a subject, and remembers what it handled."""

    def handle(event):
        if event.subject in errors:
            raise errors[event.subject]
        handle.done.append(event.subject)

    handle.done = []
    return handle


def test_one_failure_keeps_that_message_alone():
    handle = failing(b=RuntimeError("broken"))
    waiting, deliveries = run([delivery("a"), delivery("b"), delivery("c")], handle)
    assert waiting == ["b"]
    assert handle.done == ["a", "c"]
    assert deliveries.postponed == [("receipt-b", timedelta(seconds=1))]


def test_a_retry_comes_back_after_its_own_delay_and_is_never_buried_however_often():
    handle = failing(a=Retry("not yet", timedelta(seconds=7)))
    waiting, deliveries = run([delivery("a", attempt=1)], handle)
    assert (waiting, deliveries.postponed) == (["a"], [("receipt-a", timedelta(seconds=7))])
    waiting, deliveries = run([delivery("a", attempt=900)], handle)
    assert (waiting, deliveries.buried) == (["a"], [])
    assert deliveries.postponed == [("receipt-a", MAX_DELAY)]


def test_what_came_before_its_time_comes_back_at_its_time_however_often_it_came():
    waiting, deliveries = run([delivery("a", attempt=9)], failing(a=NotYet("due at noon", timedelta(seconds=1))))
    assert (waiting, deliveries.postponed) == (["a"], [("receipt-a", timedelta(seconds=1))])


def test_what_can_never_succeed_is_buried_at_once_with_its_reason():
    waiting, deliveries = run([delivery("a", body="no event")], failing())
    assert waiting == []
    [(buried, reason)] = deliveries.buried
    assert buried == "a"
    assert reason.startswith("InvalidInput: message")


def test_a_message_of_another_type_is_buried():
    refusal = TradeRefused(
        venue="binance",
        symbol="BTC/USDT",
        account="main",
        signal_id="s",
        side="buy",
        verdict={"stage": "risk", "approved": False, "policy_version": 1, "checks": ()},
        as_of=NOW,
    )
    body = encode(Event.root(refusal, source="test", subject="x", identity="x", time=NOW))
    assert run([delivery("a", body=body)], failing())[1].buried[0][0] == "a"


def test_payload_stands_for_every_type():
    seen = []
    batch = Batch(RecordedDeliveries(), Drill(0, random.Random(1)))
    batch.run([delivery("a")], Payload, lambda event: seen.append(event.data))
    assert seen == [CANDLE]


def test_an_unexpected_failure_is_buried_at_the_fifth_delivery():
    handle = failing(a=RuntimeError("broken"))
    for attempt in range(1, MAX_FAILURES):
        waiting, deliveries = run([delivery("a", attempt=attempt)], handle)
        assert (waiting, deliveries.buried) == (["a"], [])
    waiting, deliveries = run([delivery("a", attempt=MAX_FAILURES)], handle)
    assert (waiting, deliveries.buried) == ([], [("a", "RuntimeError: broken")])


def test_what_cannot_be_buried_stays_in_its_queue():
    for body, error in (("no event", None), (None, RuntimeError("broken"))):
        handle = failing(a=error) if error else failing()
        waiting, _ = run([delivery("a", attempt=MAX_FAILURES, body=body)], handle, RecordedDeliveries(away=True))
        assert waiting == ["a"]


def test_after_a_failure_the_rest_of_its_group_waits_behind_it_and_other_groups_go_on():
    handle = failing(a1=Retry("not yet", timedelta(seconds=9)))
    records = [
        delivery("a1", group="a"),
        delivery("b1", group="b"),
        delivery("a2", group="a"),
        delivery("b2", group="b"),
    ]
    waiting, deliveries = run(records, handle)
    assert handle.done == ["b1", "b2"]
    assert waiting == ["a1", "a2"]
    assert deliveries.postponed == [("receipt-a1", timedelta(seconds=9)), ("receipt-a2", timedelta(seconds=9))]


def test_a_buried_message_does_not_hold_up_its_group():
    handle = failing(a1=InvalidInput("x", 1, "2"))
    waiting, _ = run([delivery("a1", group="a"), delivery("a2", group="a")], handle)
    assert (waiting, handle.done) == ([], ["a2"])


def test_when_time_runs_short_the_rest_comes_back_at_once_and_in_order():
    clock = iter([20.0, 12.0, 12.0, 4.0])  # each message takes eight of the call's twenty seconds
    handle, deliveries = failing(), RecordedDeliveries()
    records = [delivery(name, group="a") for name in ("m1", "m2", "m3")]
    batch = Batch(deliveries, Drill(0, random.Random(1)))
    answer = batch.run(records, CandleClosed, handle, lambda: next(clock, 4.0))
    assert handle.done == ["m1"]
    assert [item["itemIdentifier"] for item in answer["batchItemFailures"]] == ["m2", "m3"]
    assert deliveries.postponed == [("receipt-m2", timedelta(0)), ("receipt-m3", timedelta(0))]


@pytest.mark.parametrize("rate", [0.5, 0.999])
def test_a_drill_fails_its_share_before_and_after_the_work(rate):
    drill, done, failed = Drill(rate, random.Random(7)), [], 0
    for _ in range(2000):
        try:
            drill.around(lambda: done.append(1))
        except DrillFailure:
            failed += 1
    assert failed / 2000 == pytest.approx(rate, abs=0.05)
    assert len(done) / 2000 == pytest.approx(1 - rate / 2, abs=0.05)


@given(st.timedeltas(timedelta(0), timedelta(hours=1)), st.integers(1, 1000))
def test_the_delay_is_never_shorter_than_asked_nor_longer_than_a_minute_unless_asked(first, attempt):
    delay = back_off(first, attempt)
    assert first <= delay <= max(first, MAX_DELAY)


OUTCOMES = st.sampled_from(
    [None, Retry("later"), Unavailable("database", "down"), InvalidInput("x", 1, "2"), ValueError()]
)


@given(
    st.lists(st.tuples(OUTCOMES, st.sampled_from("ab"), st.integers(1, 6)), max_size=10), st.booleans(), st.booleans()
)
def test_every_message_ends_in_exactly_one_place_and_order_holds(plan, fifo, away):
    """Handled, buried or waiting, never two of them; a group's waiting messages are its last ones."""
    outcomes = {f"m{i}": outcome for i, (outcome, _, _) in enumerate(plan) if outcome is not None}
    records = [delivery(f"m{i}", attempt, group if fifo else None) for i, (_, group, attempt) in enumerate(plan)]
    handle = failing(**outcomes)
    waiting, deliveries = run(records, handle, RecordedDeliveries(away))
    buried = [name for name, _ in deliveries.buried]
    assert sorted(handle.done + buried + waiting) == sorted(record.message_id for record in records)
    if fifo:
        for group in "ab":
            fates = [record.message_id in waiting for record in records if record.group == group]
            assert fates == sorted(fates)
