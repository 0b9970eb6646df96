"""One look at a market's protections, in one transaction and under one lock: what only concerns our records is done, the first
step at the exchange is stored and told.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Generic

from volexswarm.execution.model import Balance, Capabilities, MarketRules, Order
from volexswarm.execution.orders import forbidden
from volexswarm.execution.protection import (
    WAYS_OUT,
    Case,
    Change,
    Count,
    GoOn,
    Guarded,
    Holder,
    Place,
    Rest,
    State,
    Step,
    TakeOff,
    cut,
    due_at,
    holdable,
    next_step,
)
from volexswarm.execution.protection_ports import Market
from volexswarm.execution.record import SOURCE, Record, TransactionT
from volexswarm.messages import NAMESPACE, Event, PriceReached, ProtectionChanged, Purpose, Side
from volexswarm.ports import PriceWatch


class Look(Generic[TransactionT]):
    """The market's protections, held to the end of the transaction.

    Parameters
    ----------
    record : Record
        Where an order that is to be made is written down.
    now : datetime
        Wall time.
    """

    def __init__(self, tx: TransactionT, market: Market, record: Record[TransactionT], now: datetime) -> None:
        self._tx = tx
        self._market = market
        self._record = record
        self._now = now
        self._stored = dict[str, Guarded]()
        tx.hold_protections(market)

    def leave(self, guarded: Guarded, reached: PriceReached) -> None:
        """Store that a position is left from here on."""
        self._stored[guarded.order_id] = guarded
        self._keep(guarded.reached(reached.reason, reached.price, reached.as_of), "system")

    def _keep(self, after: Guarded, holder: Holder | None) -> None:
        """Store what a protection has become, and tell of it if anybody may want to know."""
        before = self._stored[after.order_id]
        after = replace(after, amount=after.left, holder=None if after.state is State.CLOSED else holder)
        if (after.state, after.holder, after.amount) != (before.state, before.holder, before.amount):
            after = replace(after, version=before.version + 1)
            self._tx.publish(self._changed(before, after))
        if after != before:
            self._tx.save_protection(after, self._now)
        if before.state is State.ARMED and after.state is not State.ARMED:
            self._take_away(after, self._tx.standing_watches(after.order_id).values())
        self._stored[after.order_id] = after

    def next_step(
        self,
        capabilities: Capabilities,
        rules: MarketRules,
        mode: str,
        *,
        patient: bool,
        counted: Balance | None = None,
    ) -> Place | GoOn | TakeOff | Count | Rest:
        """The next step at the exchange, stored as intended; Rest when everything is as it must be.

        `counted` is the account's base by the exchange's word, if it was asked since the last step.
        """
        while True:  # what is closed makes room for others, what is reached needs some
            step = self._first(self._cases(capabilities, mode, patient, counted), capabilities, rules)
            if not isinstance(step, Change):
                return step

    def _first(self, cases: Sequence[Case], capabilities: Capabilities, rules: MarketRules) -> Step:
        """The first step that there is to take, stored."""
        for case in cases:
            step = next_step(case, capabilities, rules, self._now)
            if isinstance(step, Rest):
                step = self._watch(case, step)
            match step:
                case Rest():
                    self._keep(case.guarded, "exchange" if case.leg is not None else "system")
                    continue
                case Change(guarded=after) | TakeOff(guarded=after):
                    self._keep(after, after.holder if after.state is State.ARMED else "system")
                case Place(order=order, guarded=after):
                    self._record.add(self._tx, order, after, after.reason)
                    self._keep(after, "exchange" if order.is_waiting else "system")
            return step
        return Rest(frozenset())

    def protect_entries(self) -> None:
        """Begin the protection of what was bought with one in mind; each step for it comes with `next_step`."""
        for order_id in self._tx.unguarded_entries(self._market):
            entry = self._tx.order(order_id)
            assert entry.proposal_id is not None  # only a proposal wants a protection
            wanted = self._tx.wanted_protection(entry.proposal_id)
            if wanted is None:
                continue
            first, last = self._tx.fill_times(order_id)
            guarded = Guarded(
                order_id=order_id,
                venue=entry.venue,
                account=entry.account,
                symbol=entry.symbol,
                wanted=wanted,
                state=State.ARMED,
                entered_at=first,
                watch_from=last,
                reason="bought",
                correlation_id=entry.correlation_id,
            )
            self._tx.add_protection(guarded, self._now)

    def _cases(self, capabilities: Capabilities, mode: str, patient: bool, counted: Balance | None) -> list[Case]:
        """Those that are being left come first."""
        # orders before fills: one that is read as open and has ended since is only asked for again
        others = [order for order in self._tx.open_orders_of(*self._market) if order.purpose not in WAYS_OUT]
        orders = self._tx.guarded_orders(self._market)
        holding = self._tx.holding(self._market)
        self._stored = {each.order_id: each for each in holding.guarded}
        guarded = cut(holding.guarded, holding.position)
        if not guarded:
            return []
        entries = {order.id: order for order in orders}
        ways_out = [order for order in orders if order.parent_id is not None and not order.state.is_final]
        sales = [order for order in others if order.side is Side.SELL]
        promised = _unfilled(sales)
        room = capabilities.trigger_orders
        may_hold = holdable(
            guarded,
            frozenset(order.parent_id for order in ways_out if order.is_waiting and order.parent_id is not None),
            min(holding.position, holding.base) - promised,
            None if room is None else room - sum(1 for order in others if order.is_waiting),
        )
        state = self._tx.trading_state(self._market.venue)
        market_time = self._market_time()
        cases = []
        for each in sorted(guarded, key=lambda each: each.state is not State.EXITING):
            entry = entries[each.order_id]
            locked = promised + _unfilled([order for order in ways_out if order.parent_id != each.order_id])
            base = counted or Balance(holding.base, max(Decimal(0), holding.base - locked))
            cases.append(
                Case(
                    guarded=each,
                    entry=entry,
                    ways_out=[order for order in orders if order.parent_id == each.order_id],
                    holdable=each.order_id in may_hold,
                    base=base,
                    counted=counted is not None,
                    in_the_way=_last_that_gives_way(sales) if base.free < each.left else None,
                    forbidden=forbidden(entry, mode, state),
                    patient=patient,
                    market_time=market_time or each.watch_from,
                )
            )
        return cases

    def _watch(self, case: Case, rest: Rest) -> Change | Rest:
        """Let exactly these be watched. A Change if the price was reached while nobody watched."""
        guarded = case.guarded
        standing = self._tx.standing_watches(guarded.order_id)
        self._take_away(guarded, [watch for way, watch in standing.items() if way not in rest.watched])
        for way in sorted(rest.watched - standing.keys()):
            reached = self._tx.set_watch(self._watch_for(case, way), best_since=guarded.entered_at)
            if reached is not None:
                return Change(guarded.reached(way, reached.price, reached.as_of))
        return rest

    def _take_away(self, guarded: Guarded, watches: Collection[str]) -> None:
        if watches:
            self._tx.take_away(guarded.venue, list(watches), self._now)

    def _watch_for(self, case: Case, way: Purpose) -> PriceWatch:
        guarded, wanted = case.guarded, case.guarded.wanted
        trails = way is Purpose.TRAILING_STOP
        number = self._tx.watches_so_far(guarded.order_id)
        return PriceWatch(
            id=str(uuid.uuid5(NAMESPACE, f"watch/{guarded.order_id}/{number}")),
            entry_id=guarded.order_id,
            venue=guarded.venue,
            account=guarded.account,
            symbol=guarded.symbol,
            reason=way,
            as_of=guarded.watch_from,
            correlation_id=guarded.correlation_id,
            below=wanted.stop_price if way is Purpose.STOP else None,
            above=wanted.take_profit_price if way is Purpose.TAKE_PROFIT else None,
            trail_share=wanted.trailing_share if trails else None,
            extreme=case.entry_price if trails else None,
            extreme_at=guarded.watch_from if trails else None,
            due_at=due_at(guarded) if way is Purpose.TIME_EXIT else None,
        )

    def _changed(self, before: Guarded, after: Guarded) -> Event[ProtectionChanged]:
        changed = ProtectionChanged(
            venue=after.venue,
            account=after.account,
            symbol=after.symbol,
            order_id=after.order_id,
            before=before.state.value if before.version else None,
            after=after.state.value,
            holder=after.holder,
            amount=after.amount,
            reason=after.reason,
            as_of=self._market_time() or after.watch_from,
        )
        subject = f"{changed.key}:{after.order_id}:{after.version}"
        return Event.caused_by(after, changed, source=SOURCE, subject=subject, time=self._now)

    def _market_time(self) -> datetime | None:
        return self._tx.newest_trade(self._market.venue, self._market.symbol)


def _unfilled(orders: Sequence[Order]) -> Decimal:
    return sum((order.amount - order.filled for order in orders), Decimal(0))


def _last_that_gives_way(sales: Sequence[Order]) -> Order | None:
    """The newest sale that a way out may push aside; one that empties the account has the same aim."""
    return next((order for order in reversed(sales) if order.purpose is not Purpose.FLATTEN), None)
