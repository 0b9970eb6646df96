"""Works a large order in slices over time (TWAP: equal parts at equal intervals), none at a price worse than the plan's.

Each slice is an order of its own, good at once or not at all, so that nothing is left standing between two slices; what one did
not get is spread over those that follow. The plan's next step is a message that is published with the step before it, so that
each slice is made once, whatever fails. Almgren, R., Chriss, N. (2000), Optimal Execution of Portfolio Transactions: equal slices
are the best way for whoever minds the impact only.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Generic, TypeVar

from volexswarm.clock import Clock
from volexswarm.errors import NotFound, NotYet, Rejected, Retry
from volexswarm.execution import profiles
from volexswarm.execution.identity import client_order_id, order_id
from volexswarm.execution.model import Order, OrderPlan
from volexswarm.execution.orders import Orders
from volexswarm.execution.ports import ExchangeGateway, SlicingTransaction
from volexswarm.execution.record import SOURCE, Record, intent_of
from volexswarm.messages import (
    Cause,
    Event,
    OrderApproved,
    OrderState,
    OrderType,
    PlaceSlice,
    Purpose,
    TimeInForce,
)
from volexswarm.ports import Store

logger = logging.getLogger(__name__)

SlicingT = TypeVar("SlicingT", bound=SlicingTransaction)

_ABOVE_THE_LEAST = 2
_REFUSALS = 2  # in a row end a plan
_ROUNDING = Decimal("0.001")
_OVERDUE = timedelta(minutes=3)  # wall time after the interval: far longer than a step waits that is on its way
_COMMANDS = 5  # of one step, each after twice as long, until its plan is given up: an hour and a half in all


class Slicer(Generic[SlicingT]):
    """Plans of one venue's accounts.

    Parameters
    ----------
    orders, exchange : callable
        Give, by account, what brings its orders to the exchange, and the exchange itself, whose clock sets the pace.
    """

    def __init__(
        self,
        *,
        store: Store[SlicingT],
        orders: Callable[[str], Orders[SlicingT]],
        exchange: Callable[[str], ExchangeGateway],
        record: Record[SlicingT],
        clock: Clock,
    ) -> None:
        self._store = store
        self._orders = orders
        self._exchange = exchange
        self._record = record
        self._clock = clock

    def take(self, event: Event[OrderApproved]) -> bool:
        """Make a plan of an approved order if it is large; False if it is to go out whole, already has, or is too old for a plan.

        Raises
        ------
        InvalidInput
            If the command is not what was proposed and approved by our own records.
        Unavailable
            If the order is large, and the venue's rules are not known at the moment.
        """
        trade = event.data
        if trade.order_type is not OrderType.MARKET:
            return False
        with self._store.transaction() as tx:
            self._record.confirm(tx, event)
            if tx.plan(trade.proposal_id) is not None:
                return True
            if self._orders(trade.account).is_too_old(event.time):
                return False  # no order of this age is sent: whole it expires, with the reason
            traded = tx.traded_per_minute(trade.venue, trade.symbol, trade.as_of)
        if _way(trade, traded).slices == 1:
            return False
        way = _way(trade, traded, self._smallest(trade))
        with self._store.transaction() as tx:
            if tx.has_order(client_order_id(trade.proposal_id)) or way.slices == 1:
                return False
            if tx.plan(trade.proposal_id) is None:
                tx.add_plan(_plan(event, way, self._clock.now()))
                tx.publish(self._next(event, event, 0, trade.as_of))
        return True

    def _smallest(self, trade: OrderApproved) -> Decimal:
        """The least value (quote) of a slice: well above what the venue takes, for the price moves while the plan works."""
        try:
            rules = self._exchange(trade.account).rules(trade.symbol)
        except Rejected:  # the order is sent whole, and refused with the reason
            return trade.notional
        least = max(rules.min_amount or Decimal(0), rules.amount_step) * trade.reference_price
        return _ABOVE_THE_LEAST * max(least, rules.min_notional or Decimal(0))

    def place(self, event: Event[PlaceSlice]) -> None:
        """Place the slice when its time has come, and have the next one follow.

        Raises
        ------
        Retry
            If its time has not come, the slice before it has not ended, or it could not be placed at the moment.
        """
        step = event.data
        now = self._await(step)
        self._end_of_last(step)
        with self._store.transaction() as tx:
            plan = tx.plan(step.proposal_id)
            if plan is None:
                raise NotFound("plan", step.proposal_id)
            slices = tx.slices(step.proposal_id)
            order = self._slice(tx, plan, slices, event, now)
        if order is not None:
            self._orders(order.account).go_on(order)

    def stop(self, proposal_id: str, reason: str) -> str | None:
        """Make no more slices of this order, if it is worked in slices, and still is; the id of the last one, if there is any."""
        with self._store.transaction() as tx:
            plan = tx.plan(proposal_id)
            if plan is not None and plan.state == "working":
                tx.save_plan(replace(plan, state="stopped", reason=reason), self._clock.now())
            slices = tx.slices(proposal_id)
        return slices[max(slices)].id if slices else None

    def look_after(self) -> int:
        """Command again the step that a plan has waited for far too long: it may be a dead letter. How many plans waited.

        A plan whose step comes to nothing again and again is stopped: what it has not executed is not bound any longer.

        Raises
        ------
        Unavailable
            If exchange or database do not answer: nothing is known to be overdue then.
        """
        now = self._clock.now()
        with self._store.transaction() as tx:
            idle = tx.idle_plans(now - _OVERDUE)
        for plan in idle:
            market_time = self._exchange(plan.account).market_time()
            with self._store.transaction() as tx:
                self._command_again(tx, plan, now, market_time)
        return len(idle)

    def _command_again(self, tx: SlicingT, seen: OrderPlan, now: datetime, market_time: datetime) -> None:
        plan, last = tx.plan(seen.proposal_id), tx.slices(seen.proposal_id).get(seen.next_slice - 1)
        if plan != seen or (last is not None and not last.state.is_final):  # the next step waits for that one's end
            return
        commands = tx.steps(plan.proposal_id, plan.next_slice)
        step = commands[-1]
        pause = plan.interval + _OVERDUE * 2 ** (len(commands) - 1)
        if step.data.due_at > market_time or now - step.time < pause:
            return
        what = f"slice {plan.next_slice + 1} of {plan.slices} was not placed by {len(commands)} commands"
        logger.error("plan %s: %s", plan.proposal_id, what)
        if len(commands) >= _COMMANDS:
            tx.save_plan(replace(plan, state="stopped", reason=f"{what}: see the dead letters of orders.fifo"), now)
        else:
            tx.publish(Event.caused_by(step, step.data, source=SOURCE, subject=step.subject, time=now))

    def _await(self, step: PlaceSlice) -> datetime:
        """The market's time, once the step is due."""
        now = self._exchange(step.account).market_time()
        wait = step.due_at - now
        if wait > timedelta(0):
            # the simulated market's clock runs faster than ours
            soon = timedelta(seconds=1) if self._orders(step.account).mode == "simulated" else wait
            raise NotYet(f"slice {step.number} of {step.proposal_id} is due at {step.due_at.isoformat()}", soon)
        return now

    def _end_of_last(self, step: PlaceSlice) -> None:
        """Ask for the slice before, if nobody has told of its end yet."""
        with self._store.transaction() as tx:
            last = tx.slices(step.proposal_id).get(step.number - 1)
        if last is not None and not last.state.is_final:
            self._orders(step.account).refresh(last)

    def _slice(
        self, tx: SlicingT, plan: OrderPlan, slices: dict[int, Order], event: Event[PlaceSlice], now: datetime
    ) -> Order | None:
        """The slice of this step, stored together with what follows it; None if there is nothing (more) to place."""
        step = event.data
        if step.number in slices:
            return slices[step.number]
        if plan.state != "working" or step.number != plan.next_slice:
            return None
        last = slices.get(step.number - 1)
        if last is not None and not last.state.is_final:
            raise Retry(f"slice {last.sequence} of {step.proposal_id} is still {last.state}", timedelta(seconds=1))
        rest = plan.amount - sum((order.filled for order in slices.values()), Decimal(0))
        end = _end(plan, slices, rest) or _overtaken(tx, plan) or self._outlived(plan, rest)
        if end is not None:
            tx.save_plan(end, self._clock.now())
            return None
        intent = self._intent(tx, plan, step.number, rest, _turns(plan, slices) - step.number)
        tx.save_plan(replace(plan, next_slice=step.number + 1), self._clock.now())
        tx.publish(self._next(event, intent, step.number + 1, _due_after(step, plan, now)))
        return self._record.add(tx, intent, event, f"slice {step.number + 1} of {plan.slices}, {plan.profile}")

    def _outlived(self, plan: OrderPlan, rest: Decimal) -> OrderPlan | None:
        """The plan stopped, if it should have ended so long ago that no order of that age would be sent any more."""
        length = plan.interval * plan.slices
        if not self._orders(plan.account).is_too_old(plan.started_at + length):
            return None
        reason = f"{rest:f} not executed: it was to take {length}, and was held up for too long"
        return replace(plan, state="stopped", reason=reason)

    def _intent(self, tx: SlicingT, plan: OrderPlan, number: int, rest: Decimal, left: int) -> Order:
        name = client_order_id(plan.proposal_id, Purpose.SLICE, number)
        return replace(
            intent_of(tx.command(plan.proposal_id)),
            id=order_id(name),
            client_order_id=name,
            purpose=Purpose.SLICE,
            sequence=number,
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.IOC,
            limit_price=plan.worst_price,
            amount=rest if left <= 1 else rest / left,
            intended_at=self._clock.now(),
        )

    def _next(
        self, cause: Cause, about: Event[OrderApproved] | Order, number: int, due_at: datetime
    ) -> Event[PlaceSlice]:
        terms = about.data if isinstance(about, Event) else about
        assert terms.proposal_id is not None  # a slice is always part of a proposal
        step = PlaceSlice(
            venue=terms.venue,
            symbol=terms.symbol,
            account=terms.account,
            proposal_id=terms.proposal_id,
            number=number,
            due_at=due_at,
        )
        return Event.caused_by(
            cause, step, source=SOURCE, subject=f"{step.key}:{step.proposal_id}:{number}", time=self._clock.now()
        )


def _way(trade: OrderApproved, traded: Decimal | None, smallest: Decimal = Decimal(0)) -> profiles.Way:
    return profiles.way(trade.side, trade.notional, trade.reference_price, trade.volatility, traded, smallest)


def _plan(event: Event[OrderApproved], way: profiles.Way, now: datetime) -> OrderPlan:
    trade = event.data
    return OrderPlan(
        proposal_id=trade.proposal_id,
        venue=trade.venue,
        account=trade.account,
        symbol=trade.symbol,
        profile=way.profile.name,
        amount=trade.amount,
        slices=way.slices,
        next_slice=0,
        interval=way.profile.interval,
        worst_price=way.worst_price,
        state="working",
        reason=way.reason,
        started_at=now,
        correlation_id=event.correlationid,
    )


def _due_after(step: PlaceSlice, plan: OrderPlan, now: datetime) -> datetime:
    """An interval later; what was held up for longer is not made up for by slices all at once."""
    due_at = step.due_at + plan.interval
    return due_at if due_at > now else now + plan.interval


def _turns(plan: OrderPlan, slices: Mapping[int, Order]) -> int:
    """How many slices there may be: one more for each that was refused, for what it wanted is still to be had."""
    return plan.slices + sum(1 for order in slices.values() if order.state is OrderState.REJECTED)


def _end(plan: OrderPlan, slices: Mapping[int, Order], rest: Decimal) -> OrderPlan | None:
    """The plan ended, if it has: nothing is left, or nothing may be sent any more, or all slices had their turn."""
    if rest <= 0:
        return replace(plan, state="done", reason="executed")
    last = slices.get(plan.next_slice - 1)
    if last is not None and (_is_withdrawn(last) or _is_refused_again(plan, slices)):
        reason = f"slice {plan.next_slice} {last.state}: {last.cancel_reason or last.reason}"
        return replace(plan, state="stopped", reason=reason)
    if plan.next_slice >= _turns(plan, slices):
        return replace(plan, state="done", reason=_rest_in_words(plan, rest))
    return None


def _overtaken(tx: SlicingTransaction, plan: OrderPlan) -> OrderPlan | None:
    """The plan stopped, if what it has bought is being left or sold again: to go on buying would undo that, slice by slice."""
    way = tx.way_taken(plan.proposal_id)
    if way is not None:
        return replace(plan, state="stopped", reason=f"what it has bought is left by its {way.in_words}")
    sale = tx.later_sale(plan.proposal_id)
    if sale is not None:
        return replace(plan, state="stopped", reason=f"its strategy sells again: proposal {sale}")
    return None


def _is_withdrawn(order: Order) -> bool:
    """Whether the order was canceled by somebody here, and not by its own terms.

    Most venues call canceled what an order good at once or not at all did not get; binance alone says expired.
    """
    by_the_venue = order.reported_state is OrderState.CANCELED and order.cancel_requested_at is None
    return order.state is OrderState.CANCELED and not by_the_venue


def _is_refused_again(plan: OrderPlan, slices: Mapping[int, Order]) -> bool:
    """One refusal may pass (a stop that was just being taken off still had the base); a second one after it will not."""
    newest = [slices[number] for number in range(plan.next_slice - _REFUSALS, plan.next_slice) if number in slices]
    return len(newest) == _REFUSALS and all(order.state is OrderState.REJECTED for order in newest)


def _rest_in_words(plan: OrderPlan, rest: Decimal) -> str:
    if rest <= plan.amount * _ROUNDING:
        return f"executed, but for {rest:f} that rounding left"
    return f"{rest:f} not executed: no better than {plan.worst_price:f} to be had"
