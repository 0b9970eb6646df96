"""What the market's prices make of a paper order: pure, so that the same prices always make the same fills.

An order that takes is filled whole, at the quote or at the trade that woke it, worse by the slippage. An order that rests is
filled at its own price: by a trade that was printed beyond it, or by one at it, of the other side and as large as all that is
left of the order: whoever stood before us at that price is not known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_UP, Decimal

from volexswarm.errors import Rejected
from volexswarm.execution.model import OrderRequest
from volexswarm.messages import OrderState, OrderType, Quote, Side, TimeInForce

_STOPS = frozenset({OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT, OrderType.TRAILING_STOP})


@dataclass(frozen=True)
class PaperOrder:
    """An order that stands, or stood. `best_price` is the best that a trailing stop has seen; times are the exchange's."""

    client_order_id: str
    symbol: str
    side: Side
    order_type: OrderType
    amount: Decimal
    limit_price: Decimal | None
    trigger_price: Decimal | None
    trailing_share: Decimal | None
    best_price: Decimal | None
    price_step: Decimal
    taker_fee: Decimal
    maker_fee: Decimal
    state: OrderState
    filled: Decimal
    triggered_at: datetime | None
    accepted_at: datetime
    after_trade_id: int
    updated_at: datetime
    id: int = 0

    @property
    def remaining(self) -> Decimal:
        return self.amount - self.filled

    @property
    def is_waiting(self) -> bool:
        """Whether its price has not been reached yet."""
        waits = self.order_type.has_trigger or self.order_type is OrderType.TRAILING_STOP
        return waits and self.triggered_at is None

    @property
    def threshold(self) -> Decimal:
        """The price that wakes a waiting order."""
        if self.order_type is not OrderType.TRAILING_STOP:
            assert self.trigger_price is not None  # its type names one
            return self.trigger_price
        assert self.best_price is not None
        assert self.trailing_share is not None
        away = -self.trailing_share if self.side is Side.SELL else self.trailing_share
        return self.best_price * (1 + away)

    @property
    def locks(self) -> Decimal:
        """What it holds back: base for a sale, quote for a purchase with a limit; a purchase without one holds nothing."""
        if self.state.is_final:
            return Decimal(0)
        if self.side is Side.SELL:
            return self.remaining
        return self.remaining * (self.limit_price or 0)


@dataclass(frozen=True)
class PublicTrade:
    """A trade as the venue printed it; `buyer_took` tells who came to whom."""

    id: int
    at: datetime
    price: Decimal
    amount: Decimal
    buyer_took: bool


@dataclass(frozen=True)
class Execution:
    """A part of an order that is done."""

    price: Decimal
    amount: Decimal
    is_maker: bool
    as_of: datetime


def meet(order: PaperOrder, tif: TimeInForce, quote: Quote, slippage: Decimal) -> tuple[PaperOrder, Execution | None]:
    """What becomes of an order when it comes: it takes, it stands, or (immediate or nothing) it expires.

    Raises
    ------
    Rejected
        If it would take and must not, or its price has been reached already.
    """
    if order.is_waiting:
        if _reached(order, quote.bid if order.side is Side.SELL else quote.ask):
            raise Rejected(f"the price {order.threshold.normalize():f} has been reached already")
        return order, None
    against = quote.ask if order.side is Side.BUY else quote.bid
    if order.limit_price is None or _within(order, against):
        if tif is TimeInForce.POST_ONLY:
            raise Rejected("the order would take at once, and is to be a maker only")
        return order, Execution(_worse(order, against, slippage), order.remaining, False, quote.as_of)
    if tif in (TimeInForce.IOC, TimeInForce.FOK):
        return replace(order, state=OrderState.EXPIRED), None
    return order, None


def follow(order: PaperOrder, trade: PublicTrade, slippage: Decimal) -> tuple[PaperOrder, Execution | None]:
    """What a public trade that was printed after it came does to an order that stands."""
    if not order.is_waiting:
        return order, _resting(order, trade)
    if order.order_type is OrderType.TRAILING_STOP:
        best = max if order.side is Side.SELL else min
        assert order.best_price is not None
        order = replace(order, best_price=best(order.best_price, trade.price))
    if not _reached(order, trade.price):
        return order, None
    woken = replace(order, triggered_at=trade.at, updated_at=trade.at)
    if order.limit_price is not None and not _within(order, trade.price):
        return woken, None
    return woken, Execution(_worse(order, trade.price, slippage), order.remaining, False, trade.at)


def _resting(order: PaperOrder, trade: PublicTrade) -> Execution | None:
    limit = order.limit_price
    assert limit is not None  # what is without one has taken, or waits
    buys = order.side is Side.BUY
    beyond = trade.price < limit if buys else trade.price > limit
    at = trade.price == limit and trade.buyer_took is not buys and trade.amount >= order.remaining
    return Execution(limit, order.remaining, True, trade.at) if beyond or at else None


def _reached(order: PaperOrder, price: Decimal) -> bool:
    falling = (order.side is Side.SELL) is (order.order_type in _STOPS)
    return price <= order.threshold if falling else price >= order.threshold


def _within(order: PaperOrder, price: Decimal) -> bool:
    assert order.limit_price is not None
    return price <= order.limit_price if order.side is Side.BUY else price >= order.limit_price


def _worse(order: PaperOrder, price: Decimal, slippage: Decimal) -> Decimal:
    """The price, worse by the slippage, on the venue's grid; never worse than the order's limit."""
    if order.side is Side.BUY:
        slipped = _to_step(price * (1 + slippage), order.price_step, ROUND_UP)
        return slipped if order.limit_price is None else min(slipped, order.limit_price)
    slipped = max(_to_step(price * (1 - slippage), order.price_step, ROUND_DOWN), order.price_step)
    return slipped if order.limit_price is None else max(slipped, order.limit_price)


def _to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return (value / step).to_integral_value(rounding) * step


def accepted(
    request: OrderRequest, quote: Quote, *, price_step: Decimal, fees: tuple[Decimal, Decimal], after_trade_id: int
) -> PaperOrder:
    """The order as it comes to the venue. `fees` are the rates of taker and maker."""
    taker, maker = fees
    best = quote.bid if request.side is Side.SELL else quote.ask
    return PaperOrder(
        client_order_id=request.client_order_id,
        symbol=request.symbol,
        side=request.side,
        order_type=request.order_type,
        amount=request.amount,
        limit_price=request.limit_price if request.order_type.has_limit else None,
        trigger_price=request.trigger_price if request.order_type.has_trigger else None,
        trailing_share=request.trailing_share,
        best_price=best if request.order_type is OrderType.TRAILING_STOP else None,
        price_step=price_step,
        taker_fee=taker,
        maker_fee=maker,
        state=OrderState.ACCEPTED,
        filled=Decimal(0),
        triggered_at=None,
        accepted_at=quote.as_of,
        after_trade_id=after_trade_id,
        updated_at=quote.as_of,
    )
