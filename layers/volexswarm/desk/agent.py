"""Takes a person's trade: raises it as a signal once per idempotency key, at the market's present price, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from volexswarm.clock import Clock
from volexswarm.desk.ports import DeskTransaction
from volexswarm.errors import Conflict, InvalidInput, Unavailable, require
from volexswarm.messages import Event, OrderType, Quote, Side, SignalRaised
from volexswarm.ports import QuoteBoard, Store

SOURCE = "api"
MANUAL = "manual"


@dataclass(frozen=True)
class Wish:
    """What a person wants: `amount` in base currency; `limit_price` in quote currency for a limit order only."""

    symbol: str
    side: Side
    amount: Decimal
    order_type: OrderType
    limit_price: Decimal | None = None


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

    def take(self, wish: Wish, *, requested_by: str, idempotency_key: str) -> Taken:
        """Raise the wish as a signal. The same person's same key gives the same signal again, and nothing new.

        Raises
        ------
        InvalidInput
            If the symbol is not traded here, or amount and prices make no order.
        Conflict
            If the key was used for another wish, or trading is halted.
        Unavailable
            If there is no present price of the symbol, or nothing can be stored.
        """
        self._check(wish)
        quote = self._quote(wish.symbol)
        event = self._event(wish, quote, requested_by, idempotency_key)
        with self._store.transaction() as tx:
            state = tx.trading_state(self._venue)
            if tx.add_signal(event):
                if state.halt is not None:
                    raise Conflict(f"trading is {state.halt}; nothing is traded until an administrator lifts it")
                tx.publish(event)
                return Taken(event.id, event.correlationid, event.data, repeated=False, mode=state.mode)
            known = tx.signal(event.id)
        if _wish(known) != wish:
            raise Conflict("this idempotency key was used for another trade: take a new one for a new trade")
        return Taken(event.id, event.correlationid, known, repeated=True, mode=state.mode)

    def _check(self, wish: Wish) -> None:
        require(wish.symbol in self._symbols, "symbol", wish.symbol, f"one of {', '.join(self._symbols)}")
        require(wish.amount.is_finite() and wish.amount > 0, "amount", wish.amount, "more than 0")
        if wish.order_type is OrderType.LIMIT:
            price = wish.limit_price
            fits = price is not None and price.is_finite() and price > 0
            require(fits, "price", price, "a price above 0, since the type is limit")
        elif wish.limit_price is not None:
            raise InvalidInput("price", wish.limit_price, "no price, since the type is market")

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
            as_of=quote.as_of,
            reason=f"{requested_by} asked for it",
            requested_by=requested_by,
        )
        # a name may hold anything: its length keeps name and key apart
        identity = f"{MANUAL}/{len(requested_by)}/{requested_by}/{key}"
        return Event.root(signal, source=SOURCE, subject=signal.key, identity=identity, time=self._clock.now())


def _wish(signal: SignalRaised) -> Wish:
    assert signal.amount is not None  # a manual signal always has one
    return Wish(signal.symbol, signal.side, signal.amount, signal.order_type, signal.limit_price)
