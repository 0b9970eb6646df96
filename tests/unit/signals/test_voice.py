"""The signal agent's voice: indicators as the templates compute them, and silence where they could not."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from tests.fakes.questions import AS_OF, question
from tests.fakes.signals import FakeSignalsTransaction
from tests.fakes.transaction import FakeStore
from volexswarm.errors import InvalidInput
from volexswarm.messages import Side
from volexswarm.signals.model import StoredSignal
from volexswarm.signals.voice import SignalVoice

FIVE = timedelta(minutes=5)
INDICATORS = {"rsi_14", "macd_hist", "ma_spread", "bollinger_position", "atr_share"}


def candles(closes, until=AS_OF):
    begin = until - len(closes) * FIVE
    return [(begin + i * FIVE, c, c + 1.0, c - 1.0, float(c), 1.0) for i, c in enumerate(closes)]


def walk(count, seed=7):
    return 200 + np.cumsum(np.random.default_rng(seed).normal(0, 1, count))


def heard(rows, last=None, **asked):
    state = FakeSignalsTransaction(candles=rows)
    state.last = last
    return SignalVoice(FakeStore(state)).testify(question(**asked))


def test_a_full_window_gives_every_indicator():
    said = heard(candles(walk(120)))
    assert set(said.features) == INDICATORS | {"last_side"}
    assert 0 <= said.features["rsi_14"] <= 100
    assert {evidence.id for evidence in said.evidence} == {f"signal:{name}" for name in said.features}


def test_indicators_point_the_way_the_price_goes():
    up, down = (heard(candles(200 + way * np.arange(120) ** 1.3 / 10)).features for way in (1, -1))
    for name in ("ma_spread", "bollinger_position", "macd_hist"):
        assert up[name] > 0 > down[name]
    assert up["rsi_14"] > 90 > 10 > down["rsi_14"]


def test_they_are_those_of_the_strategies():
    closes = walk(120)
    said = heard(candles(closes)).features
    window = closes[-20:]
    assert said["bollinger_position"] == pytest.approx((closes[-1] - window.mean()) / (2 * window.std()), rel=1e-4)
    assert said["ma_spread"] * said["atr_share"] * closes[-1] == pytest.approx(
        closes[-10:].mean() - window.mean(), rel=1e-4
    )


def test_what_came_before_the_window_or_after_the_question_changes_nothing():
    closes = walk(200)
    asked = heard(candles(closes))
    assert heard(candles(closes[-120:])) == asked
    later = candles(closes) + candles(walk(20, 3), AS_OF + 20 * FIVE)
    assert heard(later) == asked


@pytest.mark.parametrize(("count", "known"), [
    (42, set()),
    (43, {"ma_spread", "bollinger_position", "atr_share"}),
    (71, {"ma_spread", "bollinger_position", "atr_share", "rsi_14"}),
    (88, INDICATORS),
])  # fmt: skip
def test_an_indicator_is_known_from_its_templates_warm_up_on(count, known):
    said = heard(candles(walk(count)))
    assert set(said.features) - {"last_side"} == known
    assert (said.missing is None) == bool(known)


def test_gaps_silence_it():
    rows = [row for place, row in enumerate(candles(walk(400))) if place % 3 == 0 or place > 397]
    said = heard(rows)
    assert said.missing is not None
    assert "too many gaps" in said.missing


def test_an_old_market_is_not_the_questions():
    assert heard(candles(walk(120), AS_OF - 3 * FIVE)).missing is None
    said = heard(candles(walk(120), AS_OF - 4 * FIVE))
    assert said.missing == "the last candle of BTC/USDT 5m is 4 candles older than the question"
    assert heard([]).missing.startswith("no candle of BTC/USDT 5m has closed by")


def test_a_market_without_movement_has_neither_rsi_nor_ranges():
    flat = [(row[0], 100.0, 100.0, 100.0, 100.0, 1.0) for row in candles(walk(120))]
    assert set(heard(flat).features) == {"atr_share", "last_side"}


@pytest.mark.parametrize(("side", "sign"), [(Side.BUY, 1.0), (Side.SELL, -1.0)])
def test_the_last_signal_is_told_with_its_age(side, sign):
    last = StoredSignal("id-1", "rsi-btc", side, 0.75, "RSI rose back over 30", AS_OF - 6 * FIVE)
    said = heard(candles(walk(120)), last)
    assert {name: said.features[name] for name in ("last_side", "last_age", "last_confidence")} == {
        "last_side": sign, "last_age": 6.0, "last_confidence": 0.75,
    }  # fmt: skip
    assert "signal:raised:id-1" in {evidence.id for evidence in said.evidence}


def test_an_unknown_timeframe_is_refused():
    with pytest.raises(InvalidInput, match="timeframe"):
        heard(candles(walk(120)), timeframe="7m")
