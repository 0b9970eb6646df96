"""Brings one order to the exchange once and off it again, whatever fails in between (Law 1).

The intent is stored before anything is sent, and `submitted` with the time before each attempt. An attempt without an answer is
`unknown`, and only the exchange's evidence leads out of that: the order is looked for by our own id, and is sent again only when
the exchange has none and can't take the earlier attempt any more. A cancellation is stored before it is sent, too; what became of
the order is again the exchange's word, for it may have been filled meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Generic, NoReturn

from volexswarm.clock import Clock
from volexswarm.crashpoints import CrashPoint, passing
from volexswarm.errors import NotYet, OutcomeUnknown, Rejected, Retry
from volexswarm.execution.model import Evidence, Order, OrderRequest
from volexswarm.execution.ports import ExchangeGateway, ExecutionTransaction
from volexswarm.execution.reconciliation import undecidable
from volexswarm.execution.record import Record, TransactionT
from volexswarm.execution.rounding import Fitted, fit
from volexswarm.messages import Cause, OrderState, Purpose, Side
from volexswarm.ports import SecretStore, Store, TradingState

_MARGIN = timedelta(seconds=3)  # for clocks that differ, and for an exchange that finds its orders a little late
_STANDING = (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED)
_SALES = frozenset({Purpose.TRADE, Purpose.SLICE, Purpose.FLATTEN})  # those that need base which ways out may lock
_WAYS_OUT = frozenset({Purpose.STOP, Purpose.TAKE_PROFIT, Purpose.TRAILING_STOP, Purpose.TIME_EXIT, Purpose.FLATTEN})


class LeftToAPerson(Retry):
    """What became of an order is for a person to say: the next comparison with the exchange puts it before one."""


class Orders(Generic[TransactionT]):
    """Orders at one venue.

    Parameters
    ----------
    record : Record
        Where every change is written down.
    mode : str
        What money the exchange's gateway moves: `simulated`, `paper`, `sandbox` or `live`. Nothing is sent while another is in
        force.
    decision_max_age : timedelta
        Wall time after which an order that the exchange does not have is given up: the market it was decided in is gone. It does
        not hold for ways out of a position: they are as urgent as ever.
    release : callable, optional
        Called with each sale before it is sent: frees the base that it needs, or raises Retry.
    """

    def __init__(
        self,
        *,
        store: Store[TransactionT],
        exchange: ExchangeGateway,
        secrets: SecretStore,
        record: Record[TransactionT],
        clock: Clock,
        mode: str,
        decision_max_age: timedelta = timedelta(minutes=15),
        release: Callable[[Order], None] | None = None,
    ) -> None:
        self._store = store
        self._exchange = exchange
        self._secrets = secrets
        self._record = record
        self._clock = clock
        self._mode = mode
        self._decision_max_age = decision_max_age
        self._release = release

    @property
    def mode(self) -> str:
        """What money these orders move."""
        return self._mode

    def is_too_old(self, decided_at: datetime) -> bool:
        """Whether what was decided then (wall time) may not go to the exchange any more."""
        return self._clock.now() - decided_at > self._decision_max_age

    def start(self, intent: Order, trigger: Cause, cause: str) -> None:
        """Store an intent of our own making (once: its client order id tells) and bring it to the exchange.

        Raises
        ------
        Retry
            As `go_on`.
        """
        with self._store.transaction() as tx:
            order = self._record.add(tx, intent, trigger, cause)
        passing(CrashPoint.AFTER_INTENT_STORED)
        self.go_on(order)

    def go_on(self, order: Order) -> None:
        """Bring an order forward from wherever it is: send it, or look for it; what stands at the exchange is left there.

        Raises
        ------
        Retry
            If it could not be placed at the moment (vault sealed, exchange silent), or its outcome is not known yet.
        """
        if order.state is OrderState.INTENDED:
            self._send(order)
        elif order.state in (OrderState.SUBMITTED, OrderState.UNKNOWN):
            self._resolve(order)

    def refresh(self, order: Order) -> None:
        """Go on with an order, or ask the exchange for one that stands there and take over what it says. Raises Retry."""
        if order.state not in _STANDING:
            self.go_on(order)
        elif order.cancel_requested_at is not None:
            self._withdraw(order)
        elif not self._ask(order):
            raise Retry(f"order {order.id} is {order.state}, but the exchange does not know it")

    def cancel(self, order_id: str, reason: str) -> Order:
        """Take an order off the exchange; afterwards it is final, by the exchange's evidence. The order as it is then.

        An order that was never sent is canceled at once; one whose outcome is unknown is looked for first.

        Raises
        ------
        Retry
            If its end is not certain yet: call again.
        """
        with self._store.transaction() as tx:
            order = tx.order(order_id)
            if order.state is OrderState.INTENDED:
                return self._record.move(tx, order, OrderState.CANCELED, reason, reason=reason)
            if not order.state.is_final and order.cancel_requested_at is None:
                order = replace(order, cancel_requested_at=self._clock.now(), cancel_reason=reason)
                tx.save_order(order, self._clock.now())
        if order.state.is_final:
            return order
        if order.state in (OrderState.SUBMITTED, OrderState.UNKNOWN):
            self._resolve(order)
            order = self._read(order_id)
        return order if order.state.is_final else self._withdraw(order)

    def _withdraw(self, order: Order) -> Order:
        passing(CrashPoint.BEFORE_CANCEL)
        self._exchange.cancel(order.client_order_id, order.symbol, order.exchange_order_id)
        passing(CrashPoint.AFTER_CANCEL)
        self._ask(order)
        after = self._read(order.id)
        if not after.state.is_final:
            raise Retry(f"order {order.id} was canceled, but is still {after.state}", timedelta(seconds=1))
        return after

    def _read(self, order_id: str) -> Order:
        with self._store.transaction() as tx:
            return tx.order(order_id)

    def _send(self, order: Order) -> None:
        """Send an order that the exchange certainly does not have, and can't get from an earlier attempt."""
        withdrawn = _withdrawn(order)
        if withdrawn is not None:
            self._give_up(order, OrderState.CANCELED, withdrawn)
            return
        if order.purpose not in _WAYS_OUT and self.is_too_old(order.intended_at):
            reason = f"not at the exchange within {self._decision_max_age} of the decision"
            self._give_up(order, OrderState.EXPIRED, reason)
            return
        try:
            self._secrets.assert_unsealed()
            fitted = fit(order, self._exchange.rules(order.symbol))
            if self._release is not None and order.side is Side.SELL and order.purpose in _SALES:
                self._release(order)
        except Rejected as refusal:
            self._give_up(order, OrderState.REJECTED, refusal.reason)
        except Retry as wait:
            self._note(order, str(wait))
            raise
        else:
            claimed = self._claim(order, fitted)
            if claimed is not None:
                self._transmit(claimed)

    def _claim(self, order: Order, fitted: Fitted) -> Order | None:
        """Store that it is being sent, and when. Of several that try only one gets it; none while trading is halted, nor
        a decision from before trading was last resumed or switched: who did that has not seen it.
        """
        with self._store.transaction() as tx:
            state = tx.trading_state(order.venue)
            current = self._record.unchanged(tx, order)
            refusal = _withdrawn(current) or forbidden(current, self._mode, state) or _overtaken(tx, current, state)
            if refusal is not None:
                self._record.move(tx, current, OrderState.CANCELED, refusal, reason=refusal)
                return None
            attempt = current.attempts + 1
            return self._record.move(
                tx,
                current,
                OrderState.SUBMITTED,
                f"attempt {attempt}",
                amount=fitted.amount,
                limit_price=fitted.limit_price,
                trigger_price=fitted.trigger_price,
                attempts=attempt,
                sent_at=self._clock.now(),
                reason=None,
            )

    def _transmit(self, order: Order) -> None:
        passing(CrashPoint.BEFORE_SEND)
        try:
            evidence = self._exchange.place(_request(order))
        except Rejected as refusal:
            self._give_up(order, OrderState.REJECTED, refusal.reason)
        except OutcomeUnknown as doubt:
            self._doubt(order, doubt.reason)
        except Retry as wait:
            self._take_back(order, str(wait))
            raise
        else:
            passing(CrashPoint.AFTER_SEND)
            self._take_over(order, evidence, "the exchange's answer")

    def _take_back(self, order: Order, reason: str) -> None:
        """Store that nothing was sent at this attempt. The one before it, if any, can't arrive any more either."""
        with self._store.transaction() as tx:
            current = self._record.unchanged(tx, order)
            self._record.move(tx, current, OrderState.INTENDED, f"not sent: {reason}", sent_at=None, reason=reason)

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
        able = self._exchange.capabilities
        but = undecidable(order, able, asked_at)
        if but is not None:
            self._leave_to_a_person(order, but)
        assert order.sent_at is not None and able.acceptance_window is not None  # noqa: PT018 - else it is undecidable
        wait_for = order.sent_at + able.acceptance_window + _MARGIN - asked_at
        if wait_for > timedelta(0):
            raise NotYet(f"order {order.id} is not at the exchange, but may still arrive", wait_for)
        self._send(order)

    def _leave_to_a_person(self, order: Order, but: str) -> NoReturn:
        """Its absence proves nothing: it is neither sent again nor given up, whatever its age."""
        reason = f"the exchange has no such order, but {but}"
        self._note(order, reason)
        raise LeftToAPerson(reason, timedelta(minutes=5))

    def _ask(self, order: Order) -> bool:
        """Ask the exchange for the order and take over what it says; False if it has none."""
        evidence = self._exchange.find(order.client_order_id, order.symbol, order.exchange_order_id)
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


def _withdrawn(order: Order) -> str | None:
    """Why an order that the exchange does not have is not wanted any more; None if it is."""
    return None if order.cancel_requested_at is None else order.cancel_reason or "canceled"


def forbidden(order: Order, mode: str, state: TradingState) -> str | None:
    """Why an order of this money must not be sent in this state of trading; None if it may."""
    if (order.account, mode) != (state.account, state.mode):
        return f"trading goes on in the books {state.account}, mode {state.mode}"
    if state.halt is not None and order.purpose is not Purpose.FLATTEN:
        return state.halt
    return None


def _overtaken(tx: ExecutionTransaction, order: Order, state: TradingState) -> str | None:
    """Why a decision does not hold any more in this state of trading; None if it does, as a way out of a position always does."""
    if order.purpose in _WAYS_OUT or order.proposal_id is None:
        return None
    decided_at = tx.proposed_at(order.proposal_id)
    if decided_at >= state.since:
        return None
    words = "decided at {:%Y-%m-%d %H:%M:%S} UTC, and trading was resumed or switched at {:%Y-%m-%d %H:%M:%S} UTC"
    return words.format(decided_at, state.since)


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
        trigger_price=order.trigger_price,
        trailing_share=order.trailing_share,
        time_in_force=order.time_in_force,
    )
