"""Trades and own fills through the feeds, on a venue in memory."""

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random

import pytest

from tests.fakes.realtime import FakeFeedStore, FakeVenue, opened
from tests.fakes.transaction import FakeQuoteBoard, FixedClock
from volexswarm.clock import from_ms
from volexswarm.errors import Unavailable
from volexswarm.messages import ExecutionReported, OrderState, ReconcileAccount, Side, TickBatch, decode
from volexswarm.realtime.feeds import Feeds, Surroundings
from volexswarm.realtime.settings import RealtimeSettings

SYMBOL = "BTC/USDT"


class Queues:
    """Accepts everything, unless it is away."""

    def __init__(self):
        self.is_away = False
        self.bodies = {"ticks": [], "fills.fifo": [], "orders.fifo": []}

    def send(self, queue, messages):
        if self.is_away:
            raise Unavailable(queue, "away")
        self.bodies[queue] += [body for _, _, body in messages]
        return {event_id for event_id, _, _ in messages}

    def trade_ids(self):
        batches = [decode(body, TickBatch).data for body in self.bodies["ticks"]]
        return [trade_id for batch in batches for columns in batch.trades.values() for trade_id in columns.ids]

    def reports(self):
        return [decode(body, ExecutionReported) for body in self.bodies["fills.fifo"]]


class Nobody:
    """Who watches."""

    def watches(self, channel):
        return False


@pytest.fixture
def venue():
    return FakeVenue()


@pytest.fixture
def store():
    return FakeFeedStore()


@pytest.fixture
def queues():
    return Queues()


@pytest.fixture
def feeding(venue, store, queues):
    @asynccontextmanager
    async def run(resume=None, **settings):
        fast = {"realtime_flush": 0.01, "realtime_grace": 0.02, "realtime_silence": 0.05, "realtime_reconcile": 0.05}
        base = {
            "target": "embedded",
            "symbols": (SYMBOL,),
            "timeframes": ("1m",),
            "redis_url": "redis://127.0.0.1:1",
            "vault_url": "http://127.0.0.1:1",
        }
        outside = Surroundings(venue, store, queues, FakeQuoteBoard(), FixedClock(), Random(1), Nobody())
        feeds = Feeds(RealtimeSettings(**base | fast | settings), "run", resume or {}, outside)
        stop = asyncio.Event()
        running = asyncio.create_task(feeds.run(stop))
        await until(lambda: feeds.trades.link.is_ready and feeds.account.link.is_ready)
        yield feeds
        stop.set()
        await running

    return run


async def until(holds):
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def report(trade_id, order_id="7", state=OrderState.FILLED, as_of_ms=5000):
    fill = (
        {"trade_id": trade_id, "price": Decimal(100), "amount": Decimal(1), "fee": Decimal("0.1")} if trade_id else {}
    )
    return ExecutionReported(
        venue="binance",
        symbol=SYMBOL,
        account="main",
        client_order_id="abc",
        exchange_order_id=order_id,
        side=Side.BUY,
        state=state,
        filled=Decimal(1),
        as_of=from_ms(as_of_ms),
        fee_currency="BTC",
        **fill,
    )


async def test_the_first_live_trade_begins_a_symbol_and_the_beginning_is_stored(feeding, venue, store, queues):
    async with feeding():
        venue.trade(SYMBOL, 100)
        venue.trade(SYMBOL, 101)

    assert queues.trade_ids() == [100, 101]
    assert store.beginnings == {SYMBOL: 100}


async def test_nothing_is_sent_before_the_beginning_is_stored(feeding, venue, store, queues):
    store.is_away = True
    async with feeding():
        venue.trade(SYMBOL, 100)
        await asyncio.sleep(0.05)
        assert queues.trade_ids() == []
        store.is_away = False

    assert queues.trade_ids() == [100]


async def test_a_restart_goes_on_after_the_last_stored_trade(feeding, venue, queues):
    for trade_id in range(1, 2501):
        venue.trade(SYMBOL, trade_id)
    async with feeding(resume={SYMBOL: 50}) as feeds:
        venue.trade(SYMBOL, 2501)
        await until(lambda: feeds.trades.lines[SYMBOL].is_complete)
        venue.trade(SYMBOL, 2502)

    assert queues.trade_ids() == list(range(51, 2503))


async def test_what_happened_while_the_connection_was_broken_is_fetched(feeding, venue, queues):
    async with feeding() as feeds:
        venue.trade(SYMBOL, 1)
        venue.cut("trades", "test")
        venue.trade(SYMBOL, 2)
        venue.trade(SYMBOL, 3)
        await until(lambda: feeds.trades.link.connects == 2 and feeds.trades.lines[SYMBOL].is_complete)
        venue.trade(SYMBOL, 4)

    assert queues.trade_ids() == [1, 2, 3, 4]


async def test_while_the_exchange_does_not_answer_a_gap_holds_back_what_follows(feeding, venue, queues):
    async with feeding() as feeds:
        venue.trade(SYMBOL, 1)
        venue.rest_is_away = True
        venue.is_listening = False
        venue.trade(SYMBOL, 2)
        venue.is_listening = True
        venue.trade(SYMBOL, 3)
        await asyncio.sleep(0.05)
        assert queues.trade_ids() == [1]
        assert any(SYMBOL in problem for problem in feeds.problems())
        venue.rest_is_away = False
        await until(lambda: queues.trade_ids() == [1, 2, 3])


async def test_a_connection_that_says_nothing_while_others_trade_is_cut(feeding, venue, queues):
    async with feeding():
        venue.trade(SYMBOL, 1)
        venue.is_listening = False
        venue.trade(SYMBOL, 2)
        await until(lambda: queues.trade_ids() == [1, 2])

    assert [stream for stream, _ in venue.cuts] == ["trades"]


async def test_a_quiet_market_is_no_dead_connection(feeding, venue):
    async with feeding():
        venue.trade(SYMBOL, 1)
        await asyncio.sleep(0.3)

    assert venue.cuts == []


async def test_when_the_queue_is_away_trades_stay_at_the_exchange_and_are_counted(feeding, venue, queues):
    async with feeding(realtime_queue_ticks=1000) as feeds:
        queues.is_away = True
        for trade_id in range(1, 3001):
            venue.trade(SYMBOL, trade_id)
        assert feeds.trades.lines[SYMBOL].sequence.refused == 2000
        queues.is_away = False
        await until(lambda: len(queues.trade_ids()) == 3000)

    assert queues.trade_ids() == list(range(1, 3001))


async def test_a_fill_is_reported_once_from_whichever_source(feeding, venue, store, queues):
    store.recorded = {SYMBOL: opened(at_ms=1000)}
    async with feeding() as feeds:
        await until(lambda: feeds.account.is_recovered)
        venue.report(report("1"))
        venue.fills = [report("1")]
        await asyncio.sleep(0.2)

    assert [event.data.trade_id for event in queues.reports()] == ["1"]
    assert venue.cuts == []


async def test_no_order_is_asked_for_whose_fills_are_recorded_or_reported(feeding, venue, store):
    store.recorded = {SYMBOL: opened("1", "2", at_ms=1000)}
    async with feeding() as feeds:
        await until(lambda: feeds.account.is_recovered)
        assert venue.known == {SYMBOL: {"1", "2"}}
        venue.report(report("3"))
        await until(lambda: venue.known == {SYMBOL: {"1", "2", "3"}})


async def test_fills_of_the_time_before_are_reported_unless_recorded_or_older_than_the_books(
    feeding, venue, store, queues
):
    store.recorded = {SYMBOL: opened("2", at_ms=1000)}
    venue.fills = [report("1", as_of_ms=1000), report("3")]
    venue.orders = [report(None, order_id="9", state=OrderState.ACCEPTED)]
    async with feeding() as feeds:
        await until(lambda: feeds.account.is_recovered)

    assert [(event.data.trade_id, event.data.exchange_order_id) for event in queues.reports()] == [
        ("3", "7"),
        (None, "9"),
    ]


async def test_a_fill_that_came_without_a_message_is_reported_and_the_silent_connection_cut(
    feeding, venue, store, queues
):
    store.recorded = {SYMBOL: opened(at_ms=1000)}
    async with feeding() as feeds:
        await until(lambda: feeds.account.is_recovered)
        venue.fills = [report("5")]
        await until(queues.reports)

    assert [event.data.trade_id for event in queues.reports()] == ["5"]
    assert [stream for stream, _ in venue.cuts] == ["account"]


async def test_after_a_reconnect_the_whole_account_is_compared_but_not_at_the_first_connect(
    feeding, venue, store, queues
):
    store.recorded = {SYMBOL: opened(at_ms=1000)}
    async with feeding() as feeds:
        await until(lambda: feeds.account.is_recovered)
        assert queues.bodies["orders.fifo"] == []
        venue.cut("account", "for the test")
        await until(lambda: queues.bodies["orders.fifo"])

    (command,) = [decode(body, ReconcileAccount).data for body in queues.bodies["orders.fifo"]]
    assert (command.venue, command.account, command.occasion) == ("binance", "main", "reconnect")
