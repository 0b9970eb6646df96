"""A person's word on a difference that no evidence explains: it holds for what the exchange says when it is carried out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Generic, Literal, Protocol, TypeVar

from volexswarm.clock import Clock
from volexswarm.errors import Conflict, Retry
from volexswarm.execution.ports import ExecutionTransaction
from volexswarm.execution.reconciliation import Findings, Kind
from volexswarm.execution.record import SOURCE, Record
from volexswarm.messages import (
    AcceptDifference,
    DifferenceFound,
    DifferenceSettled,
    Event,
    OrderState,
    ReconcileAccount,
)
from volexswarm.ports import Store

CONSUMER = "execution-differences"


@dataclass(frozen=True)
class OpenDifference:
    """A stored difference that is not settled. Its correlation id is that of the comparison that found it."""

    id: str
    venue: str
    account: str
    kind: Kind
    subject: str
    ours: str
    theirs: str
    as_of: datetime
    correlation_id: str

    @property
    def correlationid(self) -> str:
        return self.correlation_id

    @property
    def gap(self) -> Decimal | None:
        """Theirs less ours, of a balance; None of anything else."""
        return Decimal(self.theirs) - Decimal(self.ours) if self.kind is Kind.BALANCE else None


class DifferencesTransaction(ExecutionTransaction, Protocol):
    """What settling a difference needs besides orders and the ledger."""

    def open_difference(self, key: str) -> OpenDifference:
        """By its id or the id's beginning, locked. Raises NotFound; Conflict if several fit, or it is settled already."""
        ...

    def settle_difference(
        self, difference_id: str, state: Literal["repaired", "accepted"], settled_by: str, reason: str, at: datetime
    ) -> None: ...

    def remark_on_settlement(self, difference_id: str, words: str) -> Literal["repaired", "accepted"]:
        """Add to the words in which a settled one was settled; how it was."""
        ...

    def explain_difference(self, difference_id: str, cause: str) -> None:
        """Store other words for why it is there."""
        ...


TransactionT = TypeVar("TransactionT", bound=DifferencesTransaction)


class DifferenceDesk(Generic[TransactionT]):
    """Where a person has the account compared, and accepts what the exchange says."""

    def __init__(self, *, store: Store[TransactionT], clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def request(self, venue: str, account: str, *, actor: str) -> str:
        """Have the account compared with the exchange at once; the id of the command."""
        now = self._clock.now()
        command = ReconcileAccount(venue=venue, account=account, occasion="demand", requested_by=actor)
        identity = f"{venue}/{account}/{actor}/{now.isoformat()}"
        event = Event.root(command, source="api", subject=f"{venue}:{account}", identity=identity, time=now)
        with self._store.transaction() as tx:
            tx.publish(event)
        return event.id

    def accept(self, key: str, *, actor: str, reason: str) -> str:
        """Have the exchange's word hold on a difference, once a further comparison says that it is as it was seen.

        Answers with the difference's id; `key` is that, or its beginning.

        Raises
        ------
        NotFound
            If there is no such difference.
        Conflict
            If several fit, or it is settled already.
        """
        now = self._clock.now()
        with self._store.transaction() as tx:
            seen = tx.open_difference(key)
            command = AcceptDifference(
                difference_id=seen.id,
                venue=seen.venue,
                account=seen.account,
                ours=seen.ours,
                theirs=seen.theirs,
                accepted_by=actor,
                reason=reason,
            )
            subject = f"{seen.id}:{actor}:{now.isoformat()}"
            tx.publish(Event.caused_by(seen, command, source="api", subject=subject, time=now))
        return seen.id


class Acceptance(Generic[TransactionT]):
    """Lets the exchange's word hold where a person has accepted it.

    Parameters
    ----------
    compare : callable
        Compares an account with the exchange, so that its open differences are those of the moment; None before its books are
        opened. Raises Unavailable.
    """

    def __init__(
        self,
        *,
        store: Store[TransactionT],
        compare: Callable[[str], Findings | None],
        record: Record[TransactionT],
        clock: Clock,
    ) -> None:
        self._store = store
        self._compare = compare
        self._record = record
        self._clock = clock

    def carry_out(self, event: Event[AcceptDifference]) -> None:
        """Compare again, and settle the difference if it is still the one that was accepted.

        A balance is adjusted in the ledger, an order that the exchange does not know ends as canceled. What has become another
        stays open, what was settled meanwhile stays settled, and both say so.

        Raises
        ------
        Unavailable
            If the exchange does not answer: nothing is accepted unseen.
        Retry
            While the balance moves, for the same reason.
        """
        wanted = event.data
        findings = self._compare(wanted.account)
        with self._store.transaction() as tx:
            if not tx.first_delivery(CONSUMER, event.id):
                return
            try:
                found = tx.open_difference(wanted.difference_id)
            except Conflict:
                self._came_too_late(tx, event)
                return
            if found.kind is Kind.BALANCE and (findings is None or found.subject in findings.moving):
                raise Retry(f"the balance of {found.subject} moves: what was accepted of it waits until it rests")
            if replace(found, ours=wanted.ours, theirs=wanted.theirs).gap != found.gap:
                self._refuse(tx, found, event)
                return
            words = f"accepted by {wanted.accepted_by}: {wanted.reason}"
            if found.gap is not None:
                self._adjust(tx, found, found.gap)
            elif found.kind is Kind.ORDER:
                self._end(tx, found, words)
            now = self._clock.now()
            tx.settle_difference(found.id, "accepted", wanted.accepted_by, wanted.reason, now)
            settled = DifferenceSettled(
                difference_id=found.id,
                outcome="accepted",
                actor=wanted.accepted_by,
                reason=wanted.reason,
                as_of=now,
            )
            tx.publish(Event.caused_by(event, settled, source=SOURCE, subject=found.id, time=now))

    def _came_too_late(self, tx: TransactionT, event: Event[AcceptDifference]) -> None:
        wanted, now = event.data, self._clock.now()
        words = f"{wanted.accepted_by} accepted it when it was settled already: nothing was done"
        settled = DifferenceSettled(
            difference_id=wanted.difference_id,
            outcome=tx.remark_on_settlement(wanted.difference_id, words),
            actor=SOURCE,
            reason=words,
            as_of=now,
        )
        tx.publish(Event.caused_by(event, settled, source=SOURCE, subject=wanted.difference_id, time=now))

    def _refuse(self, tx: TransactionT, found: OpenDifference, event: Event[AcceptDifference]) -> None:
        wanted, now = event.data, self._clock.now()
        cause = (
            f"{wanted.accepted_by} accepted {wanted.theirs} against {wanted.ours}, but it has changed since:"
            " accept it as it is, if that is right"
        )
        tx.explain_difference(found.id, cause)
        changed = DifferenceFound(
            difference_id=found.id,
            venue=found.venue,
            account=found.account,
            kind=found.kind,
            subject=found.subject,
            ours=found.ours,
            theirs=found.theirs,
            cause=cause,
            as_of=now,
        )
        tx.publish(Event.caused_by(event, changed, source=SOURCE, subject=found.id, time=now))

    def _adjust(self, tx: TransactionT, difference: OpenDifference, amount: Decimal) -> None:
        self._record.book_adjustment(
            tx,
            difference.venue,
            difference.account,
            difference.subject,
            amount,
            reference=difference.id,
            as_of=difference.as_of,
            correlation_id=difference.correlation_id,
        )

    def _end(self, tx: TransactionT, difference: OpenDifference, words: str) -> None:
        order = tx.order_named(difference.subject)
        if not order.state.is_final:
            self._record.move(tx, order, OrderState.CANCELED, words, reason=words)
