"""Whether an order is let in: the market's filters, the account's funds, and what its type demands. Changes nothing."""

from simexchange.engine import matching, triggers
from simexchange.engine.accounts import Accounts
from simexchange.engine.errors import Reason, Refused
from simexchange.engine.market import Market
from simexchange.engine.orders import NewOrder, OrderType, Side, funds
from simexchange.engine.units import product


def check(market: Market, accounts: Accounts, new: NewOrder, now_ms: int) -> None:
    """Refuse an order that cannot be.

    Raises
    ------
    Refused
        With the first reason found.
    """
    if new.type.waits:
        _check_trigger(market, new)
    if new.type.has_limit:
        _check_limit(market, new, now_ms)
    else:
        _check_size_at_market(market, new, now_ms)
    _check_counts(market, accounts, new)
    accounts.require_free(new.account, *_funds_needed(market, new))
    best = market.book.best(new.side.opposite)
    if new.type is OrderType.LIMIT_MAKER and best is not None and _crosses(new.side, new.price, best[0]):
        raise Refused(Reason.WOULD_TAKE)


def held_price(market: Market, new: NewOrder) -> int:
    """The price at which funds are set aside for an order that does not trade at once; 0 for one that does."""
    if new.type.has_limit:
        return new.price
    if not new.type.waits:
        return 0
    return market.rules.whole_ticks_up(
        triggers.expected_price(new.stop_price, new.trailing_delta, _price_around(market, new.side))
    )


def _check_trigger(market: Market, new: NewOrder) -> None:
    rules, price = market.rules, _price_around(market, new.side)
    if new.stop_price:
        rules.check_price(new.stop_price)
        if price and triggers.reached(new.type, new.side, new.stop_price, price):
            raise Refused(Reason.WOULD_TRIGGER)
    if new.trailing_delta or not new.stop_price:
        rules.check_trailing_delta(new.trailing_delta)


def _check_limit(market: Market, new: NewOrder, now_ms: int) -> None:
    rules = market.rules
    rules.check_price(new.price)
    rules.check_quantity(new.quantity, market=False)
    average = market.average_price(now_ms)
    if average is not None:
        rules.check_price_against(average, new.price)
    rules.check_notional(product(new.price, new.quantity), market=False)


def _check_size_at_market(market: Market, new: NewOrder, now_ms: int) -> None:
    rules = market.rules
    if new.quote_quantity:
        rules.check_notional(new.quote_quantity, market=True)
        return
    rules.check_quantity(new.quantity, market=True)
    price = market.average_price(now_ms) or _price_around(market, new.side)
    if price:
        rules.check_notional(product(price, new.quantity), market=True)


def _check_counts(market: Market, accounts: Accounts, new: NewOrder) -> None:
    rules, standing = market.rules, market.open_of(new.account)
    if len(standing) >= rules.max_orders:
        raise Refused(Reason.MAX_NUM_ORDERS, str(rules.max_orders))
    if new.type.waits and sum(order.type.waits for order in standing) >= rules.max_waiting_orders:
        raise Refused(Reason.MAX_NUM_ALGO_ORDERS, str(rules.max_waiting_orders))
    if new.side is Side.BUY and rules.max_position is not None:
        balance = accounts.balance(new.account, rules.base)
        bought = sum(order.open_quantity for order in standing if order.side is Side.BUY)
        wanted = new.quantity or matching.affordable(market.book, new.account, new.quote_quantity, rules.step)
        if balance.free + balance.locked + bought + wanted > rules.max_position:
            raise Refused(Reason.MAX_POSITION)


def _funds_needed(market: Market, new: NewOrder) -> tuple[str, int]:
    """Asset and amount that the account must have free."""
    rules, book = market.rules, market.book
    if new.type.has_limit or new.type.waits:
        return funds(rules, new.side, held_price(market, new), new.quantity)
    if new.side is Side.BUY:
        return rules.quote, new.quote_quantity or matching.cost(book, new.account, new.quantity)
    return rules.base, new.quantity or matching.base_for(book, new.account, new.quote_quantity, rules.step)


def _price_around(market: Market, side: Side) -> int:
    """The last price, or what the other side offers; 0 in a market where nothing is."""
    best = market.book.best(side.opposite)
    return market.last_price or (best[0] if best else 0)


def _crosses(side: Side, price: int, other: int) -> bool:
    return price >= other if side is Side.BUY else price <= other
