"""Places each approved order once and applies what the exchange says of it, whatever fails in between (Law 1).

The intent is stored before anything is sent, and `submitted` with the time before each attempt. An attempt without an answer is
`unknown`, and only the exchange's evidence leads out of that: the order is looked for by our own id, and is sent again only when
the exchange has none and can't take the earlier attempt any more.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from decimal import Decimal
from typing import Generic

from volexswarm.clock import Clock
from volexswarm.errors import OutcomeUnknown, Rejected, Retry
from volexswarm.execution.model import Evidence, Order, OrderRequest
from volexswarm.execution.ports import ExchangeGateway
from volexswarm.execution.record import Record, TransactionT
from volexswarm.execution.reports import evidence_of
from volexswarm.execution.rounding import fit
from volexswarm.messages import Event, ExecutionReported, OrderApproved, OrderState
from volexswarm.ports import Books, SecretStore, Store

logger = logging.getLogger(__name__)

CONSUMER = "execution-fills"

_MARGIN = timedelta(seconds=3)  # for clocks that differ, and for an exchange that finds its orders a little late
_IDLE = timedelta(seconds=30)  # longer than a call of a function lasts: whoever had the order is done with it
_PATIENCE = timedelta(seconds=25)  # of one round, so that it ends before its function is cut off
_ROUND = 100

_STANDING = (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED)


class ExecutionAgent(Generic[TransactionT]):
    """Orders at one venue.

    Parameters
    ----------
    books : Books
        Books fills, in the same transaction that changes the order.
    decision_max_age : timedelta
        Wall time after which an order that the exchange does not have is given up: the market it was decided in is gone.
    """

    def __init__(
        self,
        *,
        store: Store[TransactionT],
        exchange: ExchangeGateway,
        secrets: SecretStore,
        books: Books[TransactionT],
        clock: Clock,
        decision_max_age: timedelta = timedelta(minutes=15),
    ) -> None:
        self._store = store
        self._exchange = exchange
        self._secrets = secrets
        self._record = Record(books, clock)
        self._clock = clock
        self._decision_max_age = decision_max_age

    def execute(self, event: Event[OrderApproved]) -> None:
        """Place the order, or go on from wherever an earlier delivery of the command came to.

        Raises
        ------
        Retry
            If it could not be placed now (vault sealed, exchange silent), or its outcome is not known yet: deliver again.
        """
        with self._store.transaction() as tx:
            order = self._record.intend(tx, event)
        self._go_on(order)

    def apply(self, event: Event[ExecutionReported]) -> None:
        """Apply the exchange's report: book its fill once, and move the order if that is news.

        A fill of an order that is none of ours is booked too, so that the books equal the exchange.

        Raises
        ------
        Retry
            If the account's books are not opened yet.
        InvalidInput
            If the report can't be booked.
        """
        report = event.data
        evidence = evidence_of(report)
        with self._store.transaction() as tx:
            if not tx.first_delivery(CONSUMER, event.id):
                return
            order = tx.order_at_exchange(
                report.venue, report.account, report.symbol, report.client_order_id, report.exchange_order_id
            )
            if order is None:
                self._record.book_foreign(tx, evidence, event)
            else:
                self._record.absorb(tx, order, evidence, event, "the exchange's report")

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
                self._see_to(order)
            except Retry as wait:
                logger.warning("order %s stays %s: %s", order.id, order.state, wait)
            except Exception as failure:
                logger.exception("order %s stays %s", order.id, order.state)
                failures.append(failure)
            seen += 1
        if failures:
            raise failures[0]
        return seen

    def _see_to(self, order: Order) -> None:
        if order.state not in _STANDING:
            self._go_on(order)
        elif not self._ask(order):
            logger.error("order %s is %s, but the exchange does not know it", order.id, order.state)

    def _go_on(self, order: Order) -> None:
        if order.state is OrderState.INTENDED:
            self._send(order)
        elif order.state in (OrderState.SUBMITTED, OrderState.UNKNOWN):
            self._resolve(order)

    def _send(self, order: Order) -> None:
        """Send an order that the exchange certainly does not have, and can't get from an earlier attempt."""
        if self._clock.now() - order.intended_at > self._decision_max_age:
            reason = f"not at the exchange within {self._decision_max_age} of the decision"
            self._give_up(order, OrderState.EXPIRED, reason)
            return
        try:
            self._secrets.assert_unsealed()
            amount, limit_price = fit(order, self._exchange.rules(order.symbol))
        except Rejected as refusal:
            self._give_up(order, OrderState.REJECTED, refusal.reason)
        except Retry as wait:
            self._note(order, str(wait))
            raise
        else:
            self._transmit(self._claim(order, amount, limit_price))

    def _claim(self, order: Order, amount: Decimal, limit_price: Decimal | None) -> Order:
        """Store that it is being sent, and when. Of several that try only one gets it."""
        with self._store.transaction() as tx:
            current = self._record.unchanged(tx, order)
            attempt = current.attempts + 1
            return self._record.move(
                tx,
                current,
                OrderState.SUBMITTED,
                f"attempt {attempt}",
                amount=amount,
                limit_price=limit_price,
                attempts=attempt,
                sent_at=self._clock.now(),
                reason=None,
            )

    def _transmit(self, order: Order) -> None:
        try:
            evidence = self._exchange.place(_request(order))
        except Rejected as refusal:
            self._give_up(order, OrderState.REJECTED, refusal.reason)
        except OutcomeUnknown as doubt:
            self._doubt(order, doubt.reason)
        else:
            self._take_over(order, evidence, "the exchange's answer")

    def _give_up(self, order: Order, after: OrderState, reason: str) -> None:
        with self._store.transaction() as tx:
            self._record.move(tx, self._record.unchanged(tx, order), after, reason, reason=reason)

    def _doubt(self, order: Order, reason: str) -> None:
        with self._store.transaction() as tx:
            current = self._record.unchanged(tx, order)
            unknown = self._record.move(tx, current, OrderState.UNKNOWN, reason, reason=reason)
        self._resolve(unknown)

    def _resolve(self, order: Order) -> None:
        """Look for an order that was sent; send it again only if the exchange neither has it nor can still take it."""
        asked_at = self._clock.now()  # before asking: what arrives while we ask must not be missed
        try:
            found = self._ask(order)
        except Retry as wait:
            self._note(order, str(wait))
            raise
        if found:
            return
        window = self._exchange.acceptance_window
        if window is None or order.sent_at is None:
            reason = "the exchange has no such order, but sets no limit to how late it may still take it"
            self._note(order, reason)
            raise Retry(reason, timedelta(minutes=5))
        wait_for = order.sent_at + window + _MARGIN - asked_at
        if wait_for > timedelta(0):
            raise Retry(f"order {order.id} is not at the exchange, but may still arrive", wait_for)
        self._send(order)

    def _ask(self, order: Order) -> bool:
        """Ask the exchange for the order and take over what it says; False if it has none."""
        evidence = self._exchange.find(order.client_order_id, order.symbol)
        if evidence is None:
            return False
        self._take_over(order, evidence, "asked the exchange")
        return True

    def _take_over(self, order: Order, evidence: Evidence, cause: str) -> None:
        with self._store.transaction() as tx:
            self._record.absorb(tx, tx.order(order.id), evidence, order, cause)

    def _note(self, order: Order, reason: str) -> None:
        with self._store.transaction() as tx:
            self._record.note(tx, order, reason)


def _request(order: Order) -> OrderRequest:
    assert order.sent_at is not None  # a claimed order has one
    return OrderRequest(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        order_type=order.order_type,
        amount=order.amount,
        limit_price=order.limit_price,
        sent_at=order.sent_at,
    )
