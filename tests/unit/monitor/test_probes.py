"""Probes of the feed: what makes a price too old, and what is said about it."""

from datetime import timedelta

import pytest

from tests.fakes.transaction import START, FakeQuoteBoard, FixedClock
from volexswarm.adapters.probes import DeadLettersProbe, ExchangeProbe, QueuesProbe, RealtimeProbe
from volexswarm.messages import Quote
from volexswarm.monitor.ports import Gap
from volexswarm.views.swarm import QueueDepth


def quote(age):
    return Quote(bid="1", ask="2", as_of=START, received_at=START - timedelta(seconds=age))


class Batches:
    """The feed's batches, with this gap."""

    def __init__(self, gap=None):
        self._gap = gap

    def gap(self, venue):
        return self._gap


def feed(probe, *others, **quotes):
    board = FakeQuoteBoard()
    board.quotes = {symbol.replace("_", "/"): quote(age) for symbol, age in quotes.items()}
    return probe(board, FixedClock(), "binance", ("BTC/USDT", "ETH/USDT"), timedelta(seconds=30), *others).measure()


@pytest.mark.parametrize(
    ("ages", "realtime", "exchange"),
    [
        ({}, (False, "no quote of binance has come yet"), (False, "no fresh price of BTC/USDT, ETH/USDT")),
        ({"BTC_USDT": 1}, (True, "last quote 1.0 s ago"), (False, "no fresh price of ETH/USDT")),
        ({"BTC_USDT": 1, "ETH_USDT": 31}, (True, "last quote 1.0 s ago"), (False, "no fresh price of ETH/USDT")),
        (
            {"BTC_USDT": 30, "ETH_USDT": 3},
            (True, "last quote 3.0 s ago"),
            (True, "fresh prices of 2 symbols at binance"),
        ),
        (
            {"BTC_USDT": 40, "ETH_USDT": 90},
            (False, "last quote 40.0 s ago"),
            (False, "no fresh price of BTC/USDT, ETH/USDT"),
        ),
    ],
)
def test_freshness(ages, realtime, exchange):
    assert feed(RealtimeProbe, Batches(), **ages) == realtime
    assert feed(ExchangeProbe, **ages) == exchange


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        (Gap("s", 5, 6, timedelta(minutes=2)), (True, "last quote 1.0 s ago")),  # it may still come
        (
            Gap("s", 5, 6, timedelta(seconds=121)),
            (
                False,
                "last quote 1.0 s ago; for 121 s no candle has closed, for tick batches 5 to 6 of session s did not arrive:"
                " look among the dead letters of ticks",
            ),
        ),
    ],
)
def test_a_feed_whose_batches_do_not_arrive_is_not_well(gap, expected):
    assert feed(RealtimeProbe, Batches(gap), BTC_USDT=1) == expected


class Desk:
    def __init__(self, waiting=0, dead=0):
        self.waiting, self.dead = waiting, dead

    def depths(self, queues):
        shown = {"in_flight": 0, "delayed": 0}
        first = QueueDepth(queue=queues[0].value, waiting=self.waiting, dead=self.dead, **shown)
        return [first, *(QueueDepth(queue=queue.value, waiting=0, dead=0, **shown) for queue in queues[1:])]


@pytest.mark.parametrize(
    ("waiting", "expected"),
    [(0, (True, "waiting: none")), (5, (True, "waiting: ticks 5")), (11, (False, "waiting: ticks 11"))],
)
def test_a_queue_that_grows_beyond_its_limit_is_not_well(waiting, expected):
    assert QueuesProbe(Desk(waiting), limit=10).measure() == expected


@pytest.mark.parametrize(("dead", "expected"), [(0, (True, "none")), (2, (False, "ticks 2"))])
def test_one_dead_letter_is_enough_to_look(dead, expected):
    assert DeadLettersProbe(Desk(dead=dead)).measure() == expected
