"""The signal agent: who is asked, with what, and what comes of it."""

import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.fakes.signals import FakeSignalsTransaction
from tests.fakes.transaction import FakeStore, FixedClock
from volexswarm.errors import InvalidInput, Retry
from volexswarm.messages import CandleClosed, Event, Side, SignalRaised
from volexswarm.signals.agent import SignalAgent
from volexswarm.signals.model import StoredStrategy

START = datetime(2026, 1, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CROSS = StoredStrategy("cross", "ma_cross", {})


def candles(closes):
    """Rows a minute apart, each with a range of one around its close."""
    return [
        (START + i * MINUTE, close, close + 0.5, close - 0.5, close, 1.0) for i, close in enumerate(map(float, closes))
    ]


def closed(i, close="101.50", timeframe="1m"):
    """CandleClosed of the i-th minute."""
    opened = START + i * MINUTE
    data = CandleClosed(
        venue="binance", symbol="BTC/USDT", timeframe=timeframe, opened_at=opened, as_of=opened + MINUTE,
        open=Decimal(close), high=Decimal(close), low=Decimal(close), close=Decimal(close), volume=Decimal(1),
        trade_count=1, first_trade_id=i, last_trade_id=i,
    )  # fmt: skip
    return Event.root(data, source="realtime-data", subject="x", identity=f"{timeframe}{i}", time=opened + MINUTE)


RISING = candles([100] * 60 + [101.5])
LAST = closed(60)


def evaluate(event, strategies, rows=RISING, times=1):
    records = FakeSignalsTransaction(strategies, rows)
    agent = SignalAgent(FakeStore(records), FixedClock(START))
    for _ in range(times):
        agent.evaluate(event)
    return records


def test_a_decision_becomes_a_signal_with_the_candles_exact_price():
    records = evaluate(LAST, [CROSS])
    (signal,) = records.of(SignalRaised)
    assert (signal.side, signal.strategy_id, signal.strategy, signal.timeframe) == (Side.BUY, "cross", "ma_cross", "1m")
    assert str(signal.price) == "101.50"
    assert signal.stop_price < signal.price
    assert (signal.as_of, signal.candle_opened_at) == (LAST.data.as_of, LAST.data.opened_at)
    assert signal.amount is None
    assert list(records.signals.values()) == [signal]


def test_a_signal_stays_in_the_candles_chain():
    (event,) = evaluate(LAST, [CROSS]).published
    assert (event.correlationid, event.causationid) == (LAST.correlationid, LAST.id)


def test_a_second_delivery_raises_nothing():
    assert len(evaluate(LAST, [CROSS], times=2).published) == 1


def test_each_strategy_raises_a_signal_of_its_own():
    records = evaluate(LAST, [CROSS, StoredStrategy("slower", "ma_cross", {"slow": 30})])
    assert [event.data.strategy_id for event in records.published] == ["cross", "slower"]
    assert len({event.id for event in records.published}) == 2


def test_the_same_candle_and_strategy_always_give_the_same_signal_id():
    assert evaluate(LAST, [CROSS]).published[0].id == evaluate(LAST, [CROSS]).published[0].id


def test_later_candles_change_nothing():
    crash = candles([100] * 60 + [101.5, 40, 30, 20])
    assert evaluate(LAST, [CROSS], crash).of(SignalRaised) == evaluate(LAST, [CROSS]).of(SignalRaised)


@pytest.mark.parametrize(
    "broken",
    [
        StoredStrategy("broken", "ma_cross", {"fast": 30, "slow": 20}),
        StoredStrategy("broken", "martingale", {}),
        StoredStrategy("broken", "rsi", {"period": "many"}),
    ],
)
def test_a_strategy_that_cannot_run_is_reported_and_the_others_go_on(broken, caplog):
    with caplog.at_level(logging.ERROR):
        records = evaluate(LAST, [broken, CROSS])
    assert [signal.strategy_id for signal in records.of(SignalRaised)] == ["cross"]
    assert "strategy broken can't run" in caplog.text


def test_too_little_history_raises_nothing_and_says_so(caplog):
    with caplog.at_level(logging.INFO):
        records = evaluate(closed(10), [CROSS], RISING[:11])
    assert records.published == []
    assert "11 of 43 candles: still warming up" in caplog.text


def test_a_candle_that_waited_for_too_long_raises_nothing_and_says_so(caplog):
    clock = FixedClock(LAST.time + CandleClosed.WORTH + timedelta(seconds=1))
    records = FakeSignalsTransaction([CROSS], RISING)
    SignalAgent(FakeStore(records), clock).evaluate(LAST)
    assert records.published == []
    assert "raises no signal" in caplog.text


def test_without_strategies_nothing_happens():
    assert evaluate(LAST, []).published == []


def test_a_candle_that_cannot_be_read_yet_is_delivered_again_and_not_remembered():
    records = FakeSignalsTransaction([CROSS], RISING[:-1])
    agent = SignalAgent(FakeStore(records), FixedClock(START))
    with pytest.raises(Retry):
        agent.evaluate(LAST)
    records.candles.append(RISING[-1])
    agent.evaluate(LAST)
    assert len(records.published) == 1


def test_an_unknown_timeframe_is_refused():
    with pytest.raises(InvalidInput, match="timeframe"):
        evaluate(closed(60, timeframe="7m"), [CROSS])
