"""Live watching's memory in Redis: numbered updates, how far each client has got, tickets, the pace of actions.

All of it may be lost. Numbers count within an epoch that names the server's run: a server that comes back, with nothing or with
what it had some moments ago, begins a new epoch without clients' places, and clients begin again from a snapshot. Each step is
one script that nothing can come between; a channel's keys lie together also in a cluster.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import redis

from volexswarm.adapters.rate_limit import Bucket, Limit
from volexswarm.errors import Unauthorized, Unavailable
from volexswarm.messages import Channel
from volexswarm.push.model import Cursor, Head, Numbered, Update, Window
from volexswarm.security.roles import Permission, Role
from volexswarm.security.tokens import Principal

KEPT_UPDATES: Final = 1000
REMEMBERED_SECONDS: Final = 600
WANTED_SECONDS: Final = 180
PACE: Final = Limit(per_second=5, burst=60)

# The epoch in force and the last number. KEYS: head, log, cursors.
_HEAD: Final = """
local run = string.sub(string.match(redis.call('INFO', 'server'), 'run_id:(%w+)'), 1, 12)
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch or string.sub(epoch, 1, 12) ~= run then
    redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
    local time = redis.call('TIME')
    epoch = run .. '-' .. time[1] .. time[2]
    redis.call('HSET', KEYS[1], 'epoch', epoch, 'number', '0')
end
local number = tonumber(redis.call('HGET', KEYS[1], 'number'))
"""

# Adds ARGV[3]… unless KEYS[4] says that they are there; keeps the last ARGV[2].
_APPEND: Final = (
    _HEAD
    + """
if redis.call('SET', KEYS[4], epoch, 'NX', 'EX', ARGV[1]) or redis.call('GET', KEYS[4]) ~= epoch then
    for i = 3, #ARGV do
        number = number + 1
        redis.call('RPUSH', KEYS[2], number .. ' ' .. ARGV[i])
    end
    redis.call('LTRIM', KEYS[2], -tonumber(ARGV[2]), -1)
    redis.call('HSET', KEYS[1], 'number', number)
    redis.call('SET', KEYS[4], epoch, 'EX', ARGV[1])
end
return {epoch, number}
"""
)

# Epoch, number, oldest number held, and the updates after ARGV[1] (-1: none are wanted).
_WINDOW: Final = (
    _HEAD
    + """
local oldest = number - redis.call('LLEN', KEYS[2]) + 1
local updates = {}
local after = tonumber(ARGV[1])
if after >= 0 and after < number then
    updates = redis.call('LRANGE', KEYS[2], math.max(0, after + 1 - oldest), -1)
end
return {epoch, number, oldest, updates}
"""
)

_CURSORS: Final = _HEAD + "return redis.call('HMGET', KEYS[3], unpack(ARGV))"

# Triples of client, stamp, and cursor as text, whose first number must not fall.
_ADVANCE: Final = """
for i = 1, #ARGV, 4 do
    local there = redis.call('HGET', KEYS[1], ARGV[i])
    local stamp, considered
    if there then
        considered, stamp = string.match(there, '^(%d+) %d+ [%d.]+ (.*)$')
    end
    if not there or (stamp == ARGV[i + 1] and tonumber(considered) <= tonumber(ARGV[i + 2])) then
        redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 3])
    end
end
return 0
"""

_PLACE: Final = """
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. time[1] .. time[2])
return 0
"""


def _call(connection: redis.Redis[str], script: str, keys: Sequence[str], *arguments: str | int) -> Any:
    run: Callable[..., Any] = connection.eval
    try:
        return run(script, len(keys), *keys, *map(str, arguments))
    except redis.RedisError as error:
        raise Unavailable("updates", str(error)) from error


def _key(channel: Channel, what: str) -> str:
    return f"volexswarm:push:{{{channel.value}}}:{what}"


def _keys(channel: Channel) -> list[str]:
    return [_key(channel, what) for what in ("head", "log", "cursors")]


class RedisUpdateLog:
    """`push.ports.UpdateLog` over Redis."""

    def __init__(self, connection: redis.Redis[str]) -> None:
        self._redis = connection

    def append(self, channel: Channel, identity: str, updates: Sequence[Update]) -> Head:
        keys = [*_keys(channel), _key(channel, f"seen:{identity}")]
        texts = [_encoded(update) for update in updates]
        epoch, number = _call(self._redis, _APPEND, keys, REMEMBERED_SECONDS, KEPT_UPDATES, *texts)
        return Head(epoch, number)

    def window(self, channel: Channel, after: int | None) -> Window:
        asked = -1 if after is None else after
        epoch, number, oldest, texts = _call(self._redis, _WINDOW, _keys(channel), asked)
        return Window(Head(epoch, number), oldest, tuple(_decoded(text) for text in texts))

    def cursors(self, channel: Channel, connection_ids: Sequence[str]) -> dict[str, Cursor]:
        if not connection_ids:
            return {}
        found = _call(self._redis, _CURSORS, _keys(channel), *connection_ids)
        pairs = zip(connection_ids, found, strict=True)
        return {connection: _cursor(text) for connection, text in pairs if text is not None}

    def advance(self, channel: Channel, cursors: Mapping[str, Cursor]) -> None:
        if not cursors:
            return
        arguments: list[str | int] = []
        for connection, cursor in cursors.items():
            arguments += [connection, cursor.stamp, cursor.considered, f"{_place(cursor)} {cursor.stamp}"]
        _call(self._redis, _ADVANCE, [_key(channel, "cursors")], *arguments)

    def place(self, channel: Channel, connection_id: str, cursor: Cursor) -> None:
        _call(self._redis, _PLACE, [_key(channel, "cursors")], connection_id, _place(cursor))

    def forget(self, channel: Channel, connection_ids: Collection[str]) -> None:
        self._try(lambda: connection_ids and self._redis.hdel(_key(channel, "cursors"), *connection_ids))

    def prune(self, channel: Channel, living: Collection[str]) -> None:
        known: Any = self._try(lambda: self._redis.hkeys(_key(channel, "cursors")))
        self.forget(channel, set(known) - set(living))

    def want(self, channel: Channel) -> None:
        self._try(lambda: self._redis.set(_wanted(channel), "1", ex=WANTED_SECONDS))

    def turn(self, name: str, seconds: float) -> bool:
        key, span = f"volexswarm:push:turn:{name}", timedelta(seconds=seconds)
        return bool(self._try(lambda: self._redis.set(key, "1", nx=True, px=span)))

    def _try(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except redis.RedisError as error:
            raise Unavailable("updates", str(error)) from error


class RedisAudience:
    """Whether somebody watches a channel; what nobody watches need not be told."""

    def __init__(self, connection: redis.Redis[str]) -> None:
        self._redis = connection

    def watches(self, channel: Channel) -> bool:
        """False also where Redis is away: nobody could be told."""
        try:
            return bool(self._redis.exists(_wanted(channel)))
        except redis.RedisError:
            return False


class RedisTickets:
    """`push.ports.Tickets` over Redis, which holds digests only: a ticket can't be read out of it.

    Parameters
    ----------
    draw : callable
        A new secret that nobody can guess.
    """

    def __init__(
        self, connection: redis.Redis[str], draw: Callable[[], str] = lambda: secrets.token_urlsafe(32)
    ) -> None:
        self._redis = connection
        self._draw = draw

    def issue(self, principal: Principal, seconds: float) -> str:
        ticket = self._draw()
        text = json.dumps(
            {
                "username": principal.username,
                "role": principal.role.value,
                "permissions": sorted(principal.permissions),
                "token_id": principal.token_id,
                "expires_at": principal.expires_at.timestamp(),
            }
        )
        try:
            self._redis.set(_ticket(ticket), text, px=timedelta(seconds=seconds))
        except redis.RedisError as error:
            raise Unavailable("tickets", str(error)) from error
        return ticket

    def redeem(self, ticket: str) -> Principal:
        try:
            text = self._redis.getdel(_ticket(ticket))
        except redis.RedisError as error:
            raise Unavailable("tickets", str(error)) from error
        if text is None:
            raise Unauthorized("the ticket was used, has ended, or never was: ask for a new one")
        known = json.loads(str(text))
        return Principal(
            username=known["username"],
            role=Role(known["role"]),
            permissions=frozenset(Permission(permission) for permission in known["permissions"]),
            token_id=known["token_id"],
            expires_at=datetime.fromtimestamp(known["expires_at"], UTC),
        )


class RedisPace:
    """`push.ports.Pace`: a bucket of actions for each connection."""

    def __init__(self, connection: redis.Redis[str], limit: Limit = PACE) -> None:
        self._redis = connection
        self._limit = limit

    def allows(self, connection_id: str) -> bool:
        bucket = Bucket(self._redis, f"push:{connection_id}", self._limit, budget=timedelta(0))
        try:
            bucket.take(1, urgent=True)
        except Unavailable:
            return False
        return True


def _encoded(update: Update) -> str:
    fields = {
        "event": update.event,
        "key": update.key,
        "time": update.time.isoformat(),
        "about": dict(update.about),
        "simulated": update.simulated,
        "data": update.data,
    }
    return json.dumps(fields, separators=(",", ":"), allow_nan=False)


def _decoded(text: str) -> Numbered:
    number, _, fields = text.partition(" ")
    known = json.loads(fields)
    return Numbered(int(number), Update(**known | {"time": datetime.fromisoformat(known["time"])}))


def _place(cursor: Cursor) -> str:
    return f"{cursor.considered} {cursor.sent} {cursor.patience:.3f}"


def _cursor(text: str) -> Cursor:
    considered, sent, patience, stamp = text.split(" ", 3)
    return Cursor(int(considered), int(sent), float(patience), stamp)


def _wanted(channel: Channel) -> str:
    return f"volexswarm:push:wanted:{channel.value}"


def _ticket(ticket: str) -> str:
    return f"volexswarm:push:ticket:{hashlib.sha256(ticket.encode(errors='replace')).hexdigest()}"
