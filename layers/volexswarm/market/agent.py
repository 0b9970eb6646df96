"""The market data service: a batch of ticks in; trades stored once, candles built, those that are complete sent on.

Everything a batch changes is one transaction. A repeated batch changes nothing: its trades are known by id, its sequence by the
session's progress, and a candle closes only once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from volexswarm.clock import Clock
from volexswarm.market.candles import fold
from volexswarm.market.model import Part, StoredCandle
from volexswarm.market.ports import MarketTransaction
from volexswarm.market.progress import Mark
from volexswarm.market.timeframes import Timeframe
from volexswarm.market.watches import look
from volexswarm.messages import CandleClosed, CandleCorrected, Event, PriceReached, TickBatch
from volexswarm.ports import PriceWatch, Reached, Store

SOURCE = "realtime-data"

logger = logging.getLogger(__name__)


class MarketDataAgent:
    """Keeps a venue's trades and candles.

    Parameters
    ----------
    store : Store
        Opens market transactions.
    clock : Clock
        Wall time, for the messages' own time.
    timeframes : sequence of Timeframe
        Which candles to build.
    """

    def __init__(self, store: Store[MarketTransaction], clock: Clock, timeframes: Sequence[Timeframe]) -> None:
        self._store = store
        self._clock = clock
        self._timeframes = tuple(timeframes)

    def ingest(self, event: Event[TickBatch]) -> None:
        """Store the batch's new trades, merge them into their candles, close what is complete, and show them to price watches.

        Publishes `CandleClosed` (the root of a new chain) once per candle, and `CandleCorrected` when a late trade changed a
        candle, or made one, whose interval had been closed; and `PriceReached` once per watch, in the chain of the order that it
        guards.

        Raises
        ------
        Unavailable
            If the database does not answer; nothing of the batch is stored then.
        """
        batch = event.data
        with self._store.transaction() as transaction:
            new = transaction.add_trades(batch.venue, batch.trades)
            released = self._released(transaction, batch)  # from here on nobody else changes the venue's candles
            known = transaction.complete_to(batch.venue, new.keys() | released.keys())
            changed = transaction.merge(batch.venue, list(self._parts(batch, new, known)))
            transaction.advance(batch.venue, released)
            due = {symbol: mark.complete_to for symbol, mark in released.items() if mark.complete_to is not None}
            closed = transaction.close(batch.venue, due, self._timeframes)
            reached = list(self._reached(transaction, batch, new))
            corrections = [self._corrected(event, stored) for stored in changed]
            transaction.publish(*reached, *corrections, *(self._closed(event, stored) for stored in closed))

    def _released(self, transaction: MarketTransaction, batch: TickBatch) -> dict[str, Mark]:
        before = transaction.progress(batch.venue, batch.session)
        after, released = before.arrived(batch.sequence, _marks(batch))
        if after != before:
            transaction.keep_progress(batch.venue, batch.session, after)
        if after.missing:
            logger.info(
                "candles of %s wait for tick batches %d to %d of session %s", batch.venue, *after.missing, batch.session
            )
        return released

    def _parts(
        self, batch: TickBatch, new: Mapping[str, frozenset[int]], known: Mapping[str, datetime]
    ) -> Iterator[Part]:
        for symbol, ids in new.items():
            columns = batch.trades[symbol]
            prints = zip(columns.ids, columns.times, columns.prices, columns.amounts, strict=True)
            for candle in fold((trade for trade in prints if trade[0] in ids), self._timeframes):
                yield Part(symbol, candle, late=symbol in known and candle.as_of <= known[symbol])

    def _reached(
        self, transaction: MarketTransaction, batch: TickBatch, new: Mapping[str, frozenset[int]]
    ) -> Iterator[Event[PriceReached]]:
        for watch in transaction.watches(batch.venue, new.keys()) if new else ():
            columns, ids = batch.trades[watch.symbol], new[watch.symbol]
            fresh = [i for i, trade_id in enumerate(columns.ids) if trade_id in ids]
            seen, reached = look(watch, [columns.times[i] for i in fresh], [columns.prices[i] for i in fresh])
            if seen is not watch or reached is not None:
                transaction.saw(seen, reached)
            if reached is not None:
                yield self._told(seen, reached)

    def _told(self, watch: PriceWatch, reached: Reached) -> Event[PriceReached]:
        data = PriceReached(
            venue=watch.venue,
            account=watch.account,
            symbol=watch.symbol,
            watch_id=watch.id,
            reason=watch.reason,
            price=reached.price,
            as_of=reached.as_of,
        )
        return Event.caused_by(watch, data, source=SOURCE, subject=data.key, time=self._clock.now())

    def _closed(self, cause: Event[TickBatch], stored: StoredCandle) -> Event[CandleClosed]:
        data = CandleClosed(**_fields(cause.data.venue, stored))
        subject = _subject(data)
        return Event.caused_by(cause, data, source=SOURCE, subject=subject, time=self._clock.now(), new_chain=True)

    def _corrected(self, cause: Event[TickBatch], stored: StoredCandle) -> Event[CandleCorrected]:
        data = CandleCorrected(**_fields(cause.data.venue, stored), revision=stored.revision)
        subject = _subject(data)
        return Event.caused_by(cause, data, source=SOURCE, subject=subject, time=self._clock.now())


def _marks(batch: TickBatch) -> dict[str, Mark]:
    newest = {symbol: max(columns.ids) for symbol, columns in batch.trades.items() if columns.ids}
    return {
        symbol: Mark(complete_to=batch.watermarks.get(symbol), last_trade_id=newest.get(symbol))
        for symbol in newest.keys() | batch.watermarks.keys()
    }


def _subject(candle: CandleClosed) -> str:
    return f"{candle.key}:{candle.timeframe}:{candle.opened_at.isoformat()}"


def _fields(venue: str, stored: StoredCandle) -> dict[str, object]:
    candle = stored.candle
    return {
        "venue": venue,
        "symbol": stored.symbol,
        "timeframe": candle.timeframe.value,
        "opened_at": candle.opened_at,
        "as_of": candle.as_of,
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
        "volume": candle.volume,
        "trade_count": candle.trade_count,
        "first_trade_id": candle.first_trade_id,
        "last_trade_id": candle.last_trade_id,
    }
