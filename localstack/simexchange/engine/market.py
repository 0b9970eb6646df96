"""One market: its rules, its book, what was traded, and the users' orders that are open in it."""

from collections import deque
from dataclasses import dataclass, field
from operator import attrgetter

from simexchange.engine.book import Book
from simexchange.engine.candles import Candles
from simexchange.engine.filters import MarketRules
from simexchange.engine.history import History
from simexchange.engine.orders import Fill, Order, Side
from simexchange.engine.tape import Tape

AVERAGE_MINUTES = 5


def fill_history() -> History[Fill]:
    """An empty history of fills."""
    return History(attrgetter("trade_id"), attrgetter("time_ms"))


@dataclass(slots=True)
class Market:
    """A market's state, and the history of users' orders and fills in it.

    `quotes` are the house's orders by price; `open` the users' open orders by id; `waiting` those of them that wait for a
    price, and `fired` those whose price has come and that have not gone live yet.
    """

    rules: MarketRules
    book: Book = field(default_factory=Book)
    tape: Tape = field(default_factory=Tape)
    candles: Candles = field(default_factory=Candles)
    quotes: dict[Side, dict[int, Order]] = field(default_factory=lambda: {Side.BUY: {}, Side.SELL: {}})
    open: dict[int, Order] = field(default_factory=dict)
    waiting: dict[int, Order] = field(default_factory=dict)
    orders: History[Order] = field(default_factory=lambda: History(attrgetter("id"), attrgetter("created_ms")))
    fills: History[Fill] = field(default_factory=fill_history)
    fired: deque[Order] = field(default_factory=deque)

    @property
    def last_price(self) -> int | None:
        """Price of the last public trade."""
        last = self.tape.last
        return last.price if last else None

    def average_price(self, now_ms: int) -> int | None:
        """What was paid on average in the last five minutes, or else last; None before the first trade."""
        return self.candles.average(now_ms, AVERAGE_MINUTES) or self.last_price

    def open_of(self, account: str) -> list[Order]:
        """An account's open orders here, oldest first."""
        return [order for order in self.open.values() if order.account == account]
