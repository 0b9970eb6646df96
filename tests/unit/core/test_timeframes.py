"""Candle intervals begin where exchanges begin them."""

from datetime import UTC, datetime

import pytest

from volexswarm.clock import from_ms, to_ms
from volexswarm.market.timeframes import Timeframe


@pytest.mark.parametrize(
    ("timeframe", "opening"),
    [("1m", "13:47"), ("5m", "13:45"), ("15m", "13:45"), ("1h", "13:00"), ("4h", "12:00"), ("1d", "00:00")],
)
def test_a_moment_falls_into_the_candle_that_began_before_it(timeframe, opening):
    moment = datetime(2026, 1, 5, 13, 47, 59, 999000, tzinfo=UTC)
    expected = datetime.fromisoformat(f"2026-01-05T{opening}:00+00:00")
    assert Timeframe(timeframe).opening(moment) == expected
    assert from_ms(Timeframe(timeframe).opening_ms(to_ms(moment))) == expected


def test_milliseconds_survive_the_way_there_and_back():
    assert all(to_ms(from_ms(ms)) == ms for ms in range(1_570_752_011_000, 1_570_752_012_000))
