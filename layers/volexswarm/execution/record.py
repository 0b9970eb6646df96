"""Keeps the record of orders: every change of state is stored with its cause and published, every fill booked, in one step.

Apart from the agent, which decides what to do at the exchange: this only writes down what is known.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar

from volexswarm.clock import Clock
from volexswarm.errors import Retry, require
from volexswarm.execution import states
from volexswarm.execution.identity import client_order_id
from volexswarm.execution.model import Evidence, Order, Proposal
from volexswarm.execution.ports import ExecutionTransaction
from volexswarm.execution.slippage import slippage
from volexswarm.messages import Cause, Event, FillRecorded, OrderApproved, OrderChanged, OrderState
from volexswarm.ports import Booked, Books, Fill, Transfer

logger = logging.getLogger(__name__)

SOURCE = "execution"

_TERMS = ("venue", "account", "symbol", "side", "order_type", "amount", "limit_price", "trigger_price", "time_in_force")

TransactionT = TypeVar("TransactionT", bound=ExecutionTransaction)
TransactionT_contra = TypeVar("TransactionT_contra", bound=ExecutionTransaction, contravariant=True)


class Follower(Protocol[TransactionT_contra]):
    """Whoever must know of a change of an order in the very transaction that stores it."""

    def order_changed(self, tx: TransactionT_contra, order: Order, before: OrderState | None) -> None:
        """The order is in its new state now; what follows from it is stored or published with it."""
        ...


class Record(Generic[TransactionT]):
    """Writes orders and fills within the caller's transaction."""

    def __init__(
        self, books: Books[TransactionT], clock: Clock, followers: Sequence[Follower[TransactionT]] = ()
    ) -> None:
        self._books = books
        self._clock = clock
        self._followers = followers

    def intend(self, tx: TransactionT, event: Event[OrderApproved]) -> Order:
        """Store the intent; the order as it is by now if an earlier delivery stored it.

        Raises
        ------
        InvalidInput
            If the command is not what was proposed and approved by our own records: a message alone moves no money.
        """
        self.confirm(tx, event)
        return self.add(tx, intent_of(event), event, "approved")

    def confirm(self, tx: TransactionT, event: Event[OrderApproved]) -> None:
        """Raise InvalidInput unless our own records say that this was proposed and approved."""
        _hold_against(tx.proposal(event.data.proposal_id), event.data)

    def add(self, tx: TransactionT, intent: Order, trigger: Cause, cause: str) -> Order:
        """Store an intent; the order as it is by now if it was stored before, which its client order id tells."""
        if not tx.add_order(intent):
            return tx.order_named(intent.client_order_id)
        self._tell(tx, None, intent, cause, intent.as_of, trigger)
        return intent

    def unchanged(self, tx: TransactionT, order: Order) -> Order:
        """The order, locked; Retry if somebody has moved it, or made another attempt, since it was read."""
        current = tx.order(order.id)
        if (current.state, current.attempts) != (order.state, order.attempts):
            raise Retry(f"order {order.id} is being worked on elsewhere")
        return current

    def move(self, tx: TransactionT, order: Order, after: OrderState, cause: str, **changes: Any) -> Order:
        """Bring our own side of the order's life forward; `changes` are fields of the order. Stop if that is illegal."""
        moved = replace(order, state=after, **changes)
        self._store_move(tx, order.state, moved, cause, order.as_of, order)
        return moved

    def note(self, tx: TransactionT, order: Order, reason: str) -> None:
        """Store why the order does not get on, for everybody to see."""
        tx.save_order(replace(tx.order(order.id), reason=reason), self._clock.now())

    def absorb(self, tx: TransactionT, order: Order, evidence: Evidence, trigger: Cause, cause: str) -> int:
        """Book the fills and bring the order to the state that all evidence so far amounts to; how many fills were news.

        Parameters
        ----------
        trigger : Cause
            The message that led here: the exchange's report, or the order itself.
        cause : str
            On what evidence, in words.
        """
        booked = self._book(tx, evidence, order, trigger)
        known = _informed(tx, order, evidence)
        assert known.reported_state is not None  # _informed sets it
        after = states.settle(order.state, order.amount, known.filled, known.reported_state, known.reported_filled)
        if after is not order.state:
            moved = replace(known, state=after, reason=None)
            self._store_move(tx, order.state, moved, cause, evidence.as_of, trigger)
        elif known != order or not order.state.is_final:
            # an open order also without any news: the keeper goes on to those that nobody has asked for
            tx.save_order(known, self._clock.now())
        if known.filled > order.amount or (order.state.is_final and known.filled > order.filled):
            logger.error("order %s, %s: %s of %s are filled", order.id, order.state, known.filled, order.amount)
        return booked

    def book_foreign(self, tx: TransactionT, evidence: Evidence, trigger: Cause) -> int:
        """Book the fills of an order that is none of ours: somebody else traded in this account. How many were news."""
        return self._book(tx, evidence, None, trigger)

    def book_transfer(
        self, tx: TransactionT, venue: str, account: str, transfer: Transfer, correlation_id: str
    ) -> bool:
        """Book a deposit or a withdrawal once; False if the books hold it already."""
        return self._books.record_transfer(tx, venue, account, transfer, correlation_id=correlation_id)

    def book_adjustment(
        self,
        tx: TransactionT,
        venue: str,
        account: str,
        currency: str,
        amount: Decimal,
        *,
        reference: str,
        as_of: datetime,
        correlation_id: str,
    ) -> bool:
        """Book what a person accepts without evidence, as capital; False if it is booked already."""
        return self._books.record_adjustment(
            tx, venue, account, currency, amount, reference=reference, as_of=as_of, correlation_id=correlation_id
        )

    def _book(self, tx: TransactionT, evidence: Evidence, order: Order | None, trigger: Cause) -> int:
        order_id = order.id if order else None
        chain = order.correlation_id if order else trigger.correlationid
        news = 0
        for fill in evidence.fills:
            lost = None if order is None else slippage(fill.side, fill.price, order.reference_price)
            booked = self._books.record_fill(tx, fill, order_id=order_id, correlation_id=chain, slippage=lost)
            if booked is not None:
                news += 1
                tx.publish(
                    Event.caused_by(
                        trigger,
                        _recorded(fill, booked, order_id, lost),
                        source=SOURCE,
                        subject=f"{fill.venue}:{fill.symbol}:{fill.trade_id}",
                        time=self._clock.now(),
                        correlationid=chain,
                    )
                )
        return news

    def _store_move(
        self, tx: TransactionT, before: OrderState, moved: Order, cause: str, as_of: datetime, trigger: Cause
    ) -> None:
        tx.save_order(moved, self._clock.now())
        self._tell(tx, before, moved, cause, as_of, trigger)

    def _tell(
        self,
        tx: TransactionT,
        before: OrderState | None,
        order: Order,
        cause: str,
        as_of: datetime,
        trigger: Cause,
    ) -> None:
        states.check(before, order.state)
        now = self._clock.now()
        number = tx.add_transition(order.id, before, order.state, cause, now)
        changed = OrderChanged(
            venue=order.venue,
            account=order.account,
            symbol=order.symbol,
            order_id=order.id,
            client_order_id=order.client_order_id,
            exchange_order_id=order.exchange_order_id,
            before=before,
            after=order.state,
            filled=order.filled,
            cause=cause,
            as_of=as_of,
        )
        tx.publish(
            Event.caused_by(
                trigger,
                changed,
                source=SOURCE,
                subject=f"{changed.key}:{order.id}:{number}",  # the number sets apart several changes by one cause
                time=now,
                correlationid=order.correlation_id,
            )
        )
        for follower in self._followers:
            follower.order_changed(tx, order, before)


def _hold_against(proposal: Proposal | None, command: OrderApproved) -> None:
    name = f"proposal {command.proposal_id}"
    state = "not in our records" if proposal is None else proposal.state
    require(proposal is not None and state == "approved", name, state, "approved; nothing was sent")
    for term in _TERMS:
        wanted, stored = getattr(command, term), getattr(proposal, term)
        require(
            wanted == stored, f"{term} of {name}", _plain(wanted), f"{_plain(stored)} as approved; nothing was sent"
        )


def _plain(term: object) -> str:
    return format(term, "f") if isinstance(term, Decimal) else str(term)


def intent_of(event: Event[OrderApproved]) -> Order:
    """The order that an approved command asks for, not sent yet."""
    trade = event.data
    return Order(
        id=event.id,
        proposal_id=trade.proposal_id,
        signal_id=trade.signal_id,
        strategy_id=trade.strategy_id,
        client_order_id=client_order_id(trade.proposal_id),
        venue=trade.venue,
        account=trade.account,
        symbol=trade.symbol,
        side=trade.side,
        order_type=trade.order_type,
        amount=trade.amount,
        limit_price=trade.limit_price,
        reference_price=trade.reference_price,
        as_of=trade.as_of,
        intended_at=event.time,
        correlation_id=event.correlationid,
        trigger_price=trade.trigger_price,
        time_in_force=trade.time_in_force,
    )


def _informed(tx: ExecutionTransaction, order: Order, evidence: Evidence) -> Order:
    """The order with what its fills and the exchange's words now come to."""
    filled, cost = tx.booked(order.id)
    reported, most = states.furthest(order.reported_state, order.reported_filled, evidence.state, evidence.filled)
    return replace(
        order,
        exchange_order_id=order.exchange_order_id or evidence.exchange_order_id,
        filled=filled,
        cost=cost,
        reported_state=reported,
        reported_filled=most,
    )


def _recorded(fill: Fill, booked: Booked, order_id: str | None, lost: Decimal | None) -> FillRecorded:
    return FillRecorded(
        venue=fill.venue,
        account=fill.account,
        symbol=fill.symbol,
        order_id=order_id,
        trade_id=fill.trade_id,
        side=fill.side,
        price=fill.price,
        amount=fill.amount,
        fee=fill.fee,
        fee_currency=fill.fee_currency,
        realised_pnl=booked.realised_pnl,
        position_amount=booked.position_amount,
        position_average_price=booked.position_average_price,
        slippage=lost,
        as_of=fill.as_of,
    )
