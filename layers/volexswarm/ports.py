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

from volexswarm.messages import Event, Purpose, Quote, Side, Verdict
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
    most that may be exposed in live mode, in the valuation currency; `halt` why nothing may be sent, None while trading goes on;
    `since` (wall time) from when on it goes on like this: the last switch of the mode, or the lifting of a halt.
    """

    account: str
    mode: str
    cap: Decimal | None
    halt: str | None
    since: datetime


@dataclass(frozen=True)
class Halt:
    """A stop of all trading that nobody has lifted: the cause of what is done to clear the exchange.

    `flatten` asks for what is held to be sold, too; `settled_at` (wall time) when the exchange said that nothing stands open any
    more, None until then.
    """

    id: str
    actor: str
    reason: str
    flatten: bool
    halted_at: datetime
    settled_at: datetime | None

    @property
    def correlationid(self) -> str:
        return self.id

    @property
    def words(self) -> str:
        """Who and why, as it stands at every order that it ends."""
        return f"halted by {self.actor}: {self.reason}"


class GovernedTransaction(Transaction, Protocol):
    """A change that only happens while trading is allowed."""

    def trading_state(self, venue: str) -> TradingState:
        """The state in force, held to the end of the transaction; asked for before anything else is locked.

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
class PriceWatch:
    """Looks at every trade of a symbol until one is at or beyond what it waits for; then it is done.

    It waits for a price at or `below`, at or `above`, at or below the best price since it began by `trail_share` of that, or for
    the market time `due_at`: one of them. Only trades later than `as_of` count. `extreme` is the best price so far, of a trade
    at `extreme_at`. `entry_id` is the order whose position it guards, `reason` what the way out is.
    """

    id: str
    entry_id: str
    venue: str
    account: str
    symbol: str
    reason: Purpose
    as_of: datetime
    correlation_id: str
    below: Decimal | None = None
    above: Decimal | None = None
    trail_share: Decimal | None = None
    extreme: Decimal | None = None
    extreme_at: datetime | None = None
    due_at: datetime | None = None

    @property
    def correlationid(self) -> str:
        return self.correlation_id


@dataclass(frozen=True)
class Reached:
    """The trade at which a watch was done."""

    price: Decimal
    as_of: datetime


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
class Transfer:
    """Money that came to the account (`amount` > 0) or left it (< 0), apart from trading; `fee` on top, in the same currency."""

    transfer_id: str
    currency: str
    amount: Decimal
    fee: Decimal
    as_of: datetime


@dataclass(frozen=True)
class Booked:
    """What a fill did to the books: P&L that it realised (in quote, net of fees in base and quote), and the position after it."""

    realised_pnl: Decimal
    position_amount: Decimal
    position_average_price: Decimal


class Books(Protocol[TransactionT_contra]):
    """Where fills and transfers are booked, within the transaction of whoever learns of them."""

    def record_fill(
        self,
        tx: TransactionT_contra,
        fill: Fill,
        *,
        order_id: str | None,
        correlation_id: str,
        slippage: Decimal | None = None,
    ) -> Booked | None:
        """Book the fill once; None if the books hold it already (repeated, or part of the opening balance).

        `slippage` is the share of the decision price that it lost; None where no decision of ours stands behind it.

        A fill that was booked before its order was known is given to `order_id` now.

        Raises
        ------
        Retry
            If the account has not been opened yet.
        """
        ...

    def record_transfer(
        self, tx: TransactionT_contra, venue: str, account: str, transfer: Transfer, *, correlation_id: str
    ) -> bool:
        """Book a deposit or a withdrawal once, as capital; False if the books hold it already (repeated, or part of the opening).

        Raises
        ------
        InvalidInput
            If nothing was transferred, or its fee is negative.
        Retry
            If the account has not been opened yet.
        """
        ...

    def record_adjustment(
        self,
        tx: TransactionT_contra,
        venue: str,
        account: str,
        currency: str,
        amount: Decimal,
        *,
        reference: str,
        as_of: datetime,
        correlation_id: str,
    ) -> bool:
        """Book a difference that a person accepts, once, as capital: `amount` more of the currency than the books held, or less.

        Parameters
        ----------
        reference : str
            What is accepted: the same one is not booked twice. False if it has been.

        Raises
        ------
        InvalidInput
            If there is no difference.
        Retry
            If the account has not been opened yet.
        """
        ...
