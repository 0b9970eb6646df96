"""How an incoming order meets the book: best price first, oldest first, always at the resting order's price."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from simexchange.engine.book import Book
from simexchange.engine.orders import Order, Side
from simexchange.engine.units import ONE, product


class Execution(NamedTuple):
    """One meeting of two orders, already applied to both orders and the book."""

    maker: Order
    price: int
    quantity: int
    quote: int


def acceptable(order: Order, price: int) -> bool:
    """Whether the order may trade at this price."""
    if not order.has_limit:
        return True
    return price <= order.price if order.side is Side.BUY else price >= order.price


def match(book: Book, taker: Order, step: int, expire_own: Callable[[Order], None]) -> Iterator[Execution]:
    """Execute `taker` against the book until it is filled, its price is reached, or nothing is left.

    A resting order of the same account is never traded with: `expire_own` has to take it off the book.
    """
    while (maker := book.first(taker.side.opposite)) is not None and acceptable(taker, maker.price):
        if maker.account is not None and maker.account == taker.account:
            expire_own(maker)
            continue
        quantity = min(_wanted(taker, maker.price, step), maker.open_quantity)
        if quantity == 0:
            return
        price, quote = maker.price, product(maker.price, quantity)
        book.reduce(maker, quantity)
        maker.quote_filled += quote
        taker.filled += quantity
        taker.quote_filled += quote
        yield Execution(maker, price, quantity, quote)


def available(book: Book, taker: Order) -> int:
    """Quantity that the book could give this order now, without the account's own orders."""
    total = 0
    for maker in book.resting(taker.side.opposite):
        if total >= taker.quantity or not acceptable(taker, maker.price):
            break
        if maker.account is None or maker.account != taker.account:
            total += maker.open_quantity
    return total


def cost(book: Book, account: str, quantity: int) -> int:
    """Quote that buying `quantity` at market would cost now, as far as the book goes."""
    left, total = quantity, 0
    for maker in book.resting(Side.SELL):
        if left == 0:
            break
        if maker.account == account:
            continue
        part = min(left, maker.open_quantity)
        total += product(maker.price, part)
        left -= part
    return total


def base_for(book: Book, account: str, quote: int, step: int) -> int:
    """Base that selling for `quote` at market would take now, as far as the book goes."""
    left, total = quote, 0
    for maker in book.resting(Side.BUY):
        if left <= 0:
            break
        if maker.account != account:
            total += min(maker.open_quantity, _steps_for(left, maker.price, step))
            left -= product(maker.price, maker.open_quantity)
    return total


def affordable(book: Book, account: str, quote: int, step: int) -> int:
    """Base that `quote` would buy at market now, as far as the book goes."""
    left, total = quote, 0
    for maker in book.resting(Side.SELL):
        if maker.account == account:
            continue
        part = min(maker.open_quantity, _steps_for(left, maker.price, step))
        if part <= 0:
            break
        total += part
        left -= product(maker.price, part)
    return total


def _steps_for(quote: int, price: int, step: int) -> int:
    quantity = quote * ONE // price
    return quantity - quantity % step


def _wanted(taker: Order, price: int, step: int) -> int:
    if not taker.quote_quantity:
        return taker.open_quantity
    return _steps_for(taker.quote_quantity - taker.quote_filled, price, step)
