"""When an order that waits for a price goes live: at a stop, at a profit, or when the market turns back from its best.

Only public trades count. A trailing order follows the best price since it began to (at once, or when its stop price was
reached), and fires when the price has come back from there by `trailing_delta` basis points.
"""

from simexchange.engine.orders import Order, OrderType, Side

BASIS_POINTS = 10_000


def reached(kind: OrderType, side: Side, stop_price: int, price: int) -> bool:
    """Whether a price is on the far side of a stop price: a stop's is behind the market, a profit's before it."""
    stops = kind in {OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT}
    return price >= stop_price if stops is (side is Side.BUY) else price <= stop_price


def watch(order: Order, price: int) -> bool:
    """Let a waiting order see a public price; it may move its `extreme`. Whether the order fires."""
    if not order.trailing_delta:
        return reached(order.type, order.side, order.stop_price, price)
    if not order.extreme:
        if not order.stop_price or reached(order.type, order.side, order.stop_price, price):
            order.extreme = price
        return False
    if order.side is Side.SELL:
        order.extreme = max(order.extreme, price)
        return price * BASIS_POINTS <= order.extreme * (BASIS_POINTS - order.trailing_delta)
    order.extreme = min(order.extreme, price)
    return price * BASIS_POINTS >= order.extreme * (BASIS_POINTS + order.trailing_delta)


def expected_price(stop_price: int, trailing_delta: int, last: int) -> int:
    """The price at which a market order that waits is expected to buy, to set funds aside by.

    Its stop price; a trailing one's, as far above it, or above the last price, as it trails.
    """
    base = stop_price or last
    return -(-base * (BASIS_POINTS + trailing_delta) // BASIS_POINTS)
