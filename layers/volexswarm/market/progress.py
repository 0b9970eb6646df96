"""How far a feed's batches are in without a hole: only then does a watermark count.

Queues deliver out of order and several functions work at once. A batch that overtakes an earlier one must not close a candle
whose trades are still on their way: its watermark waits until every earlier batch of the session has arrived.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import AwareDatetime, BaseModel, ConfigDict


class Mark(BaseModel):
    """How far one symbol is: trades are complete through `complete_to` (exchange time), the newest of them is `last_trade_id`.

    Either is None in a batch that does not speak of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    complete_to: AwareDatetime | None = None
    last_trade_id: int | None = None

    def furthest(self, other: Mark) -> Mark:
        """The later of both in each field; a mark never goes backwards."""
        moments = [mark.complete_to for mark in (self, other) if mark.complete_to is not None]
        ids = [mark.last_trade_id for mark in (self, other) if mark.last_trade_id is not None]
        return Mark(complete_to=max(moments, default=None), last_trade_id=max(ids, default=None))


class Stretch(BaseModel):
    """Batches `first` to `last`, all arrived, and the furthest marks among them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: int
    last: int
    marks: dict[str, Mark]


class Progress(BaseModel):
    """One session's batches: all before `next_sequence` have arrived; `waiting` are later ones, beyond a hole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    next_sequence: int = 0
    waiting: tuple[Stretch, ...] = ()

    def arrived(self, sequence: int, marks: Mapping[str, Mark]) -> tuple[Progress, dict[str, Mark]]:
        """Progress after this batch, and the marks that have come into force by it (none while a hole remains)."""
        if sequence < self.next_sequence or any(stretch.first <= sequence <= stretch.last for stretch in self.waiting):
            return self, {}
        newest = Stretch(first=sequence, last=sequence, marks=dict(marks))
        head, *rest = _joined(sorted((*self.waiting, newest), key=lambda stretch: stretch.first))
        if head.first == self.next_sequence:
            return Progress(next_sequence=head.last + 1, waiting=tuple(rest)), head.marks
        return Progress(next_sequence=self.next_sequence, waiting=(head, *rest)), {}

    @property
    def missing(self) -> tuple[int, int] | None:
        """First and last sequence of the first hole; None when there is none."""
        return (self.next_sequence, self.waiting[0].first - 1) if self.waiting else None


def _joined(stretches: list[Stretch]) -> list[Stretch]:
    """Neighbours made one, so that what waits behind a hole stays small however long the hole remains."""
    joined = stretches[:1]
    for stretch in stretches[1:]:
        before = joined[-1]
        if before.last + 1 == stretch.first:
            joined[-1] = Stretch(first=before.first, last=stretch.last, marks=_furthest(before.marks, stretch.marks))
        else:
            joined.append(stretch)
    return joined


def _furthest(some: Mapping[str, Mark], more: Mapping[str, Mark]) -> dict[str, Mark]:
    merged = dict(some)
    for symbol, mark in more.items():
        merged[symbol] = merged[symbol].furthest(mark) if symbol in merged else mark
    return merged
