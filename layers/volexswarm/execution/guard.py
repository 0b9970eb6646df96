"""The guard of positions: what was bought is left by itself, as it was wanted, once.

Whoever asks (an order that has changed, a price that was reached, a sale that needs its base, the keeper) starts the same work:
bring every protection of the market to what it must be, one step after the other until nothing is left to do. Each step is
stored before it is done, so that it does not matter who begins, how often, or where a process dies: whoever comes next goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Generic

from volexswarm.clock import Clock
from volexswarm.crashpoints import CrashPoint, passing
from volexswarm.errors import InvalidInput, Retry
from volexswarm.execution.guard_look import Look
from volexswarm.execution.model import Balance, Order
from volexswarm.execution.orders import Orders
from volexswarm.execution.ports import ExchangeGateway
from volexswarm.execution.protection import WAYS_OUT, Count, GoOn, Place, Rest, State, TakeOff
from volexswarm.execution.protection_ports import Market
from volexswarm.execution.record import SOURCE, Record, TransactionT
from volexswarm.messages import Event, OrderState, PriceReached, ReviewProtections, Side
from volexswarm.ports import Store

logger = logging.getLogger(__name__)

_MOST_STEPS = 100  # of one look after a market: far more than its orders need
_PATIENCE = timedelta(seconds=20)  # of one round, so that it ends before its function is cut off


class Guard(Generic[TransactionT]):
    """Ways out of positions.

    Parameters
    ----------
    orders, exchange : callable
        Give, by account, what brings its orders to the exchange and off it, and that exchange.
    record : Record
        Where every order is written down.
    """

    def __init__(
        self,
        *,
        store: Store[TransactionT],
        orders: Callable[[str], Orders[TransactionT]],
        exchange: Callable[[str], ExchangeGateway],
        record: Record[TransactionT],
        clock: Clock,
    ) -> None:
        self._store = store
        self._orders = orders
        self._exchange = exchange
        self._record = record
        self._clock = clock

    def review(self, event: Event[ReviewProtections]) -> None:
        """Let the ways out follow what has changed. Raises Retry while something about them is not certain."""
        market = Market(event.data.venue, event.data.account, event.data.symbol)
        self._protect_entries(market)
        self._settle(market)

    def exit(self, event: Event[PriceReached]) -> None:
        """Leave the position whose watched price was reached, unless that has been done, or nothing may be sent.

        Raises
        ------
        Retry
            While it is not certain what became of the orders that it takes.
        InvalidInput
            If there never was such a watch.
        """
        reached = event.data
        market = Market(reached.venue, reached.account, reached.symbol)
        with self._store.transaction() as tx:
            entry = tx.watched_entry(reached.watch_id)
            if entry is None:
                raise InvalidInput("watch_id", reached.watch_id, "a price watch in our records; nothing was sold")
            look = Look(tx, market, self._record, self._clock.now())
            guarded = tx.guarded(entry)
            if guarded.state is State.ARMED:
                look.leave(guarded, reached)
        self._settle(market)

    def make_room(self, sale: Order) -> None:
        """Take off the exchange what locks the base of a sale that is about to be sent. Raises Retry unless that is certain."""
        market = Market(sale.venue, sale.account, sale.symbol)
        with self._store.transaction() as tx:
            if not tx.is_guarded(market):
                return
        self._settle(market)

    def look_after(self) -> int:
        """See to every market with an open protection, or with an entry that has none yet; how many were seen to.

        What can't be done at the moment is logged, and stays for the next round.

        Raises
        ------
        Unavailable
            If the database does not answer.
        Exception
            Whatever waiting does not cure, the first of it, and only after every other market was seen to.
        """
        started = self._clock.now()
        with self._store.transaction() as tx:
            markets = tx.guarded_markets()
        turn = int(started.timestamp() // 60) % max(1, len(markets))  # each minute another one is the first
        seen, failures = 0, list[Exception]()
        for market in (*markets[turn:], *markets[:turn]):
            if self._clock.now() - started > _PATIENCE:
                break
            try:
                self._protect_entries(market)
                self._settle(market, patient=False)
            except Retry as wait:
                logger.warning("the protections of %s wait: %s", "/".join(market), wait)
            except Exception as failure:
                logger.exception("the protections of %s can't be seen to", "/".join(market))
                failures.append(failure)
            seen += 1
        if failures:
            raise failures[0]
        return seen

    def _protect_entries(self, market: Market) -> None:
        with self._store.transaction() as tx:
            Look(tx, market, self._record, self._clock.now()).protect_entries()

    def _settle(self, market: Market, *, patient: bool = True) -> None:
        """Step by step, until nothing is left to do. With `patient`, a sale that came to nothing waits for the keeper's round."""
        exchange, orders = self._exchange(market.account), self._orders(market.account)
        capabilities, rules = exchange.capabilities, exchange.rules(market.symbol)
        counted: Balance | None = None
        for _ in range(_MOST_STEPS):
            with self._store.transaction() as tx:
                look = Look(tx, market, self._record, self._clock.now())
                step = look.next_step(capabilities, rules, orders.mode, patient=patient, counted=counted)
            counted = None
            passing(CrashPoint.AFTER_INTENT_STORED)
            match step:
                case Rest():
                    return
                case Count():
                    counted = exchange.balance(market.base)
                case Place(order=order) | GoOn(order=order):
                    orders.go_on(order)
                    patient = patient or isinstance(step, Place)
                case TakeOff(order=order, reason=reason):
                    orders.cancel(order.id, reason)
        raise Retry(f"the protections of {'/'.join(market)} do not come to rest")


class GuardCall(Generic[TransactionT]):
    """Calls the guard when an order has ended that protections depend on. Follows the record of orders."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def order_changed(self, tx: TransactionT, order: Order, before: OrderState | None) -> None:  # noqa: ARG002
        """Publish the command with the change itself: it goes out if and only if the change is stored."""
        if not order.state.is_final or not self._matters(tx, order):
            return
        command = ReviewProtections(venue=order.venue, account=order.account, symbol=order.symbol, order_id=order.id)
        tx.publish(
            Event.caused_by(
                order, command, source=SOURCE, subject=f"{order.key}:{order.id}:{order.state}", time=self._clock.now()
            )
        )

    @staticmethod
    def _matters(tx: TransactionT, order: Order) -> bool:
        if order.purpose in WAYS_OUT:
            return True
        if order.side is Side.SELL:
            return tx.is_guarded(Market(order.venue, order.account, order.symbol))
        if not order.filled or order.proposal_id is None:
            return False
        return tx.wanted_protection(order.proposal_id) is not None
