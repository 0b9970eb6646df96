"""What the domain needs of the world, as Protocols. Adapters implement them, tests fake them.

Every state change happens in a transaction that also holds the messages it causes (outbox) and the memory of the messages it
has answered (inbox): what is published is published if and only if the change was stored, and nothing is answered twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from volexswarm.messages import Event, Quote, Side, Verdict
from volexswarm.policies import StoredPolicy

TransactionT_co = TypeVar("TransactionT_co", bound="Transaction", covariant=True)
TransactionT_contra = TypeVar("TransactionT_contra", bound="Transaction", contravariant=True)


class Transaction(Protocol):
    """One atomic change of the stored truth."""

    def first_delivery(self, consumer: str, event_id: str) -> bool:
        """Remember that the consumer answers this message; False if it already has."""
        ...

    def publish(self, *events: Event[Any]) -> None:
        """Record the events in the journal and send each, after the commit, to its own queue (if any) and to `events`."""
        ...


@dataclass(frozen=True)
class TradingState:
    """What trading is in force at a venue.

    `account` names the books that trade; `mode` says what their money is: `simulated`, `paper`, `sandbox` or `live`; `cap` the
    most that may be exposed in live mode, in the valuation currency; `halt` why nothing may be sent, None while trading goes on.
    """

    account: str
    mode: str
    cap: Decimal | None
    halt: str | None


class GovernedTransaction(Transaction, Protocol):
    """A change that only happens while trading is allowed."""

    def trading_state(self, venue: str) -> TradingState:
        """The state in force, held to the end of the transaction.

        The kill switch waits for whoever has read it, and whoever reads it afterwards finds the halt: nothing slips between.

        Raises
        ------
        Stop
            If nobody has set what trading is in force.
        """
        ...


class DecisionTransaction(GovernedTransaction, Protocol):
    """What a stage that approves or refuses trades needs of its transaction."""

    def lock_account(self, venue: str, account: str) -> None:
        """Hold the account's decisions of this stage to the end of the transaction: one at a time, so that none is overlooked."""
        ...

    def newest_policy(self) -> StoredPolicy | None:
        """This stage's policy with the highest version, whether valid or not; None if there is none."""
        ...

    def record_decision(
        self, cause: Event[Any], signal_id: str, verdict: Verdict, as_of: datetime, at: datetime
    ) -> None:
        """Store the verdict with every check. `as_of` is market time, `at` wall time."""
        ...


class Store(Protocol[TransactionT_co]):
    """Opens transactions. Leaving the block commits and then publishes; an exception rolls everything back.

    Raises
    ------
    Unavailable
        If the database does not answer.
    """

    def transaction(self) -> AbstractContextManager[TransactionT_co]: ...


class MessageSender(Protocol):
    """Sends messages to queues; at least once, never silently not at all."""

    def send(self, queue: str, messages: Sequence[tuple[str, str | None, str]]) -> set[str]:
        """Send (id, group, body) triples; returns the ids that were accepted. `group` is None on standard queues.

        Raises
        ------
        Unavailable
            If the queue service does not answer at all.
        """
        ...


class QuoteBoard(Protocol):
    """The latest best bid and ask of each symbol: a cache that may be lost, never a source of truth."""

    def put(self, venue: str, quotes: Mapping[str, Quote]) -> None: ...

    def get(self, venue: str, symbols: Sequence[str]) -> dict[str, Quote]:
        """The quotes there are; a symbol without one is missing from the answer."""
        ...


class SecretStore(Protocol):
    """Vault. Fails closed: sealed or silent it is Unavailable.

    A secret may be remembered for a few minutes: whoever is about to move money asks `assert_unsealed` first.
    """

    def read(self, path: str) -> Mapping[str, str]:
        """A KV secret's fields. Raises Unavailable, or NotFound if there is no such secret."""
        ...

    def assert_unsealed(self) -> None:
        """Ask Vault itself, past every cache. Raises Unavailable if it is sealed or silent."""
        ...


@dataclass(frozen=True)
class Fill:
    """One of the account's own executions as the exchange tells it. Price in quote per base, amount in base, fee as charged."""

    venue: str
    account: str
    symbol: str
    trade_id: str
    exchange_order_id: str
    side: Side
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_currency: str
    is_maker: bool | None
    as_of: datetime


@dataclass(frozen=True)
class Booked:
    """What a fill did to the books: P&L that it realised (quote currency, net of fees), and the position after it."""

    realised_pnl: Decimal
    position_amount: Decimal
    position_average_price: Decimal


class Books(Protocol[TransactionT_contra]):
    """Where fills are booked, within the transaction of whoever learns of them."""

    def record_fill(
        self, tx: TransactionT_contra, fill: Fill, *, order_id: str | None, correlation_id: str
    ) -> Booked | None:
        """Book the fill once; None if the books hold it already (repeated, or part of the opening balance).

        A fill that was booked before its order was known is given to `order_id` now.

        Raises
        ------
        Retry
            If the account has not been opened yet.
        """
        ...
