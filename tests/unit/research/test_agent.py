"""The research agent: what it testifies and writes, and what it says where it knows too little."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.fakes.questions import AS_OF, question
from tests.fakes.research import FakeResearchTransaction
from tests.fakes.transaction import FakeQuoteBoard, FakeStore, FixedClock
from volexswarm.errors import InvalidInput, Unavailable
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import MarketReported, Quote
from volexswarm.research.agent import Assignment, ResearchAgent
from volexswarm.research.pictures import Photographer

SYMBOLS = ("BTC/USDT", "ETH/USDT")
MINUTES_5 = timedelta(minutes=5)


class Market:
    """Two markets of five-minute candles, and an agent that looks at them."""

    def __init__(self, timeframes=(Timeframe.M1, Timeframe.M5, Timeframe.H1)) -> None:
        self.state = FakeResearchTransaction()
        self.clock = FixedClock()
        self.quotes = FakeQuoteBoard()
        self.agent = ResearchAgent(
            store=FakeStore(self.state),
            photographer=Photographer(SYMBOLS, timeframes),
            quotes=self.quotes,
            clock=self.clock,
            symbols=SYMBOLS,
            quote_max_age=timedelta(seconds=30),
        )

    def trade(self, symbol: str, hours: float, price=lambda place: 100.0 + place) -> None:
        """Candles of the last hours; `price` of each by its place."""
        count = int(hours * 12)
        begin = AS_OF - count * MINUTES_5
        self.state.candles[symbol] = [(begin + place * MINUTES_5, price(place), 2.0) for place in range(count)]

    def quote(self, age: float = 0) -> None:
        received = self.clock.now() - timedelta(seconds=age)
        self.quotes.quotes["BTC/USDT"] = Quote(bid=Decimal(99), ask=Decimal(101), as_of=AS_OF, received_at=received)


@pytest.fixture
def market() -> Market:
    return Market()


def test_a_week_of_candles_gives_every_feature(market):
    market.trade("BTC/USDT", 8 * 24, lambda place: 100.0 + place % 7 + place / 10)
    market.quote()
    said = market.agent.testify(question())
    assert set(said.features) == {
        "return_1d", "return_7d", "trend", "volatility_1h", "liquidity", "spread", "hours",
    }  # fmt: skip
    assert said.features["hours"] == 168
    assert said.features["spread"] == pytest.approx(0.02)
    assert said.features["trend"] > 0.5
    assert {evidence.id for evidence in said.evidence} >= {f"research:{name}" for name in said.features}
    assert len(said.model_dump_json()) < 8_000


def test_a_short_history_gives_what_it_can_and_no_more(market):
    market.trade("BTC/USDT", 3)
    said = market.agent.testify(question())
    assert set(said.features) == {"trend", "liquidity", "hours"}
    assert (said.features["trend"], said.features["hours"]) == (1.0, 3.0)


def test_returns_and_liquidity_are_those_of_the_candles(market):
    market.trade("BTC/USDT", 26, lambda place: 100.0 if place < 24 else 110.0)  # the jump came 24 hours ago
    said = market.agent.testify(question())
    assert said.features["return_1d"] == pytest.approx(0.1)
    assert said.features["liquidity"] == pytest.approx(12 * 2 * 110)
    assert "return_7d" not in said.features


def test_nothing_later_than_the_question_is_looked_at(market):
    market.trade("BTC/USDT", 30)
    before = market.agent.testify(question())
    market.state.candles["BTC/USDT"] += [(AS_OF + place * MINUTES_5, 1.0, 1e6) for place in range(50)]
    assert market.agent.testify(question()) == before


@pytest.mark.parametrize(
    ("hours", "until", "why"),
    [
        (0, AS_OF, "no candle of BTC/USDT has closed by"),
        (30, AS_OF + timedelta(hours=2), "no candle of BTC/USDT has closed in the hour before"),
    ],
)
def test_without_candles_it_says_so(market, hours, until, why):
    market.trade("BTC/USDT", hours)
    said = market.agent.testify(question(as_of=until))
    assert said.missing is not None
    assert said.missing.startswith(why)
    assert (said.features, said.evidence) == ({}, ())


def test_candles_of_an_hour_are_too_coarse_for_a_picture():
    market = Market([Timeframe.H1])
    market.trade("BTC/USDT", 30)
    assert market.agent.testify(question()).missing == "no candles of five minutes or less are kept"


def test_a_stale_quote_has_no_spread(market):
    market.trade("BTC/USDT", 3)
    market.quote(age=31)
    assert "spread" not in market.agent.testify(question()).features


def test_other_symbols_are_told_as_what_moves_along(market):
    wave = lambda place: 100.0 + (place % 24) * (1 if place % 48 < 24 else -1)  # noqa: E731
    market.trade("BTC/USDT", 48, wave)
    market.trade("ETH/USDT", 48, lambda place: wave(place) / 20)
    (together,) = [one for one in market.agent.testify(question()).evidence if one.kind == "correlation"]
    assert (together.id, together.value) == ("research:correlation:ETH/USDT", 1.0)


def test_a_report_is_written_once_for_an_attempt(market):
    market.trade("BTC/USDT", 8 * 24)
    market.state.complete_to = AS_OF
    wanted = Assignment(task_id="t", attempt=1, venue="binance")
    first = market.agent.write(wanted)
    assert market.agent.write(wanted) == first
    assert list(market.state.reports) == [first.id]
    (told,) = market.state.of(MarketReported)
    assert told.words == first.words
    assert first.words.startswith("BTC/USDT at ")
    assert "nothing known of ETH/USDT" in first.words
    assert "rising over 24 hours (tau +1.00)" in first.body
    assert "No candle of ETH/USDT has closed" in first.body
    assert first.pictures["BTC/USDT"]["hours"] == 168
    assert market.agent.write(Assignment("t", 2, "binance")).id != first.id


def test_a_report_of_what_is_not_traded_is_refused(market):
    with pytest.raises(InvalidInput, match="symbols"):
        market.agent.write(Assignment("t", 1, "binance", symbols=("XYZ/USDT",)))


def test_a_report_waits_for_a_market_that_has_not_begun(market):
    with pytest.raises(Unavailable, match="nothing was heard"):
        market.agent.write(Assignment("t", 1, "binance"))
