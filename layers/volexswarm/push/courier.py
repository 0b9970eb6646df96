"""Brings clients what they have not got yet: from wherever each is in a channel to where the channel is.

A client that does not keep up is let be for a moment and is behind then; what it has missed it gets later, conflated where only
the newest word counts. One whose place in the log is lost begins again from a snapshot; if there can be none any more, its
subscription ends, and it is told. What goes wrong with one client's snapshot holds up no other. Two couriers may serve the same
client at the same time: each sends without a gap, and the client drops the numbers that it has.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from volexswarm.clock import Clock
from volexswarm.errors import Retry
from volexswarm.messages import Channel
from volexswarm.ports import Store
from volexswarm.push import frames
from volexswarm.push.channels import TRAITS
from volexswarm.push.model import Cursor, Delivery, Filters, Limits, Subscriber, Window
from volexswarm.push.ports import Describe, Outlet, PushTransaction, Snapshots, UpdateLog

logger = logging.getLogger(__name__)

FAREWELL_SECONDS: Final = 2.0

_Parcel = tuple[Sequence[str], Cursor]
"""Frames, and where a client is once it has them."""

SecondsLeft = Callable[[], float]


class Courier:
    """Serves subscribers of a channel."""

    def __init__(
        self,
        *,
        store: Store[PushTransaction],
        log: UpdateLog,
        outlet: Outlet,
        snapshots: Snapshots,
        clock: Clock,
        limits: Limits,
        describe: Describe,
    ) -> None:
        self._store = store
        self._log = log
        self._outlet = outlet
        self._snapshots = snapshots
        self._clock = clock
        self._limits = limits
        self._describe = describe

    def serve(self, channel: Channel, subscribers: Sequence[Subscriber], seconds: float) -> None:
        """Bring them up to date, within so many seconds; whoever could not be reached in time is behind.

        Nobody waits for another's snapshot: updates go out first, then new beginnings, at last farewells.

        Raises
        ------
        Unavailable
            If the log or the store is away.
        """
        now = self._clock.now()
        left = self._countdown(seconds)
        staying = [one for one in subscribers if one.principal.expires_at > now]
        cursors = self._log.cursors(channel, _ids(staying))
        due = [one for one in staying if _is_due(cursors.get(one.subscription.connection_id), now)]
        if due:
            self._catch_up(channel, due, cursors, left)
        if left():
            self.dismiss(_ids([one for one in subscribers if one.principal.expires_at <= now]), left())

    def dismiss(self, connection_ids: Collection[str], seconds: float) -> None:
        """Close connections whose token has ended, saying so, within so many seconds."""
        if not connection_ids:
            return
        left = self._countdown(seconds)
        words = {
            "type": "error",
            "code": "unauthorized",
            "message": "the token has ended: log in again and connect anew",
        }
        self._outlet.post([(one, frames.encoded(words)) for one in connection_ids], min(FAREWELL_SECONDS, left()))
        self.drop(connection_ids, left())

    def drop(self, connection_ids: Collection[str], seconds: float) -> None:
        """Close connections and forget them; one that could not be closed in so many seconds is told so when it speaks."""
        self._outlet.close(connection_ids, seconds)
        self.forget(connection_ids)

    def forget(self, connection_ids: Collection[str]) -> None:
        """Forget connections that are not there any more."""
        if connection_ids:
            with self._store.transaction() as tx:
                tx.remove_connections(connection_ids)

    def _countdown(self, seconds: float) -> SecondsLeft:
        end = self._clock.now() + timedelta(seconds=seconds)
        return lambda: max(0.0, (end - self._clock.now()).total_seconds())

    def _catch_up(
        self, channel: Channel, due: Sequence[Subscriber], cursors: dict[str, Cursor], left: SecondsLeft
    ) -> None:
        known = [cursors[connection] for connection in _ids(due) if connection in cursors]
        window = self._log.window(channel, min((cursor.considered for cursor in known), default=None))
        round_ = _Round(channel, window, cursors, self._limits.frame_bytes)
        self._hand_out(round_, round_.updates(due), left())
        for group in round_.lost(due):
            if not left():
                return
            self._begin_again(round_, group, left)

    def _begin_again(self, round_: _Round, group: Sequence[Subscriber], left: SecondsLeft) -> None:
        """A new beginning for a group. While there is no snapshot they wait; if there can be none, their subscriptions end."""
        channel, first = round_.channel, group[0]
        try:
            snapshot = self._snapshots.snapshot(channel, first.subscription.filters, first.principal)
            parcels = round_.beginnings(group, snapshot)
        except Retry as away:
            logger.warning("%s: who must begin again waits: %s", channel, away)
        except Exception as error:  # whatever it is, it is no other client's
            logger.warning("%s: %d subscriptions end, for there is no snapshot: %r", channel, len(group), error)
            self._end(channel, group, error, left())
        else:
            self._hand_out(round_, parcels, left())

    def _end(self, channel: Channel, group: Sequence[Subscriber], error: Exception, seconds: float) -> None:
        """End subscriptions, and say why; one whose client could not be told is left to be tried again."""
        frame = frames.encoded({"type": "error", "channel": channel.value, **self._describe(error)})
        outcome = self._outlet.post([(connection, frame) for connection in _ids(group)], seconds)
        told = [one.subscription for one in group if outcome.get(one.subscription.connection_id) is Delivery.DONE]
        with self._store.transaction() as tx:
            ended = [one.connection_id for one in told if tx.end_subscription(one)]
        if ended:
            self._log.forget(channel, ended)
        self._part_from(channel, outcome)

    def _hand_out(self, round_: _Round, parcels: dict[str, _Parcel], seconds: float) -> None:
        """Send parcels, and note how far each client has got."""
        now = self._clock.now()
        outgoing = [(connection, frame) for connection, (sent, _) in parcels.items() for frame in sent]
        outcome = self._outlet.post(outgoing, seconds) if outgoing else {}
        moved: dict[str, Cursor] = {}
        patience = now.timestamp() + self._limits.patience
        for connection, (sent, cursor) in parcels.items():
            result = outcome.get(connection) if sent else Delivery.DONE
            if result is Delivery.DONE:
                moved[connection] = cursor
            elif result is Delivery.SLOW and connection in round_.cursors:
                moved[connection] = replace(round_.cursors[connection], patience=patience)
        self._log.advance(round_.channel, moved)
        self._part_from(round_.channel, outcome)

    def _part_from(self, channel: Channel, outcome: Mapping[str, Delivery]) -> None:
        gone = {connection for connection, result in outcome.items() if result is Delivery.GONE}
        if gone:
            logger.info("%d clients have left", len(gone))
            self._log.forget(channel, gone)
            self.forget(gone)


class _Round:
    """One serving of one channel. Clients at the same place with the same filters get the same frames, made once."""

    def __init__(self, channel: Channel, window: Window, cursors: dict[str, Cursor], longest: int) -> None:
        self.channel = channel
        self.cursors = cursors
        self._window = window
        self._longest = longest
        self._made: dict[object, _Parcel] = {}

    def updates(self, due: Sequence[Subscriber]) -> dict[str, _Parcel]:
        """What came since, for those whose place the log covers and who lack something; those that are behind most first."""
        found = {}
        placed = [(self.cursors[one.subscription.connection_id], one) for one in due if not self._is_lost(one)]
        for cursor, one in sorted(placed, key=lambda pair: pair[0].considered):
            if cursor.considered < self._window.head.number:
                found[one.subscription.connection_id] = self._parcel(one.subscription.filters, cursor)
        return found

    def lost(self, due: Sequence[Subscriber]) -> list[list[Subscriber]]:
        """Those who must begin again, in groups that one snapshot does for: the same filters, the same permissions."""
        groups: dict[object, list[Subscriber]] = {}
        for one in filter(self._is_lost, due):
            key = (tuple(one.subscription.filters.items()), one.principal.permissions)
            groups.setdefault(key, []).append(one)
        return list(groups.values())

    def beginnings(self, group: Sequence[Subscriber], snapshot: Any) -> dict[str, _Parcel]:
        """A `reset` for each of a group."""
        head, filters = self._window.head, group[0].subscription.filters
        frame = frames.state_frame("reset", self.channel, filters, head, snapshot, longest=self._longest)
        stamps = {one: self.cursors[one].stamp if one in self.cursors else "" for one in _ids(group)}
        return {one: ([frame], Cursor(head.number, head.number, stamp=stamp)) for one, stamp in stamps.items()}

    def _is_lost(self, one: Subscriber) -> bool:
        cursor = self.cursors.get(one.subscription.connection_id)
        return cursor is None or not self._window.covers(cursor.considered)

    def _parcel(self, filters: Filters, cursor: Cursor) -> _Parcel:
        key = (cursor.considered, cursor.sent, cursor.stamp, tuple(filters.items()))
        if key not in self._made:
            conflated = TRAITS[self.channel].conflated
            wanted = frames.chosen(self._window.updates, cursor.considered, filters, conflated=conflated)
            last = wanted[-1].number if wanted else cursor.sent
            sent = frames.update_frames(self.channel, wanted, cursor, self._longest)
            self._made[key] = sent, Cursor(self._window.head.number, last, stamp=cursor.stamp)
        return self._made[key]


def _ids(subscribers: Sequence[Subscriber]) -> list[str]:
    return [one.subscription.connection_id for one in subscribers]


def _is_due(cursor: Cursor | None, now: datetime) -> bool:
    return cursor is None or cursor.patience <= now.timestamp()
