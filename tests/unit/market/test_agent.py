"""The market data agent: what a batch publishes, and what it must not."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.market import FakeMarketTransaction
from tests.fakes.transaction import FakeStore, FixedClock
from tests.unit.market.ticks import at, batch, trade
from volexswarm.market.agent import MarketDataAgent
from volexswarm.market.candles import fold
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import CandleClosed, CandleCorrected

M1, M5 = Timeframe.M1, Timeframe.M5


@pytest.fixture
def records():
    return FakeMarketTransaction()


@pytest.fixture
def agent(records):
    return MarketDataAgent(FakeStore(records), FixedClock(), [M1])


def closings(records):
    """(opened, open, high, low, close) of each CandleClosed, in the order of publishing."""
    return [(c.opened_at.strftime("%H:%M"), *map(int, (c.open, c.high, c.low, c.close))) for c in records.of(CandleClosed)
            if not isinstance(c, CandleCorrected)]  # fmt: skip


def test_a_candle_closes_when_the_watermark_reaches_its_end(agent, records):
    agent.ingest(batch(0, [trade(1, "12:00:10", 100), trade(2, "12:00:50", 104)], through="12:00:59.999"))
    assert closings(records) == []
    agent.ingest(batch(1, through="12:01:00"))
    assert closings(records) == [("12:00", 100, 104, 100, 104)]


def test_missing_minutes_stay_missing(agent, records):
    agent.ingest(batch(0, [trade(1, "12:00:10", 100), trade(2, "12:04:10", 101)], through="12:10:00"))
    assert [row[0] for row in closings(records)] == ["12:00", "12:04"]


def test_a_batch_that_overtook_an_earlier_one_closes_nothing_until_that_arrives(agent, records):
    agent.ingest(batch(1, [trade(2, "12:00:50", 104)], through="12:01:00"))
    assert closings(records) == []
    agent.ingest(batch(0, [trade(1, "12:00:10", 100)], through="12:00:30"))
    assert closings(records) == [("12:00", 100, 104, 100, 104)]
    assert records.of(CandleCorrected) == []


def test_a_late_trade_corrects_its_candle(agent, records):
    agent.ingest(batch(0, [trade(1, "12:00:10", 100), trade(3, "12:00:50", 104)], through="12:01:00"))
    agent.ingest(batch(1, [trade(2, "12:00:30", 90)], through="12:01:05"))
    (correction,) = records.of(CandleCorrected)
    assert (correction.low, correction.close, correction.trade_count, correction.revision) == (90, 104, 3, 1)
    assert len(closings(records)) == 1


def test_a_late_trade_into_an_interval_closed_as_empty_is_a_correction_not_a_new_chain(agent, records):
    agent.ingest(batch(0, [trade(1, "12:00:10", 100)], through="12:05:00"))
    agent.ingest(batch(1, [trade(2, "12:03:30", 90)], through="12:05:05"))
    assert [row[0] for row in closings(records)] == ["12:00"]
    (correction,) = records.of(CandleCorrected)
    assert (correction.opened_at, correction.revision) == (at("12:03:00"), 1)


def test_a_repeated_batch_changes_nothing(agent, records):
    first = batch(0, [trade(1, "12:00:10", 100)], through="12:01:00")
    agent.ingest(first)
    published = list(records.published)
    agent.ingest(first)
    assert records.published == published


def test_a_new_session_that_sends_known_trades_again_adds_none(agent, records):
    agent.ingest(batch(0, [trade(1, "12:00:10", 100)], session="before the crash"))
    agent.ingest(batch(0, [trade(1, "12:00:10", 100), trade(2, "12:00:20", 101)], through="12:01:00", session="after"))
    (closed,) = records.of(CandleClosed)
    assert (closed.trade_count, closed.volume) == (2, 2)


def test_each_closed_candle_begins_a_chain_and_names_the_batch_that_closed_it(agent, records):
    event = batch(0, [trade(1, "12:00:10", 100), trade(2, "12:01:10", 100)], through="12:02:00")
    agent.ingest(event)
    first, second = records.published
    assert first.correlationid == first.id != second.correlationid == second.id
    assert first.causationid == second.causationid == event.id


def test_an_older_watermark_of_another_session_does_not_reopen_time(agent, records):
    agent.ingest(batch(0, [trade(1, "12:00:10", 100)], through="12:03:00"))
    agent.ingest(batch(0, through="12:01:00", session="other"))
    assert records.complete_to("binance", ["BTC/USDT"]) == {"BTC/USDT": at("12:03:00")}


STORY = [
    trade(1, "12:00:01", 10), trade(2, "12:00:40", 12), trade(3, "12:01:02", 9),
    trade(4, "12:01:30", 14), trade(5, "12:03:00", 11), trade(6, "12:06:00", 8),
]  # fmt: skip
WATERMARKS = ["12:00:39", "12:01:01", "12:01:29", "12:02:59", "12:05:59", "12:10:00"]


@pytest.mark.parametrize("order", list(permutations(range(6)))[::37])
def test_whatever_the_order_of_batches_each_candle_closes_once_and_whole(order):
    records = FakeMarketTransaction()
    agent = MarketDataAgent(FakeStore(records), FixedClock(), [M1, M5])
    for i in order:
        agent.ingest(batch(i, [STORY[i]], through=WATERMARKS[i]))
    closed = [(c.timeframe, c.opened_at, c.open, c.high, c.low, c.close, c.volume) for c in records.of(CandleClosed)]
    whole = [(c.timeframe.value, c.opened_at, c.open, c.high, c.low, c.close, c.volume) for c in fold(STORY, [M1, M5])]
    assert sorted(closed) == sorted(whole)


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=6, max_size=20))
def test_no_candle_ever_closes_twice(deliveries):
    records = FakeMarketTransaction()
    agent = MarketDataAgent(FakeStore(records), FixedClock(), [M1, M5])
    for i in deliveries:
        agent.ingest(batch(i, [STORY[i]], through=WATERMARKS[i]))
    keys = [(c.timeframe, c.opened_at) for c in records.of(CandleClosed)]
    assert len(keys) == len(set(keys))


class Crash(Exception):
    """What ends a function midway."""


class CrashingTransaction(FakeMarketTransaction):
    """Dies at the last step as often as fate has it."""

    def __init__(self, crashes):
        super().__init__()
        self.crashes = crashes

    def publish(self, *events):
        if self.crashes():
            raise Crash
        super().publish(*events)


@settings(deadline=None)
@given(st.permutations(range(6)), st.lists(st.booleans(), max_size=12))
def test_functions_that_crash_and_try_again_close_the_same_candles(order, crashes):
    fate = iter(crashes)
    records = CrashingTransaction(lambda: next(fate, False))
    agent = MarketDataAgent(FakeStore(records), FixedClock(), [M1, M5])
    waiting = list(order)
    while waiting:
        i = waiting.pop(0)
        try:
            agent.ingest(batch(i, [STORY[i]], through=WATERMARKS[i]))
        except Crash:
            waiting.append(i)
    closed = [(c.timeframe, c.opened_at, c.open, c.high, c.low, c.close, c.volume) for c in records.of(CandleClosed)]
    whole = [(c.timeframe.value, c.opened_at, c.open, c.high, c.low, c.close, c.volume) for c in fold(STORY, [M1, M5])]
    assert sorted(closed) == sorted(whole)
