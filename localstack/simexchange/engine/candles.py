"""One-minute candles of one market from its public trades, and every longer interval from those.

As on Binance, a minute without a trade between two others is a flat candle of volume 0.
"""

from dataclasses import dataclass

from simexchange.engine.orders import Trade
from simexchange.engine.units import ONE, product

MINUTE = 60_000
INTERVALS = {
    "1m": MINUTE, "3m": 3 * MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "30m": 30 * MINUTE,
    "1h": 60 * MINUTE, "2h": 120 * MINUTE, "4h": 240 * MINUTE, "6h": 360 * MINUTE, "8h": 480 * MINUTE,
    "12h": 720 * MINUTE, "1d": 1440 * MINUTE,
}  # fmt: skip


@dataclass(slots=True)
class Candle:
    """Open, high, low, close and what was traded in [start_ms, start_ms + width)."""

    start_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int = 0
    quote_volume: int = 0
    trades: int = 0
    taker_volume: int = 0
    taker_quote_volume: int = 0
    first_id: int = -1
    last_id: int = -1

    def add(self, other: "Candle") -> None:
        """Widen this candle by a later one."""
        self.high = max(self.high, other.high)
        self.low = min(self.low, other.low)
        self.close = other.close
        self.volume += other.volume
        self.quote_volume += other.quote_volume
        self.trades += other.trades
        self.taker_volume += other.taker_volume
        self.taker_quote_volume += other.taker_quote_volume
        self.last_id = max(self.last_id, other.last_id)
        self.first_id = other.first_id if self.first_id < 0 else self.first_id


class Candles:
    """The minutes of one market; the last `keep` of them."""

    def __init__(self, keep: int = 30_000) -> None:
        self._keep = keep
        self._minutes: dict[int, Candle] = {}
        self._closed_until = 0

    @property
    def newest(self) -> Candle | None:
        """The minute of the last trade."""
        return next(reversed(self._minutes.values())) if self._minutes else None

    def add(self, trade: Trade) -> None:
        """Take a trade into its minute."""
        minute = trade.time_ms - trade.time_ms % MINUTE
        candle = self._minutes.get(minute)
        if candle is None:
            price = trade.price
            candle = self._minutes[minute] = Candle(minute, price, price, price, price, first_id=trade.id)
            if len(self._minutes) > self._keep:
                del self._minutes[next(iter(self._minutes))]
        quote = product(trade.price, trade.quantity)
        candle.high = max(candle.high, trade.price)
        candle.low = min(candle.low, trade.price)
        candle.close = trade.price
        candle.volume += trade.quantity
        candle.quote_volume += quote
        candle.trades += 1
        candle.last_id = trade.id
        if not trade.buyer_is_maker:
            candle.taker_volume += trade.quantity
            candle.taker_quote_volume += quote

    def take_closed(self, now_ms: int) -> Candle | None:
        """The newest minute, once, when its time has passed."""
        newest = self.newest
        if newest is None or newest.start_ms + MINUTE > now_ms or newest.start_ms < self._closed_until:
            return None
        self._closed_until = newest.start_ms + MINUTE
        return newest

    def average(self, now_ms: int, minutes: int) -> int | None:
        """What a unit cost on average in this many minutes up to now; None when nothing was traded."""
        newest = now_ms // MINUTE * MINUTE
        found = [self._minutes.get(newest - back * MINUTE) for back in range(minutes)]
        volume = sum(candle.volume for candle in found if candle)
        quote = sum(candle.quote_volume for candle in found if candle)
        return quote * ONE // volume if volume else None

    def between(self, interval: str, start_ms: int | None, end_ms: int, limit: int) -> list[Candle]:
        """Up to `limit` candles of an interval, oldest first: from `start_ms`, or else the last ones up to `end_ms`."""
        width = INTERVALS[interval]
        if not self._minutes:
            return []
        first = next(iter(self._minutes)) // width * width
        last = end_ms // width * width
        if start_ms is None:
            begin = max(first, last - (limit - 1) * width)
        else:
            begin = max(first, -(-start_ms // width) * width)
            last = min(last, begin + (limit - 1) * width)
        return self._fold(begin, last + width, width)

    def _fold(self, begin: int, end: int, width: int) -> list[Candle]:
        folded: list[Candle] = []
        close = self._close_before(begin)
        for minute in range(begin, end, MINUTE):
            found = self._minutes.get(minute)
            if found is None and close is None:
                continue
            part = found or Candle(minute, close or 0, close or 0, close or 0, close or 0)
            close = part.close
            start = minute // width * width
            if folded and folded[-1].start_ms == start:
                folded[-1].add(part)
            else:
                opened = Candle(start, part.open, part.open, part.open, part.open)
                opened.add(part)
                folded.append(opened)
        return folded

    def _close_before(self, begin: int) -> int | None:
        for minute in reversed(self._minutes):
            if minute < begin:
                return self._minutes[minute].close
        return None
