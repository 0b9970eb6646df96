"""Compares the exchange with our records, repairs what evidence explains, and puts the rest before a person.

Repaired is what the exchange proves: a fill that was not reported is booked, an order that ended unseen takes its end, one that
we had given up is taken off the exchange, a deposit or withdrawal is booked as such. What nothing explains stays an open
difference, and nothing is overwritten, until it is gone or a person accepts it.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Generic, TypeVar

from volexswarm.clock import Clock
from volexswarm.execution import reconciliation
from volexswarm.execution.model import Evidence, Occasion, Order, Run, StandingOrder
from volexswarm.execution.ports import ExchangeGateway, ReconcilingTransaction
from volexswarm.execution.reconciliation import NOTHING, Difference, Findings
from volexswarm.execution.record import SOURCE, Record
from volexswarm.messages import (
    NAMESPACE,
    DifferenceFound,
    DifferenceSettled,
    Event,
    OrderState,
    ReconcileAccount,
    TransferRecorded,
)
from volexswarm.ports import Fill, Store, Transfer

logger = logging.getLogger(__name__)

ReconcilingT = TypeVar("ReconcilingT", bound=ReconcilingTransaction)

_GRACE_SECONDS = 3.0  # what the exchange did a moment ago is on its way to us: no difference yet
_UNDER_WAY = timedelta(minutes=1)  # longer than any request of ours is waited for
_AWAY = timedelta(minutes=5)
_OVERLAP = timedelta(minutes=10)  # exchange time: fills are listed a little late
_TRANSFER_OVERLAP = timedelta(days=2)  # a withdrawal is listed with the time of its request, long before it is done


class Reconciler(Generic[ReconcilingT]):
    """Compares one account.

    Parameters
    ----------
    symbols : sequence of str
        Markets whose fills are asked for.
    pause : callable
        Waits that many seconds of wall time.
    """

    def __init__(
        self,
        *,
        store: Store[ReconcilingT],
        exchange: ExchangeGateway,
        record: Record[ReconcilingT],
        clock: Clock,
        venue: str,
        account: str,
        symbols: Sequence[str],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._exchange = exchange
        self._record = record
        self._clock = clock
        self._venue = venue
        self._account = account
        self._symbols = tuple(symbols)
        self._pause = pause

    def look(self) -> Findings | None:
        """The regular comparison; the first one after a while without any counts as a start."""
        with self._store.transaction() as tx:
            last = tx.last_comparison(self._venue, self._account)
        away = last is None or self._clock.now() - last > _AWAY
        return self.reconcile("start" if away else "schedule")

    def on_command(self, event: Event[ReconcileAccount]) -> None:
        """A comparison on demand, or after a reconnect. Raises as `reconcile`."""
        self.reconcile(event.data.occasion)

    def reconcile(self, occasion: Occasion) -> Findings | None:
        """Compare and repair; None before the account's books are opened.

        Raises
        ------
        Unavailable
            If exchange or database do not answer; what was repaired until then stays so.
        """
        started = self._clock.now()
        identity = f"reconciliation/{self._venue}/{self._account}/{started.isoformat()}"
        run = Run(str(uuid.uuid5(NAMESPACE, identity)), occasion, started)
        with self._store.transaction() as tx:
            compared = tx.compared_to(self._venue, self._account)
        if compared is None:
            return None
        opened_at, since = compared
        as_of = self._exchange.market_time()
        findings = Findings()
        self._orders(run, findings)
        fills_since = max(opened_at, since - _OVERLAP)
        self._fills(run, fills_since, findings)
        self._transfers(run, since - _TRANSFER_OVERLAP, findings)
        self._balances(run, fills_since, findings)
        with self._store.transaction() as tx:
            self._settle_gone(tx, run, as_of)
            tx.add_reconciliation(run, self._venue, self._account, findings, as_of, self._clock.now())
        return findings

    # Orders.

    def _orders(self, run: Run, findings: Findings) -> None:
        ours = self._ours()  # before theirs: what is with us only has ended, what is with them only may be new
        theirs = self._exchange.open_orders()
        compared = reconciliation.compare_orders(ours, theirs, self._is_lost)
        findings.orders = len(ours)
        if compared.moved or compared.gone or compared.unexplained:
            self._pause(_GRACE_SECONDS)
            for order in (*compared.moved, *compared.gone):
                self._look_into(run, order, findings)
            for standing in compared.unexplained:
                self._explain(run, standing, findings)

    def _is_lost(self, order: Order) -> bool:
        """Whether only a person can say what became of an order without an answer; not of one that may be under way."""
        now = self._clock.now()
        if order.sent_at is None or now - order.sent_at < _UNDER_WAY:
            return False
        return reconciliation.undecidable(order, self._exchange.capabilities, now) is not None

    def _ours(self) -> Sequence[Order]:
        with self._store.transaction() as tx:
            return tx.open_orders_of(self._venue, self._account)

    def _look_into(self, run: Run, seen: Order, findings: Findings) -> None:
        """An order that has moved at the exchange; unless the news has reached us meanwhile, it would not have."""
        found = self._exchange.find(seen.client_order_id, seen.symbol, seen.exchange_order_id)
        with self._store.transaction() as tx:
            order = tx.order(seen.id)
            if order.state.is_final or (order.state, order.filled) != (seen.state, seen.filled):
                return
            if found is None:
                self._put(tx, run, reconciliation.of_ended(order, NOTHING), findings)
                return
            if (found.state, found.filled) == (order.state, order.filled):
                return
            self._record.absorb(tx, order, found, run, "compared with the exchange")
            self._repaired(
                tx, run, reconciliation.of_ended(order, found.state), "took over the exchange's state", findings
            )

    def _explain(self, run: Run, standing: StandingOrder, findings: Findings) -> None:
        with self._store.transaction() as tx:
            order = tx.order_at_exchange(
                self._venue,
                self._account,
                standing.symbol,
                standing.client_order_id,
                standing.evidence.exchange_order_id,
            )
        if order is None:
            with self._store.transaction() as tx:
                self._put(tx, run, reconciliation.of_foreign(standing), findings)
        elif order.state.is_final:
            self._take_off(run, order, standing, findings)

    def _take_off(self, run: Run, order: Order, standing: StandingOrder, findings: Findings) -> None:
        """Nobody waits for this order any more; what of it was filled comes in with the fills."""
        canceled = self._exchange.cancel(order.client_order_id, order.symbol, standing.evidence.exchange_order_id)
        if canceled:
            with self._store.transaction() as tx:
                difference = reconciliation.of_revived(order, standing)
                self._repaired(tx, run, difference, "canceled it at the exchange", findings)

    # Fills and transfers.

    def _fills(self, run: Run, since: datetime, findings: Findings) -> None:
        found = (fill for symbol in self._symbols for fill in self._exchange.fills_since(symbol, since))
        theirs = [fill for fill in found if fill.as_of > since]  # at the opening: part of its balance
        findings.fills = len(theirs)
        missing = self._missing(theirs)
        if missing:
            self._pause(_GRACE_SECONDS)
            self._identify(run, {fill.symbol for fill in missing})
            for fill in self._missing(missing):
                self._book(run, fill, findings)

    def _identify(self, run: Run, symbols: Collection[str]) -> None:
        """Learn the exchange's ids of orders without an answer: their fills would pass for somebody else's."""
        for order in self._ours():
            if order.exchange_order_id is None and order.sent_at is not None and order.symbol in symbols:
                found = self._exchange.find(order.client_order_id, order.symbol)
                if found is not None:
                    with self._store.transaction() as tx:
                        self._record.absorb(tx, tx.order(order.id), found, run, "compared with the exchange")

    def _missing(self, theirs: Sequence[Fill]) -> tuple[Fill, ...]:
        with self._store.transaction() as tx:
            return reconciliation.missing_fills(theirs, tx.booked_fills(self._venue, self._account, theirs))

    def _book(self, run: Run, fill: Fill, findings: Findings) -> None:
        with self._store.transaction() as tx:
            order = tx.order_at_exchange(self._venue, self._account, fill.symbol, None, fill.exchange_order_id)
            if order is None:
                evidence = Evidence(fill.exchange_order_id, OrderState.ACCEPTED, fill.amount, (fill,), fill.as_of)
                booked = self._record.book_foreign(tx, evidence, run)
            else:
                # `filled` without this fill: it may have been booked since we looked, and would count twice
                evidence = Evidence(
                    fill.exchange_order_id, OrderState.PARTIALLY_FILLED, order.filled, (fill,), fill.as_of
                )
                booked = self._record.absorb(tx, order, evidence, run, "compared with the exchange")
            if booked:  # not what the opening balance holds already
                self._repaired(tx, run, reconciliation.of_fill(fill, order), "booked it", findings)

    def _transfers(self, run: Run, since: datetime, findings: Findings) -> None:
        if (
            not self._exchange.capabilities.transfers
        ):  # then they are differences of the balances, for a person to accept
            return
        for transfer in self._exchange.transfers_since(since):
            with self._store.transaction() as tx:
                if self._record.book_transfer(tx, self._venue, self._account, transfer, run.correlationid):
                    tx.publish(self._transferred(run, transfer))
                    findings.transfers += 1

    def _transferred(self, run: Run, transfer: Transfer) -> Event[TransferRecorded]:
        recorded = TransferRecorded(
            venue=self._venue,
            account=self._account,
            transfer_id=transfer.transfer_id,
            currency=transfer.currency,
            amount=transfer.amount,
            fee=transfer.fee,
            as_of=transfer.as_of,
        )
        return Event.caused_by(
            run, recorded, source=SOURCE, subject=f"{self._venue}:{transfer.transfer_id}", time=self._clock.now()
        )

    # Balances.

    def _balances(self, run: Run, fills_since: datetime, findings: Findings) -> None:
        """Only a difference that stays the same is one: while trades go on, the two sides are read at different moments.

        For the same reason one that changes between the looks closes none that is open.
        """
        first = self._compare_balances()[2]
        if not first:
            return
        self._pause(_GRACE_SECONDS)
        self._fills(run, fills_since, findings)
        ours, theirs, second = self._compare_balances()
        zero = Decimal(0)
        for currency, gap in second.items():
            difference = reconciliation.of_balance(currency, ours.get(currency, zero), theirs.get(currency, zero))
            with self._store.transaction() as tx:
                if first.get(currency) == gap:
                    self._put(tx, run, difference, findings)
                else:
                    self._keep(tx, difference, findings)

    def _compare_balances(self) -> tuple[Mapping[str, Decimal], Mapping[str, Decimal], dict[str, Decimal]]:
        theirs = self._exchange.balances()
        with self._store.transaction() as tx:
            ours = tx.assets(self._venue, self._account)
        return ours, theirs, reconciliation.compare_balances(ours, theirs)

    # What is written down.

    def _put(self, tx: ReconcilingT, run: Run, difference: Difference, findings: Findings) -> None:
        """Open the difference, once; seen again, it only gets a later time."""
        findings.open.append(difference)
        now = self._clock.now()
        difference_id, is_new = tx.see_difference(run, self._venue, self._account, difference, now)
        if is_new:
            logger.error(
                "%s %s: ours %s, theirs %s", difference.kind, difference.subject, difference.ours, difference.theirs
            )
            tx.publish(self._found(run, difference_id, difference, now))

    def _keep(self, tx: ReconcilingT, difference: Difference, findings: Findings) -> None:
        """Leave as it is what may be open on a balance that moves."""
        findings.moving.add(difference.subject)
        if tx.keep_difference(self._venue, self._account, difference, self._clock.now()):
            findings.open.append(difference)

    def _repaired(self, tx: ReconcilingT, run: Run, difference: Difference, how: str, findings: Findings) -> None:
        findings.repaired.append(difference)
        now = self._clock.now()
        difference_id, is_new = tx.see_difference(run, self._venue, self._account, difference, now)
        if is_new:
            tx.publish(self._found(run, difference_id, difference, now))
        tx.settle_difference(difference_id, "repaired", SOURCE, how, now)
        tx.publish(self._settled(run, difference_id, how, now))

    def _settle_gone(self, tx: ReconcilingT, run: Run, as_of: datetime) -> None:
        """Differences that nobody has seen since this comparison began are gone."""
        now = self._clock.now()
        how = f"not there any more at {as_of.isoformat()}"
        for difference_id in tx.unseen_differences(self._venue, self._account, run.started_at):
            tx.settle_difference(difference_id, "repaired", SOURCE, how, now)
            tx.publish(self._settled(run, difference_id, how, now))

    def _found(self, run: Run, difference_id: str, difference: Difference, now: datetime) -> Event[DifferenceFound]:
        found = DifferenceFound(
            difference_id=difference_id,
            venue=self._venue,
            account=self._account,
            kind=difference.kind,
            subject=difference.subject,
            ours=difference.ours,
            theirs=difference.theirs,
            cause=difference.cause,
            as_of=now,
        )
        return Event.caused_by(run, found, source=SOURCE, subject=difference_id, time=now)

    def _settled(self, run: Run, difference_id: str, how: str, now: datetime) -> Event[DifferenceSettled]:
        settled = DifferenceSettled(
            difference_id=difference_id, outcome="repaired", actor=SOURCE, reason=how, as_of=now
        )
        return Event.caused_by(run, settled, source=SOURCE, subject=difference_id, time=now)
