"""A fake exchange with orders that wait for a price, and no more base to sell than there is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

from tests.fakes.execution import FakeExchange, Standing
from volexswarm.errors import Rejected
from volexswarm.execution.model import Capabilities, Evidence, OrderRequest
from volexswarm.messages import OrderState, OrderType, Side, TimeInForce


@dataclass
class TriggerExchange(FakeExchange):
    """`price` is the last one. Market orders are filled at it, waiting ones when it comes to them; `types` it takes."""

    price: Decimal = Decimal(100)
    types: frozenset[OrderType] = frozenset(OrderType)
    trigger_orders: int | None = 5
    best: dict[str, Decimal] = field(default_factory=dict)

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, order_types=self.types, trigger_orders=self.trigger_orders)

    @property
    def free(self) -> Decimal:
        """Base that no open sale locks."""
        return self.balance("BTC").free

    def place(self, request: OrderRequest) -> Evidence:
        if not self.mishaps or self.mishaps[0] in ("", "mute", "killed"):
            self._refuse(request)
        return super().place(request)

    def trade_at(self, price: Decimal) -> None:
        """The market comes to this price, and fills what waited for it."""
        self.price = price
        for order in [order for order in self.standing if not order.state.is_final]:
            request = order.request
            if request.trailing_share is not None:
                self.best[order.id] = max(price, self.best.get(order.id, price))
                trigger = self.best[order.id] * (1 - request.trailing_share)
            else:
                trigger = request.trigger_price or request.limit_price or Decimal(0)
            down = request.order_type in (OrderType.STOP_LOSS, OrderType.TRAILING_STOP) or request.side is Side.BUY
            if price <= trigger if down else price >= trigger:
                self.fill(order, str(request.amount - order.filled), str(price))

    def drop(self, order: Standing, state: OrderState = OrderState.CANCELED) -> None:
        """Somebody else takes an order off the book."""
        order.state = state

    def _refuse(self, request: OrderRequest) -> None:
        if request.side is Side.SELL and request.amount > self.free:
            self.calls.append("place")
            self.mishaps[:1] = []
            raise Rejected("InsufficientFunds: insufficient balance")
        trigger = request.trigger_price
        if request.order_type is OrderType.STOP_LOSS and trigger is not None and trigger >= self.price:
            self.calls.append("place")
            self.mishaps[:1] = []
            raise Rejected("OrderImmediatelyFillable: Stop price would trigger immediately.")

    def _accept(self, request: OrderRequest) -> Standing:
        if request.order_type is not OrderType.MARKET:
            order = super()._accept(request)
            if request.time_in_force is TimeInForce.IOC:
                self._now_or_never(order)
            return order
        order = super()._accept(replace(request, order_type=OrderType.LIMIT))
        order.request = request
        self.fill(order, str(request.amount), str(self.price))
        return order

    def _now_or_never(self, order: Standing) -> None:
        """Whole at the last price, or not at all."""
        limit = order.request.limit_price
        assert limit is not None
        if self.price <= limit if order.request.side is Side.BUY else self.price >= limit:
            self.fill(order, str(order.request.amount), str(self.price))
        else:
            order.state = OrderState.EXPIRED
