"""What an order, a fill and a public trade are. All prices and quantities are units of 10^-8, all times milliseconds."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from simexchange.engine.filters import MarketRules
from simexchange.engine.units import product


class Side(StrEnum):
    """The side of the order that this is about."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> "Side":
        """The side that this one trades against."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    """What an order does. The last four wait until their price has been paid, and are limit or market orders then."""

    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    MARKET = "MARKET"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"

    @property
    def has_limit(self) -> bool:
        """Whether a price bounds what it may trade at."""
        return self in _LIMITED

    @property
    def waits(self) -> bool:
        """Whether it waits for a price before it goes live."""
        return self in _WAITING


_LIMITED = frozenset({OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT})
_WAITING = frozenset(
    {OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT}
)


class TimeInForce(StrEnum):
    """How long what is not filled at once stays."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class Status(StrEnum):
    """Where an order is in its life."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"


OPEN = frozenset({Status.NEW, Status.PARTIALLY_FILLED})


@dataclass(slots=True)
class Order:
    """An order on its way. `account` is None for the house: market makers and takers that make the market.

    `quantity` is 0 while `quote_quantity` rules how much is bought (a market order for an amount of quote).

    An order with a `stop_price` or a `trailing_delta` (basis points) is `waiting` until it goes live at `working_ms`; an order
    that ended before keeps the mark. `extreme` is the best price that a trailing order has followed so far, 0 before it
    began to; `seen_trade_id` the last public trade that this rests on. Funds are held at `held_price`. `priority` grows with
    every order that comes to rest on a book.
    """

    id: int
    account: str | None
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price: int
    quantity: int
    client_id: str = ""
    quote_quantity: int = 0
    created_ms: int = 0
    updated_ms: int = 0
    status: Status = Status.NEW
    filled: int = 0
    quote_filled: int = 0
    stop_price: int = 0
    trailing_delta: int = 0
    waiting: bool = False
    working_ms: int = 0
    extreme: int = 0
    seen_trade_id: int = 0
    held_price: int = 0
    priority: int = 0

    @property
    def open_quantity(self) -> int:
        """What is still to be filled."""
        return self.quantity - self.filled

    @property
    def is_open(self) -> bool:
        """Whether it can still trade."""
        return self.status in OPEN

    @property
    def has_limit(self) -> bool:
        """Whether a price bounds what it may trade at."""
        return self.type.has_limit

    @property
    def holds_funds(self) -> bool:
        """Whether funds are locked for what is open of it: it rests on the book, or waits."""
        return self.has_limit or self.waiting


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution, as the account that took part in it sees it."""

    trade_id: int
    account: str
    order_id: int
    symbol: str
    price: int
    quantity: int
    quote: int
    fee: int
    fee_asset: str
    time_ms: int
    is_buyer: bool
    is_maker: bool


class Trade(NamedTuple):
    """One public trade. `buyer_is_maker` is True where the taker sold."""

    id: int
    time_ms: int
    price: int
    quantity: int
    buyer_is_maker: bool


@dataclass(frozen=True, slots=True)
class NewOrder:
    """The command to place an order. Exactly one of `quantity` and `quote_quantity` is above zero."""

    account: str
    client_id: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce = TimeInForce.GTC
    price: int = 0
    quantity: int = 0
    quote_quantity: int = 0
    stop_price: int = 0
    trailing_delta: int = 0


def funds(rules: MarketRules, side: Side, price: int, quantity: int) -> tuple[str, int]:
    """Asset and amount that an order of this size ties up."""
    return (rules.quote, product(price, quantity)) if side is Side.BUY else (rules.base, quantity)


@dataclass(frozen=True, slots=True)
class Report:
    """Something that happened to a user's order: a copy of the order at that moment and what happened.

    `execution` is NEW, TRADE, CANCELED, EXPIRED or TRADE_PREVENTION; `fill` belongs to TRADE; `request_id` is the id of
    the cancelling request; `reason` says why an order expired, where its own terms do not.
    """

    execution: str
    order: Order
    fill: Fill | None = None
    request_id: str = ""
    reason: str = "NONE"
