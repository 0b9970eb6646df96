"""Answers what clients say. Whatever it is, they get an answer: what they asked for, or an error that says what to do."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from volexswarm.clock import Clock
from volexswarm.errors import Forbidden, InvalidInput, Unauthorized, Unavailable
from volexswarm.ports import Store
from volexswarm.push import frames
from volexswarm.push.channels import checked, permit
from volexswarm.push.courier import Courier
from volexswarm.push.gate import Verifier
from volexswarm.push.model import Connection, Cursor, Delivery, Limits, Subscription, Window
from volexswarm.push.ports import Commands, Describe, Outlet, Pace, PushTransaction, Snapshots, UpdateLog
from volexswarm.push.protocol import Auth, Command, Ping, Resume, Subscribe, Unreadable, Unsubscribe, Watching, read

logger = logging.getLogger(__name__)

ANSWER_SECONDS: Final = 5.0
SEEN_SECONDS: Final = 60.0
"""Signs of life that follow one another sooner than that are not noted each."""


@dataclass(frozen=True)
class Parts:
    """What the desk works with."""

    store: Store[PushTransaction]
    log: UpdateLog
    outlet: Outlet
    courier: Courier
    snapshots: Snapshots
    commands: Commands
    verifier: Verifier
    pace: Pace
    clock: Clock
    limits: Limits
    describe: Describe


@dataclass(frozen=True)
class _Beginning:
    """A subscription that may be had, where its channel is, and what is the case there or a little later."""

    subscription: Subscription
    window: Window
    snapshot: Any


class SubscriptionDesk:
    """Takes the messages of connected clients."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def take(self, connection_id: str, text: str) -> None:
        """Do what a message asks, and answer it over the connection. A client that has no business here is disconnected."""
        try:
            with self._parts.store.transaction() as tx:
                connection = tx.connection_of(connection_id)
        except Unavailable as away:
            self._refuse(connection_id, away, None)
            return
        if connection is None:
            self._part_from(connection_id, Unauthorized("this connection is not known any more: connect anew"))
            return
        if not self._parts.pace.allows(connection_id):
            words = {
                "code": "too_many_actions",
                "message": "too many actions: connect anew and send fewer",
                "details": {},
            }
            self._send(connection_id, {"type": "error", **words})
            self._parts.courier.drop([connection_id], ANSWER_SECONDS)
            return
        reply_to = None
        try:
            action = read(text, self._parts.limits.action_bytes)
            reply_to = action.id
            self._carry_out(connection, action)
        except Unreadable as error:
            self._refuse(connection_id, error, error.reply_to)
        except Exception as error:
            self._refuse(connection_id, error, reply_to)
        self._note(connection)

    def _carry_out(self, connection: Connection, action: Any) -> None:
        if isinstance(action, Auth):
            self._renew(connection, action)
            return
        if connection.principal.expires_at <= self._parts.clock.now():
            self._parts.courier.dismiss([connection.id], ANSWER_SECONDS)
            return
        match action:
            case Subscribe():
                self._subscribe(connection, action)
            case Resume():
                self._resume(connection, action)
            case Unsubscribe():
                self._unsubscribe(connection, action)
            case Command():
                self._command(connection, action)
            case Ping():
                self._catch_up(connection, action)

    # watching

    def _subscribe(self, connection: Connection, action: Subscribe) -> None:
        beginning = self._judged(connection, action)
        head = beginning.window.head
        self._begin(beginning, self._state("subscribed", beginning, action.id), Cursor(head.number, head.number))

    def _resume(self, connection: Connection, action: Resume) -> None:
        beginning = self._judged(connection, action)
        head = beginning.window.head
        if action.epoch != head.epoch or not beginning.window.covers(action.number):
            self._begin(beginning, self._state("reset", beginning, action.id), Cursor(head.number, head.number))
            return
        words = {"channel": action.channel.value, "epoch": head.epoch, "number": action.number}
        frame = frames.encoded(_answer("resumed", action.id, words))
        self._begin(beginning, frame, Cursor(action.number, action.number))

    def _judged(self, connection: Connection, action: Watching) -> _Beginning:
        """What the client asks for, if it may have it; nothing has changed yet.

        The snapshot is taken for who resumes, too: it judges what the filters name.
        """
        permit(action.channel, connection.principal)
        subscription = Subscription(connection.id, action.channel, checked(action.channel, action.filters))
        window = self._parts.log.window(action.channel, None)
        snapshot = self._parts.snapshots.snapshot(action.channel, subscription.filters, connection.principal)
        return _Beginning(subscription, window, snapshot)

    def _state(self, kind: str, beginning: _Beginning, reply_to: str | None) -> str:
        subscription, longest = beginning.subscription, self._parts.limits.frame_bytes
        head, snapshot = beginning.window.head, beginning.snapshot
        return frames.state_frame(
            kind, subscription.channel, subscription.filters, head, snapshot, longest=longest, reply_to=reply_to
        )

    def _begin(self, beginning: _Beginning, frame: str, cursor: Cursor) -> None:
        """Send what the subscription begins with, then let the updates come, first those that came in the meantime."""
        subscription = beginning.subscription
        client, channel = subscription.connection_id, subscription.channel
        with self._resting(subscription):
            if not self._is_handed_over(client, frame):
                return
            self._parts.log.place(channel, client, cursor)
            with self._parts.store.transaction() as tx:
                tx.put_subscription(subscription)
                mine = [one for one in tx.subscribers_of(client) if one.subscription.channel is channel]
        self._parts.log.want(channel)
        self._parts.courier.serve(channel, mine, ANSWER_SECONDS)

    @contextmanager
    def _resting(self, subscription: Subscription) -> Iterator[None]:
        """What the client watches of the channel so far sends nothing in between, and goes on if nothing takes its place."""
        client, channel = subscription.connection_id, subscription.channel
        with self._parts.store.transaction() as tx:
            tx.rest(client, channel)
        try:
            yield
        except Exception:
            with self._parts.store.transaction() as tx:
                tx.go_on(client, channel)
            raise

    def _is_handed_over(self, connection_id: str, frame: str) -> bool:
        """False if the client has left, and is forgotten. Raises Unavailable if it did not take the frame."""
        outcome = self._parts.outlet.post([(connection_id, frame)], ANSWER_SECONDS).get(connection_id)
        if outcome is Delivery.GONE:
            self._parts.courier.forget([connection_id])
            return False
        if outcome is not Delivery.DONE:
            raise Unavailable("connection", "it did not take what the subscription begins with")
        return True

    def _unsubscribe(self, connection: Connection, action: Unsubscribe) -> None:
        with self._parts.store.transaction() as tx:
            had = tx.remove_subscription(connection.id, action.channel)
        if not had:
            raise InvalidInput("channel", action.channel.value, "a channel that this connection watches")
        self._parts.log.forget(action.channel, [connection.id])
        self._send(connection.id, _answer("unsubscribed", action.id, {"channel": action.channel.value}))

    def _catch_up(self, connection: Connection, action: Ping) -> None:
        self._send(connection.id, _answer("pong", action.id, {"time": self._parts.clock.now().isoformat()}))
        with self._parts.store.transaction() as tx:
            mine = tx.subscribers_of(connection.id)
        for one in mine:
            self._parts.courier.serve(one.subscription.channel, [one], ANSWER_SECONDS)

    # who one is, and what one wants done

    def _renew(self, connection: Connection, action: Auth) -> None:
        principal = self._parts.verifier.verify(action.token)
        if principal.username != connection.principal.username:
            raise Unauthorized("the token is another user's: connect anew as that user")
        with self._parts.store.transaction() as tx:
            tx.renew(connection.id, principal)
            for one in tx.subscribers_of(connection.id):
                try:
                    permit(one.subscription.channel, principal)
                except Forbidden:  # the role has changed since: what it may not see any more ends
                    tx.remove_subscription(connection.id, one.subscription.channel)
        words = {"username": principal.username, "expires_at": principal.expires_at.isoformat()}
        self._send(connection.id, _answer("authenticated", action.id, words))

    def _command(self, connection: Connection, action: Command) -> None:
        given = {"parameters": action.parameters, "body": action.body, "key": action.key}
        data = self._parts.commands.carry_out(action.command, given, connection.principal)
        self._send(connection.id, _answer("result", action.id, {"command": action.command, "data": data}))

    # answers

    def _refuse(self, connection_id: str, error: Exception, reply_to: str | None) -> None:
        words = dict(self._parts.describe(error))
        self._send(connection_id, _answer("error", reply_to, words))

    def _part_from(self, connection_id: str, error: Exception) -> None:
        self._refuse(connection_id, error, None)
        self._parts.courier.drop([connection_id], ANSWER_SECONDS)

    def _send(self, connection_id: str, message: Mapping[str, Any]) -> None:
        text = frames.encoded(message)
        if len(text.encode()) > self._parts.limits.frame_bytes:
            text = frames.encoded({**message, "data": None, "omitted": "longer than a frame: ask the HTTP API"})
        outcome = self._parts.outlet.post([(connection_id, text)], ANSWER_SECONDS)
        if outcome.get(connection_id) is Delivery.GONE:
            self._parts.courier.forget([connection_id])

    def _note(self, connection: Connection) -> None:
        now = self._parts.clock.now()
        if (now - connection.seen_at).total_seconds() >= SEEN_SECONDS:
            with self._parts.store.transaction() as tx:
                tx.seen(connection.id, now)


def _answer(kind: str, reply_to: str | None, words: Mapping[str, Any]) -> dict[str, Any]:
    message = {"type": kind, **words}
    return message if reply_to is None else message | {"id": reply_to}
