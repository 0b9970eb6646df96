"""The public trades of one market: the most recent ones by id, in columns, because there are many."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator

from simexchange.engine.orders import Trade

COLUMNS = 5


class Tape:
    """Trades with growing ids. At least the last `keep` are held, at most twice as many."""

    def __init__(self, keep: int = 200_000) -> None:
        self._keep = keep
        self._columns = tuple(array("q") for _ in range(COLUMNS))

    def __len__(self) -> int:
        return len(self._columns[0])

    @property
    def last(self) -> Trade | None:
        """The newest trade."""
        return self._at(len(self) - 1) if len(self) else None

    def append(self, trade: Trade) -> None:
        """Add a trade whose id is above all earlier ones."""
        for column, value in zip(self._columns, trade, strict=True):
            column.append(value)
        if len(self) > 2 * self._keep:
            for column in self._columns:
                del column[: self._keep]

    def extend_rows(self, rows: array) -> None:  # type: ignore[type-arg]
        """Add trades given as one flat array of `COLUMNS` values each."""
        for number, column in enumerate(self._columns):
            column.extend(rows[number::COLUMNS])

    def from_id(self, trade_id: int, limit: int) -> list[Trade]:
        """Up to `limit` trades with this id or a higher one, in order."""
        start = bisect_left(self._columns[0], trade_id)
        return self._slice(start, min(start + limit, len(self)))

    def between(self, start_ms: int, end_ms: int, limit: int) -> list[Trade]:
        """Up to `limit` trades, from the first at or after `start_ms` to the last at or before `end_ms`."""
        start = bisect_left(self._columns[1], start_ms)
        end = bisect_left(self._columns[1], end_ms + 1)
        return self._slice(start, min(start + limit, end))

    def newest(self, limit: int, end_ms: int | None = None) -> list[Trade]:
        """The last `limit` trades, oldest first; those up to `end_ms` if given."""
        end = len(self) if end_ms is None else bisect_left(self._columns[1], end_ms + 1)
        return self._slice(max(0, end - limit), end)

    def __iter__(self) -> Iterator[Trade]:
        return (self._at(index) for index in range(len(self)))

    def _slice(self, start: int, end: int) -> list[Trade]:
        return [self._at(index) for index in range(start, end)]

    def _at(self, index: int) -> Trade:
        trade_id, time_ms, price, quantity, maker = (column[index] for column in self._columns)
        return Trade(trade_id, time_ms, price, quantity, bool(maker))
