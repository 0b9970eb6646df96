"""Keeps the trades of one symbol in the venue's order of ids, each once.

What comes twice is dropped; what comes too early waits until the ids before it are there; what never came is named, so that
it can be asked for. Pure: the feed does the asking.
"""

from __future__ import annotations

from collections.abc import Iterable

from volexswarm.errors import InvalidInput

Tick = tuple[int, int, str, str, str]
"""A public trade: id, exchange time in Unix ms, price, amount (both as the venue wrote them), taker's side b or s.

A plain tuple, as it is made a hundred thousand times a second.
"""


class Sequence:
    """Ids of one symbol, counting up by one.

    Parameters
    ----------
    last : int or None
        Id through which everything is known already; None if the first trade seen is to be the first.
    capacity : int
        How many trades may wait behind a gap; more are refused and have to be asked for later.
    """

    def __init__(self, last: int | None = None, capacity: int = 100_000) -> None:
        self.last = last
        self.seen = last
        self.accepted = 0
        self.duplicates = 0
        self.gaps = 0
        self.refused = 0
        self.absent = 0
        self._capacity = capacity
        self._waiting: dict[int, Tick] = {}

    @property
    def has_begun(self) -> bool:
        return self.last is not None

    @property
    def is_behind(self) -> bool:
        """True while a trade is known to exist that has not been accepted."""
        return self.seen != self.last

    @property
    def waiting(self) -> int:
        """Trades that wait behind a gap."""
        return len(self._waiting)

    def offer(self, tick: Tick) -> list[Tick]:
        """Take one trade from anywhere; returns those that are in order now, ascending: none, this one, or more behind it."""
        trade_id = tick[0]
        last = self.last
        if (
            last is not None and trade_id == last + 1 and self.seen == last
        ):  # nearly always; the rest is made of exceptions
            self.last = self.seen = trade_id
            self.accepted += 1
            return [tick]
        return self._offer_exceptionally(tick)

    def refuse(self, trade_id: int) -> None:
        """Note a trade that exists but can't be taken now; it has to be asked for later.

        The first trade of all can't be refused, as it could not be asked for: it gives the beginning only.
        """
        if self.last is None:
            self.last = trade_id - 1
            self.seen = trade_id
        elif trade_id <= self.last:
            self.duplicates += 1
            return
        self._see(trade_id)
        self.refused += 1

    def skip_to(self, trade_id: int) -> list[Tick]:
        """The venue has said that it has no trade between `last` and this id, whose turn it is now.

        Returns what was waiting and is in order by that; a trade that waited is not lost, whatever the venue says.

        Raises
        ------
        InvalidInput
            If the sequence has not begun, or the id is not ahead.
        """
        if self.last is None or trade_id <= self.last:
            raise InvalidInput("trade_id", trade_id, f"an id after {self.last}")
        kept = [self._waiting.pop(waiting) for waiting in sorted(self._waiting) if waiting < trade_id]
        self.absent += trade_id - self.last - 1 - len(kept)
        self.accepted += len(kept)
        self.last = trade_id - 1
        self._see(self.last)
        following = self._waiting.pop(trade_id, None)
        return kept if following is None else kept + self.offer(following)

    def _offer_exceptionally(self, tick: Tick) -> list[Tick]:
        trade_id = tick[0]
        if self.last is None:
            self.last = self.seen = trade_id - 1
        if trade_id != self.last + 1:
            self._out_of_order(tick, self.last)
            return []
        ready = self._release(tick)
        self.accepted += len(ready)
        return ready

    def _out_of_order(self, tick: Tick, last: int) -> None:
        trade_id = tick[0]
        if trade_id <= last or trade_id in self._waiting:
            self.duplicates += 1
            return
        if not self.is_behind:
            self.gaps += 1
        self._see(trade_id)
        if len(self._waiting) < self._capacity:
            self._waiting[trade_id] = tick
        else:
            self.refused += 1

    def _see(self, trade_id: int) -> None:
        self.seen = trade_id if self.seen is None else max(self.seen, trade_id)

    def _release(self, tick: Tick) -> list[Tick]:
        ready = [tick]
        following = self._waiting.pop(tick[0] + 1, None)
        while following is not None:
            ready.append(following)
            following = self._waiting.pop(following[0] + 1, None)
        self.last = ready[-1][0]
        self._see(self.last)
        return ready


def columns(ticks: Iterable[Tick]) -> dict[str, object]:
    """The ticks in columns, as `messages.Columns` takes them."""
    ids, times, prices, amounts, sides = zip(*ticks, strict=True)
    return {"ids": ids, "times": times, "prices": prices, "amounts": amounts, "sides": "".join(sides)}
