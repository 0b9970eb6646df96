"""How a position is left by itself, in one way and once: who holds each way out, and what is to be done next. Pure.

A stop, or a trailing stop without one, is held at the exchange where the venue can and the base is free; every other way out is
the system's, which watches the price. Whatever the system does, it takes the exchange's order away first and waits for the
evidence: only what that has not sold is sold, by one order after the other, each known to its end before the next is made. No
sale is for more base than the account has: coins that were withdrawn can't be sold, those that are left can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import takewhile
from typing import Literal

from volexswarm.errors import Rejected
from volexswarm.execution.identity import client_order_id, order_id
from volexswarm.execution.model import Balance, Capabilities, MarketRules, Order
from volexswarm.execution.rounding import fit
from volexswarm.messages import OrderState, OrderType, Protection, Purpose, Side

Holder = Literal["exchange", "system"]

WAYS_OUT = frozenset({Purpose.STOP, Purpose.TAKE_PROFIT, Purpose.TRAILING_STOP, Purpose.TIME_EXIT})

_STANDING = (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED)
_WOULD_TRIGGER = ("OrderImmediatelyFillable", "trigger immediately")  # ccxt's name for it, and binance's words


class State(StrEnum):
    """`ARMED`: waiting for a way out; `EXITING`: one was reached and is being taken; `CLOSED`: nothing is left to protect."""

    ARMED = "armed"
    EXITING = "exiting"
    CLOSED = "closed"


@dataclass(frozen=True)
class Guarded:
    """What one order has bought, and how it is to be left.

    `bought` (net of fees in base) and `exited` are the sums of the fills of that order and of its ways out; `sold_elsewhere` is
    what other sales took away. `way` is the way out that was reached, by a trade at `reached_price` and market time `reached_at`.
    `refusal` says why the exchange does not hold the stop any more; from `watch_from` on, market time, nothing else than the
    system has watched for it. `paused` while nothing may be sent: the price is not watched then. `holder` and `amount` are what
    was last told of it, `version` how often something was.
    """

    order_id: str
    venue: str
    account: str
    symbol: str
    wanted: Protection
    state: State
    entered_at: datetime
    watch_from: datetime
    reason: str
    correlation_id: str
    bought: Decimal = Decimal(0)
    exited: Decimal = Decimal(0)
    sold_elsewhere: Decimal = Decimal(0)
    way: Purpose | None = None
    reached_price: Decimal | None = None
    reached_at: datetime | None = None
    refusal: str | None = None
    holder: Holder | None = None
    amount: Decimal = Decimal(0)
    version: int = 0
    paused: bool = False

    @property
    def left(self) -> Decimal:
        """Base that is still to be sold."""
        return max(Decimal(0), self.bought - self.exited - self.sold_elsewhere)

    @property
    def correlationid(self) -> str:
        return self.correlation_id

    @property
    def id(self) -> str:
        return self.order_id

    @property
    def left_because(self) -> str:
        """Why it is being left."""
        assert self.way is not None and self.reached_price is not None  # noqa: PT018 - set with the state
        return f"{self.way.in_words}: reached at {_plain(self.reached_price)}"

    def reached(self, way: Purpose, price: Decimal, as_of: datetime) -> Guarded:
        """It is left from here on."""
        left = replace(self, state=State.EXITING, way=way, reached_price=price, reached_at=as_of)
        return replace(left, reason=left.left_because)


@dataclass(frozen=True)
class Terms:
    """What the exchange is to hold."""

    purpose: Purpose
    order_type: OrderType
    trigger_price: Decimal | None
    trailing_share: Decimal | None


@dataclass(frozen=True)
class Case:
    """All that bears on one protection.

    Parameters
    ----------
    entry : Order
        The order that bought.
    ways_out : sequence of Order
        Every order that was made to leave it, by sequence.
    holdable : bool
        Whether the exchange may hold it: the base is free of sales, and there is room for one more waiting order.
    base : Balance
        Base that the account has; what is free of it open orders do not lock that are none of this protection's.
    counted : bool
        Whether that is the exchange's word; otherwise it is the books'.
    in_the_way : Order or None
        An open sale without whose base a sale at market would be refused.
    forbidden : str or None
        Why nothing may be sent.
    patient : bool
        Whether a sale at market that came to nothing is left to the keeper's next round.
    market_time : datetime
        Of the newest trade.
    """

    guarded: Guarded
    entry: Order
    ways_out: Sequence[Order]
    holdable: bool
    base: Balance
    counted: bool
    in_the_way: Order | None
    forbidden: str | None
    patient: bool
    market_time: datetime

    @property
    def leg(self) -> Order | None:
        """The order by which the exchange holds it, if it does."""
        return next((order for order in self.ways_out if order.is_waiting and not order.state.is_final), None)

    @property
    def way(self) -> Purpose:
        """The way out that is being taken."""
        assert self.guarded.way is not None  # it is set with the state
        return self.guarded.way

    @property
    def entry_price(self) -> Decimal:
        """What was paid per base, on average."""
        return self.entry.cost / self.entry.filled if self.entry.filled else self.entry.reference_price


@dataclass(frozen=True)
class Change:
    """The protection becomes another; look again."""

    guarded: Guarded


@dataclass(frozen=True)
class Place:
    """An order is to be made and sent."""

    order: Order
    guarded: Guarded


@dataclass(frozen=True)
class GoOn:
    """An order is to be brought on to where the exchange has told what became of it."""

    order: Order


@dataclass(frozen=True)
class TakeOff:
    """An order is to be taken off the exchange, and its end made certain."""

    order: Order
    reason: str
    guarded: Guarded


@dataclass(frozen=True)
class Count:
    """The exchange is to be asked how much base the account has; look again with its word."""


@dataclass(frozen=True)
class Rest:
    """Nothing is to be done at the exchange; these are the ways out that the system watches for."""

    watched: frozenset[Purpose]


Step = Change | Place | GoOn | TakeOff | Count | Rest


def cut(guarded: Sequence[Guarded], held: Decimal) -> list[Guarded]:
    """What is left of each once no more than `held` is held: what other sales took, they took from the oldest first.

    Parameters
    ----------
    guarded : sequence of Guarded
        The symbol's protections, oldest first.
    held : Decimal
        The position.
    """
    excess = sum((each.left for each in guarded), Decimal(0)) - held
    result = []
    for each in guarded:
        taken = max(Decimal(0), min(excess, each.left))
        excess -= taken
        gone = each.sold_elsewhere + taken
        result.append(replace(each, sold_elsewhere=gone, reason="sold otherwise") if taken else each)
    return result


def holdable(guarded: Sequence[Guarded], standing: frozenset[str], free: Decimal, room: int | None) -> frozenset[str]:
    """Whose stop the exchange may hold, by entry.

    Parameters
    ----------
    guarded : sequence of Guarded
        Oldest first. The newest are served first, for a sale takes from the oldest; of those, what stands already.
    standing : frozenset of str
        Entries whose stop stands at the exchange.
    free : Decimal
        Base that the account has and open sales leave.
    room : int or None
        How many waiting orders the venue takes for the symbol beside those that are none of these; None for any number.
    """
    chosen = set[str]()
    newest_first = guarded[::-1]
    for each in sorted(newest_first, key=lambda each: each.order_id not in standing):
        if each.left <= free and (room is None or len(chosen) < room):
            chosen.add(each.order_id)
            free -= each.left
    return frozenset(chosen)


def terms(wanted: Protection, capabilities: Capabilities) -> Terms | None:
    """What of it the exchange can hold: one order, for spot has no two for one asset. None if nothing."""
    if wanted.stop_price is not None and OrderType.STOP_LOSS in capabilities.order_types:
        return Terms(Purpose.STOP, OrderType.STOP_LOSS, wanted.stop_price, None)
    if wanted.trailing_share is not None and OrderType.TRAILING_STOP in capabilities.order_types:
        return Terms(Purpose.TRAILING_STOP, OrderType.TRAILING_STOP, None, wanted.trailing_share)
    return None


def wanted_ways(wanted: Protection) -> frozenset[Purpose]:
    """The ways out that are asked for."""
    asked = {
        Purpose.STOP: wanted.stop_price,
        Purpose.TRAILING_STOP: wanted.trailing_share,
        Purpose.TAKE_PROFIT: wanted.take_profit_price,
        Purpose.TIME_EXIT: wanted.max_holding,
    }
    return frozenset(way for way, value in asked.items() if value is not None)


def due_at(guarded: Guarded) -> datetime | None:
    """Market time at which it is left in any case."""
    holding = guarded.wanted.max_holding
    return None if holding is None else guarded.entered_at + timedelta(seconds=holding)


def next_step(case: Case, capabilities: Capabilities, rules: MarketRules, intended_at: datetime) -> Step:
    """What is to be done next about one protection; the same again as long as it is not done.

    Parameters
    ----------
    intended_at : datetime
        Wall time, for an order that is to be made.
    """
    maker = _Maker(case, rules, intended_at)
    if case.guarded.state is State.EXITING:
        return _exiting(case, maker, intended_at)
    return _armed(case, maker, terms(case.guarded.wanted, capabilities))


def _exiting(case: Case, maker: _Maker, intended_at: datetime) -> Step:  # noqa: PLR0911 - one for each thing that may have to come first
    guarded, open_one = case.guarded, _open(case.ways_out)
    if open_one is not None and open_one.order_type is OrderType.MARKET:
        return Rest(frozenset()) if open_one.state in _STANDING else GoOn(open_one)
    if case.forbidden is not None:
        return Change(_armed_again(case, case.forbidden))
    if not case.entry.state.is_final:
        return TakeOff(case.entry, f"its position is being left: {guarded.reason}", guarded)
    if open_one is not None:
        return TakeOff(open_one, guarded.reason, guarded)
    if maker.sale(case.way, guarded.left) is None:
        return Change(replace(guarded, state=State.CLOSED))
    if case.in_the_way is not None:
        return TakeOff(case.in_the_way, f"its base is needed for a way out: {guarded.reason}", guarded)
    return _sell(case, maker, intended_at)


def _sell(case: Case, maker: _Maker, now: datetime) -> Step:
    """Sell what is left, or as much of it as there is."""
    guarded, sent = case.guarded, _sent(case)
    refused = list(takewhile(lambda order: not order.filled, reversed(sent)))
    is_short = case.base.free < guarded.left
    if not case.counted and (is_short or sent):  # one that was sent should have been enough
        return Count()
    sale = maker.sale(case.way, min(guarded.left, case.base.free))
    if sale is None:
        if maker.sale(case.way, min(guarded.left, case.base.total)) is not None:
            return Rest(frozenset())  # somebody locks it, or has just sold it
        gone = f"{guarded.left_because}; {_plain(guarded.left)} of it are not in the account any more"
        return Change(replace(guarded, state=State.CLOSED, reason=gone))
    is_news = refused and maker.fitted(sale) < refused[0].amount
    if refused and not is_news and (case.patient or now < _again_at(refused)):
        return Rest(frozenset())
    short = f"; of {_plain(guarded.left)} only {_plain(case.base.free)} are free in the account" if is_short else ""
    return Place(sale, replace(guarded, reason=guarded.left_because + short))


def _armed(case: Case, maker: _Maker, held: Terms | None) -> Step:  # noqa: PLR0911 - as above
    guarded, leg = case.guarded, _open(case.ways_out)
    if guarded.paused == (case.forbidden is None):
        return Change(_paused(case))
    nothing_left = maker.sale(Purpose.STOP, guarded.left) is None
    if leg is not None:
        return _with_leg(case, maker, leg, nothing_left)
    if nothing_left:
        return Change(_closed(case)) if case.entry.state.is_final else Rest(frozenset())
    if case.forbidden is not None:
        return Rest(frozenset())
    watched = wanted_ways(guarded.wanted)
    if held is None or guarded.refusal is not None:
        return Rest(watched)
    last = _last(case.ways_out, held.purpose)
    if last is not None and (refusal := _refusal(last)) is not None:
        return Change(_refused(case, last, refusal))
    # a second trailing stop would begin at today's price: the system knows the best one since the entry
    lost_its_place = last is not None and last.sent_at is not None and held.purpose is Purpose.TRAILING_STOP
    if not case.holdable or lost_its_place:
        return Rest(watched)
    return Place(maker.leg(held), replace(guarded, watch_from=case.market_time, reason="held at the exchange"))


def _with_leg(case: Case, maker: _Maker, leg: Order, nothing_left: bool) -> Step:
    guarded = case.guarded
    rest = Rest(frozenset() if case.forbidden is not None else wanted_ways(guarded.wanted) - {leg.purpose})
    if leg.order_type is OrderType.MARKET:  # a halt came between a way out that was taken and its end
        return rest if leg.state in _STANDING else GoOn(leg)
    if leg.filled:  # it was triggered
        return rest
    if leg.cancel_requested_at is not None:
        return TakeOff(leg, leg.cancel_reason or guarded.reason, guarded)
    needless = "nothing is left to protect" if nothing_left else None
    if not case.holdable:
        needless = needless or "its base is not free"
    elif not nothing_left and not maker.is_for_all(leg):
        needless = f"{_plain(guarded.left)} are left to protect"
    if needless is not None:
        return TakeOff(leg, needless, replace(guarded, watch_from=case.market_time, reason=needless))
    return rest if leg.state in _STANDING else GoOn(leg)


@dataclass(frozen=True)
class _Maker:
    """Makes the orders of a case."""

    case: Case
    rules: MarketRules
    intended_at: datetime

    def sale(self, purpose: Purpose, amount: Decimal) -> Order | None:
        """A sale at market of that much, or of as much as one order may sell; None if that is less than the venue takes."""
        guarded = self.case.guarded
        price = guarded.reached_price or guarded.wanted.stop_price or self.case.entry_price
        order = self._order(purpose, OrderType.MARKET, price, amount)
        try:
            self.fitted(order)
        except Rejected:
            return None
        return order

    def fitted(self, order: Order) -> Decimal:
        """What of the order's amount is sent. Raises Rejected."""
        return fit(order, self.rules).amount

    def leg(self, held: Terms) -> Order:
        """The order that the exchange is to hold."""
        reference_price = held.trigger_price or self.case.entry_price
        order = self._order(held.purpose, held.order_type, reference_price, self.case.guarded.left)
        return replace(order, trigger_price=held.trigger_price, trailing_share=held.trailing_share)

    def is_for_all(self, leg: Order) -> bool:
        """Whether the order is for all that is left, in whole steps."""
        step = self.rules.amount_step
        return leg.amount // step == self._at_most(self.case.guarded.left) // step

    def _at_most(self, amount: Decimal) -> Decimal:
        most = self.rules.max_amount
        return amount if most is None else min(amount, most)

    def _order(self, purpose: Purpose, order_type: OrderType, reference_price: Decimal, amount: Decimal) -> Order:
        entry = self.case.entry
        sequence = sum(1 for order in self.case.ways_out if order.purpose is purpose)
        name = client_order_id(entry.id, purpose, sequence)
        return Order(
            id=order_id(name),
            proposal_id=entry.proposal_id,
            signal_id=entry.signal_id,
            strategy_id=entry.strategy_id,
            client_order_id=name,
            venue=entry.venue,
            account=entry.account,
            symbol=entry.symbol,
            side=Side.SELL,
            order_type=order_type,
            amount=self._at_most(amount),
            reference_price=reference_price,
            as_of=self.case.guarded.reached_at or self.case.market_time,
            intended_at=self.intended_at,
            correlation_id=entry.correlation_id,
            purpose=purpose,
            sequence=sequence,
            parent_id=entry.id,
        )


def _open(ways_out: Sequence[Order]) -> Order | None:
    return next((order for order in ways_out if not order.state.is_final), None)


def _last(ways_out: Sequence[Order], purpose: Purpose) -> Order | None:
    """The newest of a purpose that waits for its price at the exchange."""
    legs = [order for order in ways_out if order.purpose is purpose and order.is_waiting]
    return legs[-1] if legs else None


def _sent(case: Case) -> Sequence[Order]:
    """The sales that were sent for what was reached."""
    sales = [order for order in case.ways_out if order.order_type is OrderType.MARKET]
    return [order for order in sales if order.sent_at is not None and order.as_of == case.guarded.reached_at]


def _again_at(refused: Sequence[Order]) -> datetime:
    """After each refusal twice as long, up to an hour: what is refused for good must not fill the books with orders."""
    pause: timedelta = timedelta(seconds=30) * 2 ** min(len(refused) - 1, 7)
    return max(order.intended_at for order in refused) + pause


def _refusal(leg: Order) -> str | None:
    """Why the exchange let go of an order that we did not take off; None if it did not."""
    if leg.state is OrderState.REJECTED:
        return leg.reason or "the exchange refused it"
    by_us = leg.cancel_requested_at is not None or leg.sent_at is None
    if leg.state in (OrderState.CANCELED, OrderState.EXPIRED) and not by_us:
        return f"it was {leg.state} at the exchange, not by us"
    return None


def _refused(case: Case, leg: Order, refusal: str) -> Guarded:
    guarded = replace(case.guarded, refusal=refusal, reason=f"watched by the system: {refusal}")
    if leg.state is OrderState.REJECTED and any(words in refusal for words in _WOULD_TRIGGER):
        return guarded.reached(leg.purpose, leg.trigger_price or leg.reference_price, case.market_time)
    return guarded


def _armed_again(case: Case, forbidden: str) -> Guarded:
    """What was reached while nothing may be sent is let pass."""
    reason = f"{case.guarded.reason}, but {forbidden}"
    return replace(case.guarded, state=State.ARMED, way=None, reached_price=None, reached_at=None, reason=reason)


def _paused(case: Case) -> Guarded:
    """While nothing may be sent no price is watched; once something may, what happened meanwhile is let pass."""
    if case.forbidden is not None:
        return replace(case.guarded, paused=True, reason=case.forbidden)
    return replace(case.guarded, paused=False, watch_from=case.market_time, reason="trading goes on")


def _closed(case: Case) -> Guarded:
    left_by = [order for order in case.ways_out if order.filled]
    if left_by:
        last = left_by[-1]
        reason = f"{last.purpose.in_words} filled"
        return replace(case.guarded, state=State.CLOSED, way=last.purpose, reason=reason)
    reason = "sold otherwise" if case.guarded.sold_elsewhere else "less is left than the venue takes"
    return replace(case.guarded, state=State.CLOSED, reason=reason)


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")
