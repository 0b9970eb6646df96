"""What watching needs of the world: stored connections, the log of updates, a way to the clients, and what they may ask for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from volexswarm.messages import Channel
from volexswarm.ports import Transaction
from volexswarm.push.model import (
    Connection,
    Cursor,
    Delivery,
    Filters,
    Head,
    Subscriber,
    Subscription,
    Update,
    Window,
)
from volexswarm.security.tokens import Principal

Describe = Callable[[Exception], Mapping[str, Any]]
"""`code`, `message` and `details` of an error, in the words in which the HTTP API tells it."""


class PushTransaction(Transaction, Protocol):
    """Connections and their subscriptions, which outlive every process."""

    def lock_door(self) -> None:
        """Let one client in at a time, to the end of the transaction: so the limits hold."""
        ...

    def count(self, username: str) -> tuple[int, int]:
        """How many connections there are in total, and of this user."""
        ...

    def add_connection(self, connection: Connection) -> None: ...

    def connection_of(self, connection_id: str) -> Connection | None: ...

    def connections(self) -> list[Connection]: ...

    def renew(self, connection_id: str, principal: Principal) -> None:
        """The connection speaks with a newer token."""
        ...

    def seen(self, connection_id: str, at: datetime) -> None: ...

    def remove_connections(self, connection_ids: Collection[str]) -> None:
        """Forget them with their subscriptions; one that is not there is no error."""
        ...

    def put_subscription(self, subscription: Subscription) -> None:
        """Replaces the connection's subscription of the channel; from here on it gets updates."""
        ...

    def rest(self, connection_id: str, channel: Channel) -> None:
        """The subscription, if there is one, gets no updates until it goes on or is replaced."""
        ...

    def go_on(self, connection_id: str, channel: Channel) -> None:
        """The subscription, if there is one, gets updates again."""
        ...

    def remove_subscription(self, connection_id: str, channel: Channel) -> bool:
        """False if there was none."""
        ...

    def end_subscription(self, subscription: Subscription) -> bool:
        """Take back just this one; False if there is another by now, or none."""
        ...

    def subscribers(self, channel: Channel) -> list[Subscriber]:
        """Of the channel, those that do not rest."""
        ...

    def subscribers_of(self, connection_id: str) -> list[Subscriber]:
        """The connection's own subscriptions that do not rest."""
        ...


class UpdateLog(Protocol):
    """The latest updates of each channel and how far each client has got with them. All raise Unavailable."""

    def append(self, channel: Channel, identity: str, updates: Sequence[Update]) -> Head:
        """Add updates, once for the identity, however often it is given within some minutes."""
        ...

    def window(self, channel: Channel, after: int | None) -> Window:
        """The updates after this number; None: only where the channel is."""
        ...

    def cursors(self, channel: Channel, connection_ids: Sequence[str]) -> dict[str, Cursor]:
        """Of those who have one in this epoch."""
        ...

    def advance(self, channel: Channel, cursors: Mapping[str, Cursor]) -> None:
        """Move them forward, and those only whose stamp is still the same; or set those that there are none of."""
        ...

    def place(self, channel: Channel, connection_id: str, cursor: Cursor) -> None:
        """Put one where its client wants to be, with a stamp of its own."""
        ...

    def forget(self, channel: Channel, connection_ids: Collection[str]) -> None: ...

    def prune(self, channel: Channel, living: Collection[str]) -> None:
        """Forget the cursors of all others."""
        ...

    def want(self, channel: Channel) -> None:
        """Say, for a few minutes, that somebody watches the channel."""
        ...

    def turn(self, name: str, seconds: float) -> bool:
        """True for one caller in so many seconds."""
        ...


class Outlet(Protocol):
    """The way to connected clients."""

    def post(self, frames: Sequence[tuple[str, str]], seconds: float) -> dict[str, Delivery]:
        """Send (connection id, frame) pairs, to each client in its order, to many at the same time, for at most so long.

        Returns
        -------
        dict
            By connection: DONE if all of its frames went out.
        """
        ...

    def close(self, connection_ids: Collection[str], seconds: float) -> None:
        """Close what is still open, for at most so long."""
        ...

    def gone(self, connection_ids: Sequence[str], seconds: float) -> set[str]:
        """Which of them are not there any more, as far as can be learned in so long."""
        ...


class Snapshots(Protocol):
    """What is the case now."""

    def snapshot(self, channel: Channel, filters: Filters, principal: Principal) -> Any:
        """As the channel's twin among the HTTP routes answers; None where there is no such thing.

        Raises
        ------
        Unavailable
            If it can't be had.
        """
        ...


class Commands(Protocol):
    """What a client may have done, by the same rules as over HTTP."""

    def carry_out(self, name: str, given: Mapping[str, Any], principal: Principal) -> Any:
        """Raises InvalidInput for an unknown command, and whatever its HTTP twin raises."""
        ...


class Tickets(Protocol):
    """Admit once, soon, whoever has no way to send a header. All raise Unavailable."""

    def issue(self, principal: Principal, seconds: float) -> str: ...

    def redeem(self, ticket: str) -> Principal:
        """Raises Unauthorized if it was used, has ended, or never was."""
        ...


class Pace(Protocol):
    """How often a client may act."""

    def allows(self, connection_id: str) -> bool: ...
