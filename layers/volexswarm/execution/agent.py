"""The execution agent: approved orders out to the exchange, the exchange's reports into the books, open orders looked after."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Generic

from volexswarm.clock import Clock
from volexswarm.crashpoints import CrashPoint, passing
from volexswarm.errors import Retry, Stop
from volexswarm.execution.orders import LeftToAPerson, Orders
from volexswarm.execution.record import Record, TransactionT
from volexswarm.execution.reports import evidence_of
from volexswarm.execution.slicing import Slicer
from volexswarm.messages import CancelOrder, Event, ExecutionReported, OrderApproved, Purpose
from volexswarm.ports import Store

logger = logging.getLogger(__name__)

CONSUMER = "execution-fills"

_IDLE = timedelta(seconds=30)  # longer than a call of a function lasts: whoever had the order is done with it
_PATIENCE = timedelta(seconds=25)  # of one round, so that it ends before its function is cut off
_ROUND = 100


class ExecutionAgent(Generic[TransactionT]):
    """Orders at one venue.

    Parameters
    ----------
    orders : callable
        Gives, by account, what brings its orders to the exchange and off it.
    slicer : Slicer
        Works large orders in slices.
    record : Record
        Where every change is written down.
    """

    def __init__(
        self,
        *,
        store: Store[TransactionT],
        orders: Callable[[str], Orders[TransactionT]],
        slicer: Slicer[Any],
        record: Record[TransactionT],
        clock: Clock,
    ) -> None:
        self._store = store
        self._orders = orders
        self._slicer = slicer
        self._record = record
        self._clock = clock

    def execute(self, event: Event[OrderApproved]) -> None:
        """Place the order, or go on from wherever an earlier delivery of the command came to.

        Raises
        ------
        Retry
            If it could not be placed at the moment (vault sealed, exchange silent), or its outcome is not known yet.
        """
        if self._slicer.take(event):
            return
        with self._store.transaction() as tx:
            order = self._record.intend(tx, event)
        passing(CrashPoint.AFTER_INTENT_STORED)
        try:
            self._orders(order.account).go_on(order)
        except LeftToAPerson as wait:  # for which the symbol's other orders can't wait; the keeper goes on asking
            logger.error("order %s waits for a person: %s", order.id, wait)  # noqa: TRY400 - no stack needed

    def cancel(self, event: Event[CancelOrder]) -> None:
        """Take the order off the exchange. One that has ended stays as it ended; of a large one no further slice is made.

        Raises
        ------
        Retry
            While its end is not certain.
        """
        command = event.data
        reason = f"canceled by {command.requested_by}: {command.reason}"
        large = self._large(command)
        order_id = command.order_id if large is None else self._slicer.stop(large, reason)
        if order_id is not None:
            self._orders(command.account).cancel(order_id, reason)

    def _large(self, command: CancelOrder) -> str | None:
        """The proposal of the large order that the command is about; None if it is about one that goes out whole."""
        if command.order_id is None:
            return command.proposal_id
        with self._store.transaction() as tx:
            order = tx.order(command.order_id)
        return order.proposal_id if order.purpose is Purpose.SLICE else None

    def apply(self, event: Event[ExecutionReported]) -> None:
        """Apply the exchange's report: book its fill once, and move the order if that is news.

        A fill of an order that is none of ours is booked too, so that the books equal the exchange.

        Raises
        ------
        Retry
            If the account's books are not opened yet.
        Stop
            If they are books of other money than the exchange's.
        InvalidInput
            If the report can't be booked.
        """
        report = event.data
        evidence = evidence_of(report)
        with self._store.transaction() as tx:
            if not tx.first_delivery(CONSUMER, event.id):
                return
            self._require_own_money(tx, report)
            order = tx.order_at_exchange(
                report.venue, report.account, report.symbol, report.client_order_id, report.exchange_order_id
            )
            if order is None:
                self._record.book_foreign(tx, evidence, event)
            else:
                self._record.absorb(tx, order, evidence, event, "the exchange's report")

    def _require_own_money(self, tx: TransactionT, report: ExecutionReported) -> None:
        books, moved = tx.books_mode(report.venue, report.account), self._orders(report.account).mode
        if books not in (None, moved):
            raise Stop(
                f"the books {report.account} are of {books} money, the fill at {report.venue} moved {moved} money"
            )

    def resolve_open(self) -> int:
        """See to each order that is not final and that nothing has touched for a while; how many were seen to.

        What was left behind is sent or looked for; what stands at the exchange is asked for, and missing fills are booked.
        What can't be resolved now is logged, and stays for the next round.

        Raises
        ------
        Unavailable
            If the database does not answer.
        Exception
            Whatever waiting does not cure, the first of it, and only after every other order was seen to.
        """
        started = self._clock.now()
        with self._store.transaction() as tx:
            idle = tx.open_orders(started - _IDLE, _ROUND)
        seen, failures = 0, list[Exception]()
        for order in idle:
            if self._clock.now() - started > _PATIENCE:
                break
            try:
                self._orders(order.account).refresh(order)
            except Retry as wait:
                logger.warning("order %s stays %s: %s", order.id, order.state, wait)
                self._put_last(order.id)
            except Exception as failure:
                logger.exception("order %s stays %s", order.id, order.state)
                failures.append(failure)
                self._put_last(order.id)
            seen += 1
        if failures:
            raise failures[0]
        return seen

    def _put_last(self, order_id: str) -> None:
        """Let those that nobody has asked for come before this one in the next round."""
        with self._store.transaction() as tx:
            order = tx.order(order_id)
            if not order.state.is_final:
                tx.save_order(order, self._clock.now())
