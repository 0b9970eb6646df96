"""The signals context's tables in lists."""

from tests.fakes.transaction import FakeTransaction


class FakeSignalsTransaction(FakeTransaction):
    """`signals.ports.SignalsTransaction` in memory, for one series of candles."""

    def __init__(self, strategies=(), candles=()):
        super().__init__()
        self.strategies = list(strategies)
        self.candles = list(candles)
        self.signals = {}
        self.last = None

    def active_strategies(self, venue, symbol, timeframe):
        return sorted(self.strategies, key=lambda strategy: strategy.id)

    def window(self, venue, symbol, timeframe, until, length):
        return [row for row in self.candles if row[0] <= until][-length:]

    def last_signal(self, venue, symbol, timeframe, until):
        return self.last if self.last is not None and self.last.as_of <= until else None

    def add_signal(self, event):
        is_new = event.id not in self.signals
        self.signals[event.id] = event.data
        return is_new
