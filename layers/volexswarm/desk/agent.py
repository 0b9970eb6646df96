"""Takes a person's trade: raises it as a signal once per idempotency key, at the market's present price, or not at all.

And a person's cancellation of an order, which goes the way of every command about orders.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from volexswarm.clock import Clock
from volexswarm.desk.ports import DeskTransaction
from volexswarm.errors import Conflict, InvalidInput, Unavailable, require
from volexswarm.messages import (
    CancelOrder,
    Event,
    OrderState,
    OrderType,
    Protection,
    Purpose,
    Quote,
    Side,
    SignalRaised,
    TimeInForce,
    root_id,
)
from volexswarm.ports import QuoteBoard, Store, TradingState

SOURCE = "api"
MANUAL = "manual"


@dataclass(frozen=True)
class Wish:
    """What a person wants: `amount` in base currency, prices in quote currency.

    `limit_price` and `trigger_price` for the types that have one, and for no other; `protection` says how what is bought is left.
    """

    symbol: str
    side: Side
    amount: Decimal
    order_type: OrderType
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    protection: Protection | None = None


@dataclass(frozen=True)
class Standing:
    """An order that is to be canceled, as it was read; `goes_on` if it is a slice of a large one of which more slices follow."""

    order_id: str
    venue: str
    account: str
    symbol: str
    state: OrderState
    purpose: Purpose
    goes_on: bool = False


@dataclass(frozen=True)
class Large:
    """A large order that is worked in slices and is to be canceled, as it was read."""

    proposal_id: str
    venue: str
    account: str
    symbol: str


@dataclass(frozen=True)
class Taken:
    """The signal a wish became; `repeated` when the same request had been taken before; `mode` what money it is about."""

    event_id: str
    correlation_id: str
    signal: SignalRaised
    repeated: bool
    mode: str


class TradingDesk:
    """Turns wishes into signals.

    Parameters
    ----------
    store : Store[DeskTransaction]
        Where signals and their messages are stored together.
    quotes : QuoteBoard
        Present prices.
    clock : Clock
        Wall time, to judge a quote's age.
    venue, symbols
        Where may be traded, and what.
    quote_max_age : timedelta
        A price that is older is no present price.
    """

    def __init__(
        self,
        store: Store[DeskTransaction],
        quotes: QuoteBoard,
        clock: Clock,
        *,
        venue: str,
        symbols: tuple[str, ...],
        quote_max_age: timedelta,
    ) -> None:
        self._store = store
        self._quotes = quotes
        self._clock = clock
        self._venue = venue
        self._symbols = symbols
        self._quote_max_age = quote_max_age

    def take(
        self,
        wish: Wish,
        *,
        requested_by: str,
        idempotency_key: str,
        accept: Callable[[TradingState, Decimal], None] | None = None,
    ) -> Taken:
        """Raise the wish as a signal. The same person's same key gives the same signal again, and nothing new: also where the
        market has gone since to where the wish would be refused, for whoever asks again did not hear the first answer.

        Parameters
        ----------
        accept : callable, optional
            Is given the state of trading and the market's price that the signal would carry, before it is raised for the first
            time; refuses by raising.

        Raises
        ------
        InvalidInput
            If the symbol is not traded here, or amount and prices make no order.
        Conflict
            If the key was used for another wish, or trading is halted.
        Unavailable
            If there is no present price of the symbol, or nothing can be stored.
        """
        signal_id = self.signal_id(requested_by=requested_by, idempotency_key=idempotency_key)
        with self._store.transaction() as tx:
            known = self._known(tx, signal_id, wish)
        if known is not None:
            return known
        event = self.draft(wish, requested_by=requested_by, idempotency_key=idempotency_key)
        with self._store.transaction() as tx:
            state = tx.trading_state(self._venue)
            if not tx.add_signal(event):  # the same request came twice at once
                known = self._known(tx, signal_id, wish)
                assert known is not None
                return known
            if state.halt is not None:
                raise Conflict(f"trading is {state.halt}; nothing is traded until an administrator lifts it")
            if accept is not None:
                accept(state, event.data.price)
            tx.publish(event)
        return Taken(event.id, event.correlationid, event.data, repeated=False, mode=state.mode)

    def draft(self, wish: Wish, *, requested_by: str, idempotency_key: str) -> Event[SignalRaised]:
        """The signal that the wish would be raised as at this moment; nothing is stored.

        Raises
        ------
        InvalidInput
            If the symbol is not traded here, or amount and prices make no order.
        Unavailable
            If there is no present price of the symbol.
        """
        self._check(wish)
        quote = self._quote(wish.symbol)
        _check_sides(wish, quote.mid)
        return self._event(wish, quote, requested_by, idempotency_key)

    def signal_id(self, *, requested_by: str, idempotency_key: str) -> str:
        """The id of the signal that this key gives, whether it has been raised or not."""
        return root_id(SignalRaised, _identity(requested_by, idempotency_key))

    def cancel(self, order: Standing | Large, *, requested_by: str, reason: str) -> None:
        """Send the command to take an order off the exchange; a slice is the last of its large order, also one that has ended.

        Raises
        ------
        Conflict
            If it has ended, or guards a position: that is not left without its guard by canceling an order.
        Unavailable
            If nothing can be stored.
        """
        if isinstance(order, Standing):
            _check_cancelable(order)
            named = {"order_id": order.order_id}
        else:
            named = {"proposal_id": order.proposal_id}
        now = self._clock.now()
        command = CancelOrder(
            venue=order.venue,
            account=order.account,
            symbol=order.symbol,
            requested_by=requested_by,
            reason=reason,
            **named,
        )
        with self._store.transaction() as tx:
            identity = f"{command.of}/{len(requested_by)}/{requested_by}/{now.isoformat()}"
            tx.publish(Event.root(command, source=SOURCE, subject=command.key, identity=identity, time=now))

    def _known(self, tx: DeskTransaction, signal_id: str, wish: Wish) -> Taken | None:
        """What was taken under this id, None if nothing was. Raises Conflict if it was another wish."""
        signal = tx.signal(signal_id)
        if signal is None:
            return None
        if _wish(signal) != wish:
            raise Conflict("this idempotency key was used for another trade: take a new one for a new trade")
        return Taken(signal_id, signal_id, signal, repeated=True, mode=tx.trading_state(self._venue).mode)

    def _check(self, wish: Wish) -> None:
        kind = wish.order_type
        require(wish.symbol in self._symbols, "symbol", wish.symbol, f"one of {', '.join(self._symbols)}")
        require(wish.amount.is_finite() and wish.amount > 0, "amount", wish.amount, "more than 0")
        require(kind is not OrderType.TRAILING_STOP, "type", kind.value, "another: a trailing stop is a protection")
        _check_price("price", wish.limit_price, kind, wanted=kind.has_limit)
        _check_price("trigger_price", wish.trigger_price, kind, wanted=kind.has_trigger)
        tif = wish.time_in_force
        fits = tif is TimeInForce.GTC or kind is OrderType.LIMIT
        require(fits, "time_in_force", tif.value, f"gtc, since the type is {kind}: only a limit order knows others")
        if wish.protection is not None:
            require(wish.side is Side.BUY, "protection", wish.side.value, "none: only what is bought can be left again")
            require(not wish.protection.is_empty, "protection", "nothing", "at least one way out")

    def _quote(self, symbol: str) -> Quote:
        quote = self._quotes.get(self._venue, [symbol]).get(symbol)
        if quote is None:
            raise Unavailable("market data", f"there is no price of {symbol} yet")
        age = self._clock.now() - quote.received_at
        if age > self._quote_max_age:
            raise Unavailable("market data", f"the last price of {symbol} is {age.total_seconds():.0f} s old")
        return quote

    def _event(self, wish: Wish, quote: Quote, requested_by: str, key: str) -> Event[SignalRaised]:
        signal = SignalRaised(
            venue=self._venue,
            symbol=wish.symbol,
            strategy_id=MANUAL,
            strategy=MANUAL,
            side=wish.side,
            confidence=1.0,
            price=quote.mid,
            amount=wish.amount,
            order_type=wish.order_type,
            limit_price=wish.limit_price,
            trigger_price=wish.trigger_price,
            time_in_force=wish.time_in_force,
            protection=wish.protection,
            as_of=quote.as_of,
            reason=f"{requested_by} asked for it",
            requested_by=requested_by,
        )
        identity = _identity(requested_by, key)
        return Event.root(signal, source=SOURCE, subject=signal.key, identity=identity, time=self._clock.now())


def _check_cancelable(order: Standing) -> None:
    if order.state.is_final and not order.goes_on:
        raise Conflict(f"order {order.order_id} is {order.state} already")
    if order.purpose not in (Purpose.TRADE, Purpose.SLICE):
        raise Conflict(f"order {order.order_id} is a {order.purpose} and would be placed again: sell what it guards")


def _identity(requested_by: str, key: str) -> str:
    """A name may hold anything: its length keeps name and key apart."""
    return f"{MANUAL}/{len(requested_by)}/{requested_by}/{key}"


def _wish(signal: SignalRaised) -> Wish:
    assert signal.amount is not None  # a manual signal always has one
    return Wish(
        signal.symbol,
        signal.side,
        signal.amount,
        signal.order_type,
        signal.limit_price,
        signal.trigger_price,
        signal.time_in_force,
        signal.protection,
    )


def _check_price(field: str, price: Decimal | None, kind: OrderType, *, wanted: bool) -> None:
    if wanted:
        fits = price is not None and price.is_finite() and price > 0
        require(fits, field, price, f"a price above 0, since the type is {kind}")
    elif price is not None:
        raise InvalidInput(field, price, f"no price, since the type is {kind}")


def _check_sides(wish: Wish, price: Decimal) -> None:
    """What waits for a price must not be there already, and a way out must lie on its own side of the way in."""
    trigger = wish.trigger_price
    if trigger is not None:
        is_stop = wish.order_type in (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)
        above = is_stop == (wish.side is Side.BUY)
        fits = trigger > price if above else trigger < price
        words = f"{'above' if above else 'below'} the present price {_plain(price)}"
        require(fits, "trigger_price", _plain(trigger), f"{words}, since it is a {wish.order_type} to {wish.side}")
    if wish.protection is None:
        return
    entry = wish.limit_price or trigger or price
    stop, target = wish.protection.stop_price, wish.protection.take_profit_price
    if stop is not None:
        require(
            stop < entry, "protection.stop_price", _plain(stop), f"below the price of the purchase, {_plain(entry)}"
        )
    if target is not None:
        expected = f"above the price of the purchase, {_plain(entry)}"
        require(target > entry, "protection.take_profit_price", _plain(target), expected)


def _plain(price: Decimal) -> str:
    return format(price, "f")
