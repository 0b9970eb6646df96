"""Collects trades into tick batches, each small enough for one message. Pure, but for the counting of batches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from volexswarm.agents import REALTIME_DATA
from volexswarm.clock import from_ms
from volexswarm.messages import Columns, Event, TickBatch, encode
from volexswarm.realtime.sequence import Tick, columns

MAX_MESSAGE_BYTES = 240_000  # below SQS's 256 KiB, which also counts attributes
WATERMARK_STEP_MS = 60_000  # the shortest candle: between two of its ends a watermark alone tells nobody anything


@dataclass(frozen=True)
class Load:
    """What one flush took: trades per symbol, ascending by id, and how far each symbol is complete after them."""

    ticks: Mapping[str, list[Tick]]
    watermarks: Mapping[str, int]

    @property
    def count(self) -> int:
        return sum(map(len, self.ticks.values()))


class Buffer:
    """Trades that wait for the next flush."""

    def __init__(self) -> None:
        self._ticks: defaultdict[str, list[Tick]] = defaultdict(list)
        self._told: dict[str, int] = {}
        self.count = 0

    def add(self, symbol: str, ticks: list[Tick]) -> None:
        self._ticks[symbol] += ticks
        self.count += len(ticks)

    def take(self, watermarks: Mapping[str, int]) -> Load | None:
        """All that waits; None if there is nothing to tell: no trade, and no watermark over the end of a candle."""
        news = {symbol: through for symbol, through in watermarks.items() if through > self._told.get(symbol, 0)}
        if not self.count and not any(self._ends_a_candle(symbol, through) for symbol, through in news.items()):
            return None
        load = Load(dict(self._ticks), news)
        self._ticks.clear()
        self._told |= news
        self.count = 0
        return load

    def _ends_a_candle(self, symbol: str, through: int) -> bool:
        return through // WATERMARK_STEP_MS > self._told.get(symbol, 0) // WATERMARK_STEP_MS


class Packer:
    """Makes numbered messages out of loads.

    Parameters
    ----------
    venue, session : str
        Where the trades are from; which run of this process sends them.
    max_ticks : int
        Trades per message, before its size is looked at.
    """

    def __init__(self, venue: str, session: str, max_ticks: int, max_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._venue = venue
        self._session = session
        self._max_ticks = max_ticks
        self._max_bytes = max_bytes
        self._sequence = 0

    def pack(self, load: Load, now: datetime) -> Iterator[tuple[str, str, int]]:
        """Messages as (event id, body, number of trades), in order. Only the last one carries the watermarks."""
        parts = list(_split(load.ticks, self._max_ticks)) or [{}]
        for part in parts[:-1]:
            yield from self._fit(part, {}, now)
        yield from self._fit(parts[-1], load.watermarks, now)

    def _fit(
        self, ticks: Mapping[str, list[Tick]], watermarks: Mapping[str, int], now: datetime
    ) -> Iterator[tuple[str, str, int]]:
        count = sum(map(len, ticks.values()))
        event_id, body = self._encode(ticks, watermarks, now)
        if len(body) <= self._max_bytes or count <= 1:
            self._sequence += 1
            yield event_id, body, count
            return
        first, *rest = _split(ticks, -(-count // 2))
        yield from self._fit(first, {}, now)
        yield from self._fit(rest[0], watermarks, now)

    def _encode(self, ticks: Mapping[str, list[Tick]], watermarks: Mapping[str, int], now: datetime) -> tuple[str, str]:
        batch = TickBatch(
            venue=self._venue,
            session=self._session,
            sequence=self._sequence,
            trades={symbol: Columns.model_validate(columns(part)) for symbol, part in ticks.items()},
            watermarks={symbol: from_ms(through) for symbol, through in watermarks.items()},
        )
        identity = f"{self._session}/{self._sequence}"
        event = Event.root(batch, source=REALTIME_DATA.name, subject=self._venue, identity=identity, time=now)
        return event.id, encode(event)


def _split(ticks: Mapping[str, list[Tick]], size: int) -> Iterator[dict[str, list[Tick]]]:
    """Parts of at most `size` trades; all but the last are full."""
    part: dict[str, list[Tick]] = {}
    room = size
    for symbol, rows in ticks.items():
        start = 0
        while start < len(rows):
            piece = rows[start : start + room]
            part[symbol] = piece
            start += len(piece)
            room -= len(piece)
            if not room:
                yield part
                part, room = {}, size
    if part:
        yield part
