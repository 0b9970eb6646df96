"""Quotes for those who watch: once a second, the newest of each symbol, and nothing while nobody does."""

import asyncio
from decimal import Decimal

import pytest

from tests.fakes.transaction import START, FixedClock
from volexswarm.errors import Unavailable
from volexswarm.messages import Channel, Quote, QuotesMoved, decode
from volexswarm.realtime import ticker as ticking
from volexswarm.realtime.ticker import QuoteTicker


class Queue:
    def __init__(self):
        self.sent, self.away = [], False

    def send(self, queue, messages):
        if self.away:
            raise Unavailable("queue", "away")
        self.sent += [(queue, group, decode(body, QuotesMoved)) for _, group, body in messages]
        return {message[0] for message in messages}


class Audience:
    def __init__(self):
        self.here, self.asked = True, []

    def watches(self, channel):
        self.asked.append(channel)
        return self.here


def quote(bid):
    return Quote(bid=Decimal(bid), ask=Decimal(bid + 1), as_of=START, received_at=START)


@pytest.fixture
def queue():
    return Queue()


@pytest.fixture
def audience():
    return Audience()


@pytest.fixture
async def ticker(queue, audience, monkeypatch):
    monkeypatch.setattr(ticking, "EVERY_SECONDS", 0.01)
    ticker = QuoteTicker("binance", "run", queue, audience, FixedClock())
    running = asyncio.create_task(ticker.run())
    yield ticker
    running.cancel()


async def until(holds):
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_the_newest_quote_of_each_symbol_is_told_once(ticker, queue):
    ticker.note({"BTC/USDT": quote(100), "ETH/USDT": quote(10)})
    ticker.note({"BTC/USDT": quote(101)})
    await until(lambda: queue.sent)
    ticker.note({"BTC/USDT": quote(102)})
    await until(lambda: len(queue.sent) == 2)
    (where, group, first), (_, _, second) = queue.sent
    assert (where, group) == ("pushes.fifo", "quotes")
    assert {symbol: one.bid for symbol, one in first.data.quotes.items()} == {"BTC/USDT": 101, "ETH/USDT": 10}
    assert list(second.data.quotes) == ["BTC/USDT"]
    assert first.id != second.id


async def test_nobody_is_told_nothing(ticker, queue, audience):
    audience.here = False
    ticker.note({"BTC/USDT": quote(100)})
    await until(lambda: audience.asked)
    assert audience.asked == [Channel.QUOTES]
    assert queue.sent == []


async def test_a_queue_that_is_away_loses_a_second_and_no_more(ticker, queue, audience):
    queue.away = True
    ticker.note({"BTC/USDT": quote(100)})
    await until(lambda: audience.asked)
    queue.away = False
    ticker.note({"BTC/USDT": quote(101)})
    await until(lambda: queue.sent)
    assert queue.sent[0][2].data.quotes["BTC/USDT"].bid == 101
