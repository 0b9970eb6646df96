"""Connections, subscriptions, updates, and how far a client has got with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from volexswarm.messages import Channel
from volexswarm.security.tokens import Principal

Filters = Mapping[str, tuple[str, ...]]
"""By field, the values of which an update must have one; no field: everything."""


@dataclass(frozen=True)
class Connection:
    """A client that is there, as far as anybody knows. `seen_at` is when it was last heard of."""

    id: str
    principal: Principal
    connected_at: datetime
    seen_at: datetime


@dataclass(frozen=True)
class Subscription:
    """What a client watches: it has got what it begins with, and gets every update that fits."""

    connection_id: str
    channel: Channel
    filters: Filters


@dataclass(frozen=True)
class Subscriber:
    """A subscription and who holds it."""

    subscription: Subscription
    principal: Principal


@dataclass(frozen=True)
class Update:
    """One thing that happened, as clients see it.

    `event` is the event's type, `key` what it is the newest word on (conflation keeps the newest of each key), `about` its values
    by the fields that filters know, `data` the event's own data, None where it is too long for a frame.
    """

    event: str
    key: str
    time: datetime
    about: Mapping[str, str]
    simulated: bool
    data: Mapping[str, Any] | None

    def fits(self, filters: Filters) -> bool:
        """Whether each filter names the update's value; one that it has no value for lets nothing through."""
        return all(self.about.get(field) in values for field, values in filters.items())


@dataclass(frozen=True)
class Numbered:
    """An update and its place in its channel."""

    number: int
    update: Update


@dataclass(frozen=True)
class Head:
    """Where a channel is: numbers count within an `epoch`, which ends when the log is lost; `number` is the last given out."""

    epoch: str
    number: int


@dataclass(frozen=True)
class Window:
    """Where a channel is, what its log holds after some number, and the `oldest` number that it holds at all."""

    head: Head
    oldest: int
    updates: tuple[Numbered, ...]

    def covers(self, number: int) -> bool:
        """Whether the log holds everything that came after this number."""
        return self.oldest - 1 <= number <= self.head.number


@dataclass(frozen=True)
class Cursor:
    """How far a client has got: all through `considered` was sent or is none of its business, `sent` is the last it was sent.

    Until `patience` (Unix seconds) nothing is sent to it: it did not keep up. `stamp` tells a place that its client has taken by
    itself from those before: whoever served it from there does not move it any more.
    """

    considered: int
    sent: int
    patience: float = 0.0
    stamp: str = ""


class Delivery(Enum):
    """What became of a frame. `SLOW`: the client has room for no more, or nothing could be delivered in time; try later."""

    DONE = "done"
    SLOW = "slow"
    GONE = "gone"


@dataclass(frozen=True)
class Limits:
    """How much of it all there may be.

    `per_user` and `in_total` connections; `action_bytes` one action's length; `frame_bytes` one frame's (API Gateway takes 128
    KiB); `silence` seconds after which a client is asked whether it is still there; `patience` seconds that a slow one is let be.
    """

    per_user: int = 20
    in_total: int = 1000
    action_bytes: int = 16 * 1024
    frame_bytes: int = 120_000
    silence: float = 180.0
    patience: float = 1.0
