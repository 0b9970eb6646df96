"""Research on a real database answers as it does on the fake one, and keeps its reports."""

from __future__ import annotations

from datetime import timedelta

from tests.fakes.questions import AS_OF, question
from tests.fakes.research import FakeResearchTransaction
from tests.fakes.transaction import FakeQuoteBoard, FakeStore, FixedClock
from volexswarm.adapters.postgres.research import ResearchTransaction
from volexswarm.market.timeframes import Timeframe
from volexswarm.research.agent import Assignment, ResearchAgent
from volexswarm.research.pictures import Photographer

SYMBOLS = ("BTC/USDT", "ETH/USDT")


def agent(store):
    return ResearchAgent(
        store=store,
        photographer=Photographer(SYMBOLS, [Timeframe.M5]),
        quotes=FakeQuoteBoard(),
        clock=FixedClock(),
        symbols=SYMBOLS,
        quote_max_age=timedelta(seconds=30),
    )


def test_it_measures_the_candles_that_are_stored(records):
    fake = FakeResearchTransaction()
    for symbol, base in (("BTC/USDT", 100), ("ETH/USDT", 10)):
        fake.candles[symbol] = []
        for place in range(30 * 12):
            if place % 50 == 7:
                continue  # minutes without trade have no candle
            opened, close = AS_OF - timedelta(minutes=5 * (30 * 12 - place)), base + place % 11
            records.candle(opened, close, symbol=symbol)
            fake.candles[symbol].append((opened, float(close), 2.0))
    records.candle(AS_OF, 1)  # later than the question
    records.candle(AS_OF - timedelta(minutes=5), 9_999, symbol="SOL/USDT")
    records.candle(AS_OF - timedelta(hours=40), 9_999, closed=False, timeframe="1m")
    real = agent(records.store(ResearchTransaction))
    for symbol in SYMBOLS:
        said = real.testify(question(symbol=symbol))
        assert said == agent(FakeStore(fake)).testify(question(symbol=symbol))
        assert said.features["hours"] == 30


def test_a_report_is_kept_once(records):
    records.candle(AS_OF - timedelta(minutes=5), 100)
    records.insert("watermarks", venue="binance", symbol="BTC/USDT", complete_to=AS_OF, last_trade_id=1)
    real = agent(records.store(ResearchTransaction))
    written = [real.write(Assignment("task", 1, "binance")) for _ in range(2)]
    assert written[0].id == written[1].id
    (row,) = records.sql.execute("SELECT * FROM market_reports").fetchall()
    assert (row["body"], row["symbols"], row["as_of"]) == (written[0].body, list(SYMBOLS), AS_OF)
    assert row["pictures"]["BTC/USDT"]["price"] == 100
    events = records.sql.execute("SELECT type FROM events").fetchall()
    assert [event["type"] for event in events] == ["volexswarm.MarketReported"]
