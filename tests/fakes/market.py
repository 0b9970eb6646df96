"""The market context's tables in dictionaries."""

from collections import Counter

from tests.fakes.transaction import FakeTransaction
from volexswarm.market.candles import merge
from volexswarm.market.model import StoredCandle
from volexswarm.market.progress import Progress


class FakeMarketTransaction(FakeTransaction):
    """`market.ports.MarketTransaction` in memory."""

    def __init__(self):
        super().__init__()
        self.trades = {}
        self.candles = {}
        self.closed_keys = set()
        self.revisions = Counter()
        self.feeds = {}
        self.watermarks = {}
        self.waiting = {}
        self.reached = {}

    def add_trades(self, venue, trades):
        new = {}
        for symbol, columns in trades.items():
            fresh = [i for i, trade_id in enumerate(columns.ids) if (venue, symbol, trade_id) not in self.trades]
            for i in fresh:
                self.trades[venue, symbol, columns.ids[i]] = columns.prices[i]
            if fresh:
                new[symbol] = frozenset(columns.ids[i] for i in fresh)
        return new

    def progress(self, venue, session):
        return self.feeds.get((venue, session), Progress())

    def keep_progress(self, venue, session, progress):
        self.feeds[venue, session] = progress

    def complete_to(self, venue, symbols):
        return {
            symbol: self.watermarks[venue, symbol].complete_to
            for symbol in symbols
            if (venue, symbol) in self.watermarks
        }

    def advance(self, venue, marks):
        for symbol, mark in marks.items():
            known = self.watermarks.get((venue, symbol))
            furthest = mark if known is None else known.furthest(mark)
            if furthest.complete_to is not None:
                self.watermarks[venue, symbol] = furthest

    def merge(self, venue, parts):
        changed = []
        for part in parts:
            key = (venue, part.symbol, part.candle.timeframe, part.candle.opened_at)
            known = self.candles.get(key)
            self.candles[key] = part.candle if known is None else merge(known, part.candle)
            if known is None and part.late:
                self.closed_keys.add(key)
            if key in self.closed_keys:
                self.revisions[key] += 1
                changed.append(StoredCandle(part.symbol, self.candles[key], self.revisions[key]))
        return changed

    def close(self, venue, complete_to, timeframes):
        due = [
            key
            for key, candle in self.candles.items()
            if key not in self.closed_keys
            and key[0] == venue
            and candle.timeframe in timeframes
            and key[1] in complete_to
            and candle.as_of <= complete_to[key[1]]
        ]
        self.closed_keys.update(due)
        return sorted((StoredCandle(key[1], self.candles[key], 0) for key in due), key=lambda s: s.candle.as_of)

    def watches(self, venue, symbols):
        return [
            watch
            for watch in self.waiting.values()
            if watch.venue == venue and watch.symbol in symbols and watch.id not in self.reached
        ]

    def saw(self, watch, reached):
        self.waiting[watch.id] = watch
        if reached is not None:
            self.reached[watch.id] = reached
