"""Candles from trades: tables, and the laws that make the order of delivery irrelevant."""

import itertools
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.market.ticks import at, trade
from volexswarm.errors import InvalidInput
from volexswarm.market.candles import fold, merge
from volexswarm.market.timeframes import Timeframe

M1, M5, H1 = Timeframe.M1, Timeframe.M5, Timeframe.H1


def row(candle):
    clock = candle.opened_at.strftime("%H:%M")
    prices = (candle.open, candle.high, candle.low, candle.close)
    return (candle.timeframe.value, clock, *(str(p) for p in prices), str(candle.volume), candle.trade_count)


def test_trades_fold_into_the_candles_a_trader_expects():
    trades = [
        trade(1, "12:00:05", "100", "1"),
        trade(2, "12:00:20", "103", "2"),
        trade(3, "12:00:59.999", "99", "0.5"),
        # minute 12:01 has no trade, so it has no candle
        trade(4, "12:02:00", "101", "1"),
        trade(5, "12:05:00", "102", "3"),
    ]
    assert [row(c) for c in fold(trades, [M1, M5])] == [
        ("1m", "12:00", "100", "103", "99", "99", "3.5", 3),
        ("1m", "12:02", "101", "101", "101", "101", "1", 1),
        ("1m", "12:05", "102", "102", "102", "102", "3", 1),
        ("5m", "12:00", "100", "103", "99", "101", "4.5", 4),
        ("5m", "12:05", "102", "102", "102", "102", "3", 1),
    ]


def test_open_and_close_go_by_trade_id_where_times_are_equal_or_disagree():
    trades = [
        trade(9, "12:00:10", "90"),
        trade(7, "12:00:10", "70"),
        trade(8, "12:00:10", "80"),
        trade(5, "12:00:30", "50"),
    ]
    (candle,) = fold(trades, [M1])
    assert (candle.open, candle.close) == (50, 90)
    assert (candle.first_trade_id, candle.last_trade_id) == (5, 9)


def test_sums_keep_every_digit():
    dust, hoard = Decimal("0.000000000000000001"), Decimal("123456789012345678")
    (candle,) = fold([trade(1, "12:00:00", "1", hoard), trade(2, "12:00:01", "1", dust)], [M1])
    assert str(candle.volume) == "123456789012345678.000000000000000001"


def test_candles_of_different_intervals_do_not_merge():
    one, other = fold([trade(1, "12:00:00", "1"), trade(2, "12:01:00", "1")], [M1])
    with pytest.raises(InvalidInput):
        merge(one, other)


def test_no_timeframe_is_an_error():
    with pytest.raises(InvalidInput):
        fold([trade(1, "12:00:00", "1")], [])


def test_no_trade_is_no_candle():
    assert fold([], [M1, M5]) == []


def test_every_timeframe_is_a_multiple_of_each_finer_one():
    lengths = sorted(t.milliseconds for t in Timeframe)
    assert all(longer % shorter == 0 for shorter, longer in itertools.combinations(lengths, 2))


START = int(at("12:00:00").timestamp() * 1000)
DECIMALS = st.decimals(min_value="0.00000001", max_value="1e9", places=8, allow_nan=False, allow_infinity=False)
PRINTS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(START, START + 900_000), DECIMALS, DECIMALS),
    min_size=1,
    max_size=40,
    unique_by=lambda t: t[0],
)


def straightforward(prints, timeframe):
    """Independent of the code: one pass per candle over all trades, sums in fractions."""
    candles = {}
    for start in {t[1] // timeframe.milliseconds for t in prints}:
        inside = sorted(t for t in prints if t[1] // timeframe.milliseconds == start)
        prices = [t[2] for t in inside]
        volume = sum(Fraction(t[3]) for t in inside)
        candles[start * timeframe.milliseconds] = (prices[0], max(prices), min(prices), prices[-1], volume, len(inside))
    return candles


def facts(candles, timeframe):
    return {
        int(c.opened_at.timestamp() * 1000): (c.open, c.high, c.low, c.close, Fraction(c.volume), c.trade_count)
        for c in candles
        if c.timeframe is timeframe
    }


@settings(deadline=None)
@given(PRINTS, st.randoms(use_true_random=False))
def test_any_order_and_repetition_give_the_straightforward_candles(prints, random):
    shuffled = prints + random.sample(prints, random.randint(0, len(prints)))
    random.shuffle(shuffled)
    candles = fold(shuffled, [H1, M1, M5])
    for timeframe in (M1, M5, H1):
        assert facts(candles, timeframe) == straightforward(prints, timeframe)


@settings(deadline=None)
@given(PRINTS, st.randoms(use_true_random=False))
def test_any_partition_merged_in_any_order_gives_the_same_candles(prints, random):
    bins = defaultdict(list)
    for one in prints:
        bins[random.randint(0, 4)].append(one)
    parts = [candle for some in bins.values() for candle in fold(some, [M1, M5])]
    random.shuffle(parts)
    groups = defaultdict(list)
    for part in parts:
        groups[part.timeframe, part.opened_at].append(part)
    merged = [reduce(merge, group) for group in groups.values()]
    assert {(c.timeframe, c.opened_at): c for c in merged} == {
        (c.timeframe, c.opened_at): c for c in fold(prints, [M1, M5])
    }
