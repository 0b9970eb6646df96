"""What happened in one market, in the order of ids and times: pages of it are found without looking at all of it."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Generic, Protocol, TypeVar


class Happening(Protocol):
    """Anything that belongs to an account."""

    @property
    def account(self) -> str | None:
        """Whose it is."""


Item = TypeVar("Item", bound=Happening)


class History(Generic[Item]):
    """Items whose ids and times never fall.

    Parameters
    ----------
    id_of, time_of : callable
        Id and time in milliseconds of an item.
    """

    def __init__(self, id_of: Callable[[Item], int], time_of: Callable[[Item], int]) -> None:
        self._items: list[Item] = []
        self._id_of = id_of
        self._time_of = time_of

    def append(self, item: Item) -> None:
        """Add the newest item."""
        self._items.append(item)

    def page(
        self, account: str, limit: int, *, first_id: int = 0, start_ms: int = 0, end_ms: int | None = None
    ) -> list[Item]:
        """Up to `limit` of an account's items, oldest first.

        Parameters
        ----------
        first_id, start_ms : int
            The page begins with the first item from these on. Where both are 0 it ends with the newest one.
        end_ms : int, optional
            Nothing behind this time.
        """
        begin = max(
            bisect_left(self._items, first_id, key=self._id_of), bisect_left(self._items, start_ms, key=self._time_of)
        )
        end = len(self._items) if end_ms is None else bisect_left(self._items, end_ms + 1, key=self._time_of)
        if first_id or start_ms:
            return list(islice(self._of(account, range(begin, end)), limit))
        return list(islice(self._of(account, reversed(range(begin, end))), limit))[::-1]

    def _of(self, account: str, indices: "range | Iterator[int]") -> Iterator[Item]:
        return (item for index in indices if (item := self._items[index]).account == account)
