"""The signal service: a closed candle in, a signal out for each active strategy that wants to trade at its close.

A strategy sees the candles up to this one and none after it, so late delivery doesn't change what it decides. A strategy that
can't run is reported and left out; the others go on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pandas as pd

from volexswarm.clock import Clock
from volexswarm.errors import InvalidInput, Retry
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import CandleClosed, Event, SignalRaised
from volexswarm.ports import Store
from volexswarm.signals.model import StoredStrategy
from volexswarm.signals.ports import SignalsTransaction
from volexswarm.signals.window import frame, known_timeframe
from volexswarm.strategies.model import Decision
from volexswarm.strategies.registry import build
from volexswarm.strategies.strategy import Strategy

SOURCE = "signal"
CONSUMER = "signal"

logger = logging.getLogger(__name__)


class SignalAgent:
    """Asks the active strategies at every closed candle."""

    def __init__(self, store: Store[SignalsTransaction], clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def evaluate(self, event: Event[CandleClosed]) -> None:
        """Store and publish a `SignalRaised` for each strategy of this symbol and timeframe that decides to trade.

        A candle that lay in its queue for longer than it is worth is passed over, and the log says so.
        A signal's id derives from candle and strategy: doing it again raises the same one, which is stored once.

        Raises
        ------
        InvalidInput
            If there is no such timeframe.
        Retry
            If the candle itself is not to be read yet.
        Unavailable
            If the database does not answer.
        """
        candle = event.data
        timeframe = known_timeframe(candle.timeframe)
        with self._store.transaction() as transaction:
            if not transaction.first_delivery(CONSUMER, event.id):
                return
            age = self._clock.now() - event.time
            if age > CandleClosed.WORTH:
                logger.warning("candle %s closed %s ago and raises no signal", event.subject, age)
                return
            stored = transaction.active_strategies(candle.venue, candle.symbol, candle.timeframe)
            strategies = list(_built(stored, timeframe))
            if not strategies:
                return
            length = max(strategy.warm_up for _, strategy in strategies)
            window = transaction.window(candle.venue, candle.symbol, candle.timeframe, candle.opened_at, length)
            if not window or window[-1][0] != candle.opened_at:
                words = f"the candle of {candle.key} at {candle.opened_at.isoformat()} is not stored"
                raise Retry(words, timedelta(seconds=2))
            candles = frame(window)
            signals = [
                self._signal(event, stored, decision) for stored, decision in _decisions(strategies, candles, candle)
            ]
            transaction.publish(*(signal for signal in signals if transaction.add_signal(signal)))

    def _signal(self, cause: Event[CandleClosed], strategy: StoredStrategy, decision: Decision) -> Event[SignalRaised]:
        candle = cause.data
        data = SignalRaised(
            venue=candle.venue,
            symbol=candle.symbol,
            strategy_id=strategy.id,
            strategy=strategy.template,
            timeframe=candle.timeframe,
            side=decision.side,
            confidence=decision.confidence,
            price=candle.close,
            stop_price=_price(decision.stop_price),
            volatility=decision.volatility,
            as_of=candle.as_of,
            candle_opened_at=candle.opened_at,
            reason=decision.reason,
            indicators=dict(decision.indicators),
        )
        return Event.caused_by(
            cause, data, source=SOURCE, subject=f"{candle.key}:{strategy.id}", time=self._clock.now()
        )


def _built(stored: Sequence[StoredStrategy], timeframe: Timeframe) -> Iterator[tuple[StoredStrategy, Strategy[Any]]]:
    for strategy in stored:
        try:
            yield strategy, build(strategy.template, strategy.parameters, timeframe)
        except InvalidInput as error:
            logger.error("strategy %s can't run and is left out: %s", strategy.id, error)  # noqa: TRY400 - said in full


def _decisions(
    strategies: Sequence[tuple[StoredStrategy, Strategy[Any]]], candles: pd.DataFrame, candle: CandleClosed
) -> Iterator[tuple[StoredStrategy, Decision]]:
    silent = []
    for stored, strategy in strategies:
        if obstacle := strategy.obstacle(candles):
            silent.append(f"{stored.id} ({obstacle})")
        elif decision := strategy.decide(candles):
            yield stored, decision
    if silent:
        logger.info("silent at %s: %s", candle.as_of.isoformat(), ", ".join(silent))


def _price(value: float | None) -> Decimal | None:
    """Eight significant digits: finer than any venue's tick, free of what floats add behind them."""
    return None if value is None else Decimal(f"{value:.8g}")
