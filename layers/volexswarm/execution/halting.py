"""Clears the exchange after the kill switch: no order of ours stands open any more, and what is held is sold if that is wanted.

The halt itself is in force from its commit on: nobody can send any more. What had been stored as being sent before may still be
on its way, and the exchange takes it within its acceptance window. So the exchange is looked at until that has passed, and only
its own word settles the halt. Every step may be repeated and taken up by whoever comes next: the command comes back until it is
done, and the keeper looks after a halt that nobody brings to its end.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Generic, TypeVar

from volexswarm.clock import Clock
from volexswarm.errors import MarketClosed, NotYet, Rejected, Retry
from volexswarm.execution.identity import client_order_id, order_id
from volexswarm.execution.model import MarketRules, Order, StandingOrder
from volexswarm.execution.orders import Orders
from volexswarm.execution.ports import ExchangeGateway, ExecutionTransaction, HaltingTransaction
from volexswarm.execution.record import SOURCE
from volexswarm.execution.rounding import fit
from volexswarm.messages import Event, HaltSettled, OrderType, Purpose, Side, TradingHalted
from volexswarm.ports import Halt, Store

logger = logging.getLogger(__name__)

STRATEGY = "kill-switch"

_MARGIN = timedelta(seconds=3)  # for clocks that differ, and for an exchange that lists its orders a little late
_NO_WINDOW = timedelta(minutes=1)  # where the venue sets no limit: longer than any request of ours is waited for
_PATIENCE = timedelta(seconds=20)  # of one round, so that it ends before its function is cut off
_LONGEST_WAIT = timedelta(seconds=10)
_FUTILE = 3  # sales of a symbol that sold nothing, after which what is held is left
_EMPTYING = Purpose.FLATTEN

OrdersT = TypeVar("OrdersT", bound=ExecutionTransaction)


@dataclass(frozen=True)
class Way(Generic[OrdersT]):
    """One account's way to the exchange: its orders, and the gateway that they go by."""

    orders: Orders[OrdersT]
    exchange: ExchangeGateway


@dataclass
class _Round:
    """What one round has met: reasons to come back, and what waiting does not cure."""

    ends: datetime
    waits: list[Retry] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    @contextmanager
    def part(self) -> Iterator[None]:
        """One piece of work: its failure does not keep the others from being done."""
        try:
            yield
        except Retry as wait:
            logger.warning("the halt is not settled yet: %s", wait)
            self.waits.append(wait)
        except Exception as failure:
            logger.exception("the halt can't be settled")
            self.failures.append(failure)

    def conclude(self) -> None:
        """Raise the first failure, or come back when the longest of the waits is over."""
        if self.failures:
            raise self.failures[0]
        if self.waits:
            longest = max(self.waits, key=lambda wait: wait.after)
            raise NotYet(
                str(longest), min(longest.after, _LONGEST_WAIT)
            )  # not later each time: nobody trades meanwhile


class Halting(Generic[OrdersT]):
    """Halts at one venue.

    Parameters
    ----------
    way : callable
        Gives an account's way to the exchange.
    symbols : sequence of str
        What is traded: an asset is sold in the first market that it is the base of, those in `currency` before others.
    currency : str
        What is left as it is: the valuation currency.
    """

    def __init__(
        self,
        *,
        store: Store[HaltingTransaction],
        way: Callable[[str], Way[OrdersT]],
        clock: Clock,
        venue: str,
        symbols: Sequence[str],
        currency: str,
    ) -> None:
        self._store = store
        self._way = way
        self._clock = clock
        self._venue = venue
        self._markets = sorted(symbols, key=lambda symbol: not symbol.endswith(f"/{currency}"))
        self._currency = currency

    def carry_out(self, event: Event[TradingHalted]) -> None:
        """Clear the exchange as the halt wants it; a halt that is lifted or settled already is left alone.

        Raises
        ------
        Retry
            While it is not settled: come again.
        """
        self.look_after(event.data.halt_id)

    def look_after(self, halt_id: str | None = None) -> None:
        """Go on with the halt in force until it is settled; with `halt_id`, only if it is this one. Raises Retry."""
        with self._store.transaction() as tx:
            halt, accounts = tx.halt_in_force(), tx.accounts_at(self._venue)
        if halt is not None and halt.settled_at is None and halt_id in (None, halt.id):
            self._settle(halt, accounts)

    def _settle(self, halt: Halt, accounts: Sequence[str]) -> None:
        started = self._clock.now()
        this = _Round(started + _PATIENCE)
        with self._store.transaction() as tx:
            tx.stop_plans(self._venue, halt.words, started)
        left = [words for account in accounts for words in self._clear(halt, account, this)]
        this.conclude()
        horizon = halt.halted_at + max(map(self._window, accounts), default=_NO_WINDOW) + _MARGIN
        if started < horizon:
            raise NotYet("what was sent before the halt may still arrive", horizon - started)
        sold: dict[str, Decimal] = {}
        if halt.flatten:
            self._empty(halt, this, sold, left)
            this.conclude()
        self._conclude(halt, sold, left)

    def _window(self, account: str) -> timedelta:
        window = self._way(account).exchange.capabilities.acceptance_window
        return _NO_WINDOW if window is None else window

    # Orders off the exchange.

    def _clear(self, halt: Halt, account: str, this: _Round) -> list[str]:
        """Cancel every order of the account: those we know to be open, and those that the exchange says are."""
        with self._store.transaction() as tx:
            known = tx.open_orders_of(self._venue, account)
        for order in known:
            if order.purpose is not _EMPTYING:
                with this.part():
                    self._in_time(this)
                    self._way(account).orders.cancel(order.id, halt.words)
        foreign: list[str] = []
        with this.part():
            for standing in self._way(account).exchange.open_orders():
                with this.part():
                    foreign += self._take_off(halt, account, standing)
        return foreign

    def _take_off(self, halt: Halt, account: str, standing: StandingOrder) -> list[str]:
        """See that an order which the exchange says is open gets off it; one that is none of ours is left, and said."""
        theirs = standing.evidence.exchange_order_id
        with self._store.transaction() as tx:
            order = tx.order_at_exchange(self._venue, account, standing.symbol, standing.client_order_id, theirs)
        if order is None:
            return [f"order {theirs} of {standing.symbol} in {account} is none of ours and stands"]
        if order.purpose is _EMPTYING:
            return []
        if not order.state.is_final:
            self._way(account).orders.cancel(order.id, halt.words)
            return []
        # our records say that it has ended: it must not stand
        self._way(account).exchange.cancel(order.client_order_id, order.symbol, theirs)
        raise Retry(f"order {order.id} stood at the exchange although it was {order.state}", timedelta(seconds=1))

    def _in_time(self, this: _Round) -> None:
        if self._clock.now() > this.ends:
            raise Retry("there is more to do", timedelta(seconds=1))

    # What is held.

    def _empty(self, halt: Halt, this: _Round, sold: dict[str, Decimal], left: list[str]) -> None:
        """Sell what the account in force holds, at market; fills `sold`, and `left` with what can't be sold."""
        with self._store.transaction() as tx:
            account = tx.trading_state(self._venue).account
            started = {order.symbol for order in tx.open_orders_of(self._venue, account) if order.purpose is _EMPTYING}
        held: dict[str, Decimal] = {}
        with this.part():
            held = self._way(account).exchange.balances()
        markets = {asset: self._market(asset) for asset, amount in held.items() if amount and asset != self._currency}
        left += [
            f"{held[asset].normalize():f} {asset} in {account}: it is not traded here"
            for asset, market in markets.items()
            if market is None
        ]
        for symbol in sorted(started.union(filter(None, markets.values()))):
            with this.part():
                left += self._sell(halt, account, symbol, this)
            with self._store.transaction() as tx:
                sold[symbol] = sum((sale.filled for sale in tx.sales_of(halt.id, account, symbol)), Decimal(0))

    def _market(self, asset: str) -> str | None:
        return next((symbol for symbol in self._markets if symbol.startswith(f"{asset}/")), None)

    def _sell(self, halt: Halt, account: str, symbol: str, this: _Round) -> list[str]:
        """Sell all of a symbol's base currency; what can't be sold of it, in words."""
        asset, way = symbol.partition("/")[0], self._way(account)
        while True:
            self._in_time(this)
            with self._store.transaction() as tx:
                sales = tx.sales_of(halt.id, account, symbol)
                price = tx.last_price(self._venue, symbol)
            if sales and not sales[-1].state.is_final:
                self._finish(way, sales[-1])
                continue
            held = way.exchange.balances().get(asset, Decimal(0))
            what = f"{held.normalize():f} {asset} in {account}"
            if not held:
                return []
            if sum(not sale.filled for sale in sales) >= _FUTILE:
                return [f"{what}: {_FUTILE} sales came to nothing, the last: {sales[-1].reason or sales[-1].state}"]
            if price is None:
                return [f"{what}: no price of {symbol} is known"]
            try:
                rules = way.exchange.rules(symbol)
                sale = self._sale(halt, account, symbol, len(sales), _at_most(held, rules), price)
                fit(sale, rules)
            except (Rejected, MarketClosed) as refusal:  # a closed one may never open again, and the halt must settle
                return [f"{what}: {refusal}"]
            way.orders.start(sale, halt, halt.words)

    def _finish(self, way: Way[OrdersT], sale: Order) -> None:
        way.orders.refresh(sale)
        with self._store.transaction() as tx:
            after = tx.order(sale.id)
        if not after.state.is_final:
            raise Retry(f"sale {sale.id} is still {after.state}", timedelta(seconds=1))

    def _sale(self, halt: Halt, account: str, symbol: str, number: int, amount: Decimal, price: Decimal) -> Order:
        name = client_order_id(f"{halt.id}/{account}/{symbol}", _EMPTYING, number)
        return Order(
            id=order_id(name),
            proposal_id=None,
            signal_id=None,
            strategy_id=STRATEGY,
            client_order_id=name,
            venue=self._venue,
            account=account,
            symbol=symbol,
            side=Side.SELL,
            order_type=OrderType.MARKET,
            amount=amount,
            reference_price=price,
            as_of=self._way(account).exchange.market_time(),
            intended_at=self._clock.now(),
            correlation_id=halt.correlationid,
            purpose=_EMPTYING,
            sequence=number,
        )

    def _conclude(self, halt: Halt, sold: dict[str, Decimal], left: Sequence[str]) -> None:
        with self._store.transaction() as tx:
            now = self._clock.now()
            canceled = tx.canceled_since(self._venue, halt.halted_at)
            if not tx.settle_halt(halt, canceled, left, now):
                raise Retry("the halt has changed meanwhile", timedelta(seconds=1))
            settled = HaltSettled(
                halt_id=halt.id,
                canceled=canceled,
                sold={symbol: amount for symbol, amount in sold.items() if amount},
                left=tuple(left),
                seconds=(now - halt.halted_at).total_seconds(),
                settled_at=now,
            )
            subject = f"trading:{'flatten' if halt.flatten else 'halt'}"
            tx.publish(Event.caused_by(halt, settled, source=SOURCE, subject=subject, time=now))


def _at_most(amount: Decimal, rules: MarketRules) -> Decimal:
    return amount if rules.max_amount is None else min(amount, rules.max_amount)
