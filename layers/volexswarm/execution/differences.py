"""A person's word on a difference that no evidence explains."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Generic, Literal, Protocol, TypeVar

from volexswarm.clock import Clock
from volexswarm.execution.ports import ExecutionTransaction
from volexswarm.execution.reconciliation import Kind
from volexswarm.execution.record import SOURCE, Record
from volexswarm.messages import DifferenceSettled, Event, OrderState, ReconcileAccount
from volexswarm.ports import Store


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


class DifferencesTransaction(ExecutionTransaction, Protocol):
    """What settling a difference needs besides orders and the ledger."""

    def open_difference(self, key: str) -> OpenDifference:
        """By its id or the id's beginning, locked. Raises NotFound; Conflict if several fit, or it is settled already."""
        ...

    def settle_difference(
        self, difference_id: str, state: Literal["repaired", "accepted"], settled_by: str, reason: str, at: datetime
    ) -> None: ...


TransactionT = TypeVar("TransactionT", bound=DifferencesTransaction)


class DifferenceDesk(Generic[TransactionT]):
    """Where a person has the account compared, and accepts what the exchange says."""

    def __init__(self, *, store: Store[TransactionT], record: Record[TransactionT], clock: Clock) -> None:
        self._store = store
        self._record = record
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
        """Let the exchange's word hold: a balance is adjusted in the ledger, an order that it does not know ends as canceled.

        Answers with the difference's id; `key` is that, or its beginning.

        Raises
        ------
        NotFound
            If there is no such difference.
        Conflict
            If several fit, or it is settled already.
        """
        with self._store.transaction() as tx:
            difference = tx.open_difference(key)
            words = f"accepted by {actor}: {reason}"
            if difference.kind is Kind.BALANCE:
                self._adjust(tx, difference)
            elif difference.kind is Kind.ORDER:
                self._end(tx, difference, words)
            now = self._clock.now()
            tx.settle_difference(difference.id, "accepted", actor, reason, now)
            settled = DifferenceSettled(
                difference_id=difference.id, outcome="accepted", actor=actor, reason=reason, as_of=now
            )
            tx.publish(Event.caused_by(difference, settled, source=SOURCE, subject=difference.id, time=now))
        return difference.id

    def _adjust(self, tx: TransactionT, difference: OpenDifference) -> None:
        self._record.book_adjustment(
            tx,
            difference.venue,
            difference.account,
            difference.subject,
            Decimal(difference.theirs) - Decimal(difference.ours),
            reference=difference.id,
            as_of=difference.as_of,
            correlation_id=difference.correlation_id,
        )

    def _end(self, tx: TransactionT, difference: OpenDifference, words: str) -> None:
        order = tx.order_named(difference.subject)
        if not order.state.is_final:
            self._record.move(tx, order, OrderState.CANCELED, words, reason=words)
