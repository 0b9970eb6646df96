"""Live watching in memory: stored connections, a log of updates, clients that take, dawdle or are gone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.transaction import START, FakeTransaction
from volexswarm.errors import InvalidInput, Unauthorized
from volexswarm.messages import Channel
from volexswarm.push.model import (
    Connection,
    Cursor,
    Delivery,
    Filters,
    Head,
    Numbered,
    Subscriber,
    Subscription,
    Update,
    Window,
)
from volexswarm.security.roles import Role
from volexswarm.security.tokens import Principal


def principal(role: Role = Role.ADMIN, username: str | None = None, minutes: float = 60) -> Principal:
    ends = START + timedelta(minutes=minutes)
    return Principal(username or role.value, role, role.permissions, "token", ends)


class FakePushTransaction(FakeTransaction):
    """Connections by id, subscriptions by connection and channel."""

    def __init__(self) -> None:
        super().__init__()
        self.clients: dict[str, Connection] = {}
        self.subscriptions: dict[tuple[str, Channel], Subscription] = {}
        self.resting: set[tuple[str, Channel]] = set()

    def lock_door(self) -> None: ...

    def count(self, username: str) -> tuple[int, int]:
        mine = [one for one in self.clients.values() if one.principal.username == username]
        return len(self.clients), len(mine)

    def add_connection(self, connection: Connection) -> None:
        self.clients.setdefault(connection.id, connection)

    def connection_of(self, connection_id: str) -> Connection | None:
        return self.clients.get(connection_id)

    def connections(self) -> list[Connection]:
        return list(self.clients.values())

    def renew(self, connection_id: str, principal: Principal) -> None:
        self.clients[connection_id] = replace(self.clients[connection_id], principal=principal)

    def seen(self, connection_id: str, at: datetime) -> None:
        if connection_id in self.clients:
            self.clients[connection_id] = replace(self.clients[connection_id], seen_at=at)

    def remove_connections(self, connection_ids: Collection[str]) -> None:
        for one in connection_ids:
            self.clients.pop(one, None)
        self.subscriptions = {key: kept for key, kept in self.subscriptions.items() if key[0] not in connection_ids}

    def put_subscription(self, subscription: Subscription) -> None:
        if subscription.connection_id in self.clients:
            key = (subscription.connection_id, subscription.channel)
            self.subscriptions[key] = subscription
            self.resting.discard(key)

    def rest(self, connection_id: str, channel: Channel) -> None:
        self.resting.add((connection_id, channel))

    def go_on(self, connection_id: str, channel: Channel) -> None:
        self.resting.discard((connection_id, channel))

    def remove_subscription(self, connection_id: str, channel: Channel) -> bool:
        return self.subscriptions.pop((connection_id, channel), None) is not None

    def end_subscription(self, subscription: Subscription) -> bool:
        key = (subscription.connection_id, subscription.channel)
        return self.subscriptions.get(key) == subscription and self.remove_subscription(*key)

    def subscribers(self, channel: Channel) -> list[Subscriber]:
        return self._awake(lambda one: one.channel is channel)

    def subscribers_of(self, connection_id: str) -> list[Subscriber]:
        return self._awake(lambda one: one.connection_id == connection_id)

    def _awake(self, wanted: Any) -> list[Subscriber]:
        found = [one for key, one in self.subscriptions.items() if key not in self.resting and wanted(one)]
        return [Subscriber(one, self.clients[one.connection_id].principal) for one in found]


class FakeUpdateLog:
    """Keeps the last `kept` updates of each channel. `lose` makes it forget everything."""

    def __init__(self, kept: int = 1000) -> None:
        self.kept = kept
        self.epochs = 0
        self.wanted: set[Channel] = set()
        self.turns: set[str] = set()
        self.lose()

    def lose(self) -> None:
        self.epochs += 1
        self.updates: dict[Channel, list[Numbered]] = {channel: [] for channel in Channel}
        self.numbers: dict[Channel, int] = dict.fromkeys(Channel, 0)
        self.places: dict[Channel, dict[str, Cursor]] = {channel: {} for channel in Channel}
        self.identities: set[tuple[Channel, str]] = set()

    def append(self, channel: Channel, identity: str, updates: Sequence[Update]) -> Head:
        if (channel, identity) not in self.identities:
            self.identities.add((channel, identity))
            for update in updates:
                self.numbers[channel] += 1
                self.updates[channel].append(Numbered(self.numbers[channel], update))
            self.updates[channel] = self.updates[channel][-self.kept :]
        return self._head(channel)

    def _head(self, channel: Channel) -> Head:
        return Head(f"epoch-{self.epochs}", self.numbers[channel])

    def window(self, channel: Channel, after: int | None) -> Window:
        held = self.updates[channel]
        oldest = self.numbers[channel] - len(held) + 1
        return Window(self._head(channel), oldest, tuple(u for u in held if after is not None and u.number > after))

    def cursors(self, channel: Channel, connection_ids: Sequence[str]) -> dict[str, Cursor]:
        return {one: self.places[channel][one] for one in connection_ids if one in self.places[channel]}

    def advance(self, channel: Channel, cursors: Mapping[str, Cursor]) -> None:
        for connection, cursor in cursors.items():
            there = self.places[channel].get(connection)
            if there is None or (there.stamp == cursor.stamp and there.considered <= cursor.considered):
                self.places[channel][connection] = cursor

    def place(self, channel: Channel, connection_id: str, cursor: Cursor) -> None:
        there = self.places[channel].get(connection_id)
        stamp = "" if there is None else f"{there.stamp}+"
        self.places[channel][connection_id] = replace(cursor, stamp=stamp)

    def forget(self, channel: Channel, connection_ids: Collection[str]) -> None:
        for one in connection_ids:
            self.places[channel].pop(one, None)

    def prune(self, channel: Channel, living: Collection[str]) -> None:
        self.forget(channel, set(self.places[channel]) - set(living))

    def want(self, channel: Channel) -> None:
        self.wanted.add(channel)

    def turn(self, name: str, seconds: float) -> bool:
        mine = name not in self.turns
        self.turns.add(name)
        return mine


class FakeOutlet:
    """Clients that take what it does not refuse, but for those in `slow` and `left`. `frames` by connection, as text."""

    def __init__(self) -> None:
        self.frames: dict[str, list[str]] = {}
        self.slow: set[str] = set()
        self.left: set[str] = set()
        self.closed: set[str] = set()
        self.refuses: Callable[[str], bool] = lambda _: False

    def post(self, frames: Sequence[tuple[str, str]], seconds: float) -> dict[str, Delivery]:
        outcome = {}
        for connection, frame in frames:
            outcome[connection] = Delivery.DONE
            if connection in self.left | self.closed:
                outcome[connection] = Delivery.GONE
            elif connection in self.slow or self.refuses(frame):
                outcome[connection] = Delivery.SLOW
            else:
                self.frames.setdefault(connection, []).append(frame)
        return outcome

    def close(self, connection_ids: Collection[str], seconds: float) -> None:
        self.closed |= set(connection_ids)

    def gone(self, connection_ids: Sequence[str], seconds: float) -> set[str]:
        return self.left & set(connection_ids)


class FakeSnapshots:
    """Answers what it was asked; `failing` is raised instead."""

    def __init__(self) -> None:
        self.failing: Exception | None = None
        self.asked: list[Channel] = []

    def snapshot(self, channel: Channel, filters: Filters, principal: Principal) -> Any:
        self.asked.append(channel)
        if self.failing is not None:
            raise self.failing
        return {"of": channel.value, "filters": {field: list(values) for field, values in filters.items()}}


class FakeCommands:
    """Knows `echo` only."""

    def carry_out(self, name: str, given: Mapping[str, Any], principal: Principal) -> Any:
        if name != "echo":
            raise InvalidInput("command", name, "echo")
        return {"by": principal.username, **given}


class FakeTickets:
    """Tickets are counted."""

    def __init__(self) -> None:
        self.open: dict[str, Principal] = {}

    def issue(self, principal: Principal, seconds: float) -> str:
        ticket = f"ticket-{len(self.open) + 1}"
        self.open[ticket] = principal
        return ticket

    def redeem(self, ticket: str) -> Principal:
        if ticket not in self.open:
            raise Unauthorized("the ticket was used")
        return self.open.pop(ticket)


class FakeVerifier:
    """A token is the name of a role, of a user who is called like it; `minutes` it is still good for."""

    def __init__(self) -> None:
        self.minutes = 60.0

    def verify(self, text: str) -> Principal:
        if text not in set(Role):
            raise Unauthorized("the token is not valid: log in again")
        return principal(Role(text), minutes=self.minutes)


class FakePace:
    def __init__(self) -> None:
        self.tired: set[str] = set()

    def allows(self, connection_id: str) -> bool:
        return connection_id not in self.tired
