"""A price watch is done at the first trade that it waits for, told once, and never by a price from another time."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.market import FakeMarketTransaction
from tests.fakes.transaction import FakeStore, FixedClock
from tests.unit.market.ticks import SYMBOL, VENUE, at, batch, trade
from volexswarm.clock import to_ms
from volexswarm.market.agent import MarketDataAgent
from volexswarm.market.timeframes import Timeframe
from volexswarm.market.watches import look
from volexswarm.messages import PriceReached, Purpose
from volexswarm.ports import PriceWatch

ENTRY = "e0000000-0000-5000-8000-000000000001"
WATCH = PriceWatch(
    id="3a7c0000-0000-5000-8000-000000000001",
    entry_id=ENTRY,
    venue=VENUE,
    account="main",
    symbol=SYMBOL,
    reason=Purpose.STOP,
    as_of=at("12:00:00"),
    correlation_id="c4a10000-0000-5000-8000-000000000003",
)


def watch(**terms):
    plain = {"extreme_at", "due_at", "as_of"}
    return replace(WATCH, **{name: at(value) if name in plain else Decimal(value) for name, value in terms.items()})


def show(waiting, *prices, start=1):
    """Trades one second apart, from `start` seconds after noon; the clock of the one that ended the watch."""
    times = [to_ms(at("12:00:00")) + 1000 * (start + i) for i in range(len(prices))]
    seen, reached = look(waiting, times, [Decimal(price) for price in prices])
    return seen, reached and (f"{reached.as_of:%S}", str(reached.price))


@pytest.mark.parametrize(
    ("waiting", "prices", "end"),
    [
        (watch(below="95"), ["96", "95", "94"], ("02", "95")),
        (watch(below="95"), ["96", "95.01"], None),
        (watch(above="105"), ["104", "106", "107"], ("02", "106")),
        (watch(above="105"), ["104.99"], None),
        # the best price since it began is what the distance is measured from
        (watch(trail_share="0.1"), ["100", "120", "108.01", "108"], ("04", "108")),
        (watch(trail_share="0.1", extreme="120", extreme_at="12:00:00"), ["109", "107"], ("02", "107")),
        (watch(trail_share="0.1", extreme="90", extreme_at="12:00:00"), ["100", "89"], ("02", "89")),
        (watch(due_at="12:00:03"), ["100", "100", "101", "102"], ("03", "101")),
        (watch(due_at="12:01:00"), ["100", "100"], None),
        # what was printed at its beginning or before does not count
        (watch(below="95", as_of="12:00:02"), ["90", "91", "94.5"], ("03", "94.5")),
    ],
)
def test_a_watch_is_done_at_the_first_trade_that_it_waits_for(waiting, prices, end):
    assert show(waiting, *prices)[1] == end


def test_a_late_trade_is_not_held_against_a_better_price_that_came_after_it():
    seen, end = show(watch(trail_share="0.05"), "110", start=10)
    assert (end, seen.extreme, seen.extreme_at) == (None, Decimal(110), at("12:00:10"))
    seen, end = show(seen, "100", start=5)
    assert (end, seen.extreme) == (None, Decimal(110))
    assert show(seen, "104", start=11)[1] == ("11", "104")


def test_a_late_trade_may_still_be_the_best_one():
    seen, _ = show(watch(trail_share="0.05"), "110", start=10)
    seen, _ = show(seen, "112", start=5)
    assert (seen.extreme, seen.extreme_at) == (Decimal(112), at("12:00:05"))


prices = st.lists(st.integers(80, 120), min_size=1, max_size=30)


@given(prices, st.integers(0, 30), st.sampled_from([{"below": "85"}, {"above": "115"}, {"trail_share": "0.1"}]))
def test_how_trades_are_cut_into_batches_changes_nothing(found, cut, terms):
    waiting = watch(**terms)
    whole, end = show(waiting, *found)
    first, early = show(waiting, *found[:cut])
    rest, late = (first, None) if early else show(first, *found[cut:], start=1 + min(cut, len(found)))
    assert (early or late) == end
    assert rest.extreme == whole.extreme


@given(prices, st.sampled_from(["0.01", "0.1"]))
def test_a_trailing_watch_ends_where_the_distance_is_first_reached(found, share):
    best, expected = None, None
    for i, price in enumerate(found, 1):
        best = max(best or price, price)
        if price <= best * (1 - Decimal(share)):
            expected = (f"{i:02}", str(price))
            break
    assert show(watch(trail_share=share), *found)[1] == expected


@pytest.fixture
def records():
    return FakeMarketTransaction()


@pytest.fixture
def agent(records):
    records.waiting[WATCH.id] = watch(below="95")
    return MarketDataAgent(FakeStore(records), FixedClock(), [Timeframe.M1])


def test_the_batch_that_brings_the_price_tells_it_once_in_the_chain_of_the_order(agent, records):
    event = batch(0, [trade(1, "12:00:10", 96), trade(2, "12:00:11", "94.5"), trade(3, "12:00:12", 93)])
    agent.ingest(event)
    agent.ingest(event)
    agent.ingest(batch(1, [trade(4, "12:00:13", 92)]))
    ((told),) = [e for e in records.published if isinstance(e.data, PriceReached)]
    assert (told.data.watch_id, told.data.price, told.data.as_of) == (WATCH.id, Decimal("94.5"), at("12:00:11"))
    assert (told.correlationid, told.data.group) == (WATCH.correlation_id, f"main:{VENUE}:{SYMBOL}:exits")


def test_only_trades_that_were_not_known_are_shown(agent, records):
    agent.ingest(batch(0, [trade(1, "12:00:10", 96)]))
    records.waiting[WATCH.id] = watch(below="97")
    agent.ingest(batch(0, [trade(1, "12:00:10", 96)]))
    assert records.of(PriceReached) == []


def test_trades_of_another_symbol_are_none_of_its_business(agent, records):
    agent.ingest(batch(0, [trade(1, "12:00:10", 50)], symbol="ETH/USDT"))
    assert records.of(PriceReached) == []
