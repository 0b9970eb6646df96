"""The order book of one market: price first, then time. Keeps the list of changed levels that depth diffs are made of."""

from collections.abc import Iterator

from sortedcontainers import SortedDict

from simexchange.engine.orders import Order, Side


class Level:
    """All orders at one price, oldest first."""

    __slots__ = ("orders", "price", "total")

    def __init__(self, price: int) -> None:
        self.price = price
        self.orders: dict[int, Order] = {}
        self.total = 0


class Book:
    """Resting orders of one market.

    `update_id` grows by one with every changed level; `take_changes` hands out what changed since it was last called.
    """

    def __init__(self) -> None:
        # Keys are signed so that the best price is always first: -price for bids, price for asks.
        self._sides: dict[Side, SortedDict] = {Side.BUY: SortedDict(), Side.SELL: SortedDict()}
        self._changed: dict[Side, set[int]] = {Side.BUY: set(), Side.SELL: set()}
        self._taken_id = 0
        self.update_id = 0

    def add(self, order: Order) -> None:
        """Rest an order behind those already at its price."""
        key = self._key(order.side, order.price)
        side = self._sides[order.side]
        level: Level | None = side.get(key)
        if level is None:
            level = side[key] = Level(order.price)
        level.orders[order.id] = order
        level.total += order.open_quantity
        self._touch(order)

    def remove(self, order: Order) -> None:
        """Take an order off the book. Call it before its quantities change.

        Raises
        ------
        KeyError
            If the order does not rest here.
        """
        level: Level = self._sides[order.side][self._key(order.side, order.price)]
        del level.orders[order.id]
        level.total -= order.open_quantity
        self._drop_if_empty(order.side, level)
        self._touch(order)

    def reduce(self, order: Order, quantity: int) -> None:
        """Fill a resting order by `quantity`; it leaves the book when nothing of it is open."""
        level: Level = self._sides[order.side][self._key(order.side, order.price)]
        order.filled += quantity
        level.total -= quantity
        if order.open_quantity == 0:
            del level.orders[order.id]
            self._drop_if_empty(order.side, level)
        self._touch(order)

    def first(self, side: Side) -> Order | None:
        """The order that trades next on this side."""
        levels = self._sides[side]
        if not levels:
            return None
        level: Level = levels.peekitem(0)[1]
        return next(iter(level.orders.values()))

    def best(self, side: Side) -> tuple[int, int] | None:
        """Best price of a side and the total quantity there."""
        levels = self._sides[side]
        if not levels:
            return None
        level: Level = levels.peekitem(0)[1]
        return level.price, level.total

    def resting(self, side: Side) -> Iterator[Order]:
        """Orders of a side in the order in which they would trade."""
        for level in self._sides[side].values():
            yield from level.orders.values()

    def levels(self, side: Side, limit: int) -> list[tuple[int, int]]:
        """The best `limit` levels as (price, total quantity)."""
        return [(level.price, level.total) for level in self._sides[side].values()[:limit]]

    def take_changes(self) -> tuple[int, int, list[tuple[int, int]], list[tuple[int, int]]] | None:
        """First and last update id, changed bids and asks since the last call; quantity 0 is a level gone.

        None when nothing changed.
        """
        if self.update_id == self._taken_id:
            return None
        first, self._taken_id = self._taken_id + 1, self.update_id
        bids, asks = (self._now(side) for side in (Side.BUY, Side.SELL))
        return first, self.update_id, bids, asks

    def _now(self, side: Side) -> list[tuple[int, int]]:
        levels = self._sides[side]
        changed = sorted(self._changed[side])
        self._changed[side].clear()
        found = ((price, levels.get(self._key(side, price))) for price in changed)
        return [(price, level.total if level else 0) for price, level in found]

    @staticmethod
    def _key(side: Side, price: int) -> int:
        return -price if side is Side.BUY else price

    def _drop_if_empty(self, side: Side, level: Level) -> None:
        if not level.orders:
            del self._sides[side][self._key(side, level.price)]

    def _touch(self, order: Order) -> None:
        self.update_id += 1
        self._changed[order.side].add(order.price)
