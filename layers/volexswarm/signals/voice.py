"""The signal agent's voice in a deliberation: the usual indicators of one timeframe, and what a strategy signalled last.

Each indicator is judged by the strategy template that uses it: where that could not decide, for lack of candles or because of
gaps, the indicator is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import pandas as pd

from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Question, Side, Testimony
from volexswarm.ports import Store
from volexswarm.signals.agent import SOURCE
from volexswarm.signals.model import StoredSignal
from volexswarm.signals.ports import CandleRow, SignalsTransaction
from volexswarm.signals.window import frame, known_timeframe
from volexswarm.strategies import indicators
from volexswarm.strategies.parameters import (
    BollingerParameters,
    MacdParameters,
    MovingAverageCrossParameters,
    RsiParameters,
)
from volexswarm.strategies.registry import build
from volexswarm.testimony import Findings

OLDEST = 3
"""Candles: a market whose last closed candle is further back is not the question's market any more."""


class SignalVoice:
    """Looks at one symbol's candles. Parameters are the templates' defaults."""

    def __init__(self, store: Store[SignalsTransaction]) -> None:
        self._store = store

    def testify(self, question: Question) -> Testimony:
        """What the indicators say at the last candle that closed by the question's market time.

        Features: `rsi_14` (0 to 100), `macd_hist` and `ma_spread` (fast less slow), both in average true ranges,
        `bollinger_position` (-1 at the lower band, 1 at the upper one), `atr_share` (of the price), and of the newest
        signal of a strategy on this timeframe: `last_side` (-1, 0 without any, 1), `last_age` (candles), `last_confidence`.

        Raises
        ------
        InvalidInput
            If there is no such timeframe.
        Unavailable
            If the database can't be asked.
        """
        timeframe = known_timeframe(question.timeframe)
        readings = _readings(timeframe)
        longest = max(reading.warm_up for reading in readings)
        last_opening = timeframe.opening(question.as_of) - timeframe.length
        with self._store.transaction() as tx:
            rows = tx.window(question.venue, question.symbol, timeframe.value, last_opening, longest)
            last = tx.last_signal(question.venue, question.symbol, timeframe.value, question.as_of)
        found = Findings(SOURCE, question)
        obstacle = _obstacle(rows, last_opening, timeframe, question)
        if obstacle is not None:
            return found.testimony(obstacle)
        candles, obstacles = frame(rows), []
        as_of = rows[-1][0] + timeframe.length
        for reading in readings:
            why = reading.obstacle(candles)
            if why is None:
                reading.tell(found, candles.iloc[-reading.warm_up :], as_of)
            else:
                obstacles.append(why)
        if len(obstacles) == len(readings):
            return found.testimony(f"no indicator of {question.symbol} {timeframe.value} is known: {obstacles[0]}")
        _tell_signal(found, last, question, timeframe)
        return found.testimony("nothing is known")


Teller = Callable[[Findings, pd.DataFrame, float, datetime], None]


class _Reading:
    """An indicator with the template that judges whether the window suffices for it."""

    def __init__(self, template: str, timeframe: Timeframe, teller: Teller) -> None:
        self._strategy = build(template, {}, timeframe)
        self._teller = teller

    @property
    def warm_up(self) -> int:
        return self._strategy.warm_up

    def obstacle(self, candles: pd.DataFrame) -> str | None:
        return self._strategy.obstacle(candles)

    def tell(self, found: Findings, window: pd.DataFrame, as_of: datetime) -> None:
        ranges = indicators.average_true_range(window, self._strategy.parameters.atr_period)
        self._teller(found, window, float(ranges.iloc[-1]), as_of)


def _readings(timeframe: Timeframe) -> list[_Reading]:
    tellers = {"ma_cross": _tell_averages, "rsi": _tell_rsi, "bollinger": _tell_bands, "macd": _tell_macd}
    return [_Reading(template, timeframe, teller) for template, teller in tellers.items()]


def _tell_averages(found: Findings, window: pd.DataFrame, average_range: float, as_of: datetime) -> None:
    defaults, close = MovingAverageCrossParameters(), window["close"]
    price = float(close.iloc[-1])
    words = f"one candle ranges over {average_range / price:.2%} of the price on average"
    found.know("atr_share", average_range / price, words, as_of=as_of)
    fast, slow = (float(indicators.simple_average(close, n).iloc[-1]) for n in (defaults.fast, defaults.slow))
    spread = _in_ranges(fast - slow, average_range)
    if spread is not None:
        way = "above" if spread >= 0 else "below"
        words = f"SMA {defaults.fast} is {abs(spread):.2f} average ranges {way} SMA {defaults.slow}"
        found.know("ma_spread", spread, words, as_of=as_of)


def _tell_rsi(found: Findings, window: pd.DataFrame, _: float, as_of: datetime) -> None:
    period = RsiParameters().period
    value = float(indicators.relative_strength(window["close"], period).iloc[-1])
    found.know("rsi_14", value, f"RSI {period} is {value:.1f}", as_of=as_of)


def _tell_bands(found: Findings, window: pd.DataFrame, _: float, as_of: datetime) -> None:
    defaults, close = BollingerParameters(), window["close"]
    bands = indicators.bollinger(close, defaults.period, defaults.deviations)
    middle, upper = float(bands.middle.iloc[-1]), float(bands.upper.iloc[-1])
    position = _in_ranges(float(close.iloc[-1]) - middle, upper - middle)
    if position is not None:
        words = f"the close is at {position:+.2f} between the Bollinger bands (-1 lower, 1 upper)"
        found.know("bollinger_position", position, words, as_of=as_of)


def _tell_macd(found: Findings, window: pd.DataFrame, average_range: float, as_of: datetime) -> None:
    defaults = MacdParameters()
    histogram = indicators.macd_histogram(window["close"], defaults.fast, defaults.slow, defaults.signal)
    value = _in_ranges(float(histogram.iloc[-1]), average_range)
    if value is not None:
        words = f"the MACD is {abs(value):.2f} average ranges {'above' if value >= 0 else 'below'} its signal line"
        found.know("macd_hist", value, words, as_of=as_of)


def _in_ranges(distance: float, scale: float) -> float | None:
    """A distance by a scale; None where nothing has moved, and there is no scale."""
    return distance / scale if scale > 0 else None


def _tell_signal(found: Findings, last: StoredSignal | None, question: Question, timeframe: Timeframe) -> None:
    if last is None:
        found.know("last_side", 0.0, f"no strategy has signalled {question.symbol} on {timeframe.value} yet")
        return
    age = (question.as_of - last.as_of) / timeframe.length
    words = f"{last.strategy_id} wanted to {last.side} {age:.0f} candles ago"
    found.know("last_side", 1.0 if last.side is Side.BUY else -1.0, words, as_of=last.as_of)
    found.know("last_age", age, words, as_of=last.as_of)
    found.know("last_confidence", last.confidence, f"its confidence was {last.confidence:.2f}", as_of=last.as_of)
    found.show("raised", last.id, f"{last.strategy_id}: {last.reason}", as_of=last.as_of)


def _obstacle(
    rows: Sequence[CandleRow], last_opening: datetime, timeframe: Timeframe, question: Question
) -> str | None:
    name = f"{question.symbol} {timeframe.value}"
    if not rows:
        return f"no candle of {name} has closed by {question.as_of.isoformat()}"
    behind = (last_opening - rows[-1][0]) // timeframe.length
    if behind > OLDEST:
        return f"the last candle of {name} is {behind} candles older than the question"
    return None
