"""Brings clients what they have not got yet: from wherever each is in a channel to where the channel is.

A client that does not keep up is let be for a moment and is behind then; what it has missed it gets later, conflated where only
the newest word counts. One whose place in the log is lost begins again from a snapshot. Two couriers may serve the same client at
the same time: each sends without a gap, and the client drops the numbers that it has.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from volexswarm.clock import Clock
from volexswarm.errors import Unavailable
from volexswarm.messages import Channel
from volexswarm.ports import Store
from volexswarm.push import frames
from volexswarm.push.channels import TRAITS
from volexswarm.push.model import Cursor, Delivery, Filters, Limits, Subscriber, Window
from volexswarm.push.ports import Outlet, PushTransaction, Snapshots, UpdateLog

logger = logging.getLogger(__name__)

FAREWELL_SECONDS: Final = 2.0

_Parcel = tuple[Sequence[str], Cursor]
"""Frames, and where a client is once it has them."""


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
    ) -> None:
        self._store = store
        self._log = log
        self._outlet = outlet
        self._snapshots = snapshots
        self._clock = clock
        self._limits = limits

    def serve(self, channel: Channel, subscribers: Sequence[Subscriber], seconds: float) -> None:
        """Bring them up to date, within so many seconds; whoever could not be reached in time is behind.

        Raises
        ------
        Unavailable
            If the log or the store is away.
        """
        now = self._clock.now()
        self.dismiss(_ids([one for one in subscribers if one.principal.expires_at <= now]))
        staying = [one for one in subscribers if one.principal.expires_at > now]
        cursors = self._log.cursors(channel, _ids(staying))
        due = [one for one in staying if _is_due(cursors.get(one.subscription.connection_id), now)]
        if not due:
            return
        known = [cursors[connection] for connection in _ids(due) if connection in cursors]
        window = self._log.window(channel, min((cursor.considered for cursor in known), default=None))
        round_ = _Round(channel, window, self._snapshots, self._limits.frame_bytes)
        parcels = round_.parcels(due, cursors)
        outgoing = [(connection, frame) for connection, (sent, _) in parcels.items() for frame in sent]
        outcome = self._outlet.post(outgoing, seconds) if outgoing else {}
        self._settle(channel, parcels, cursors, outcome, now)

    def dismiss(self, connection_ids: Collection[str]) -> None:
        """Close connections whose token has ended, saying so."""
        if not connection_ids:
            return
        words = {
            "type": "error",
            "code": "unauthorized",
            "message": "the token has ended: log in again and connect anew",
        }
        self._outlet.post([(one, frames.encoded(words)) for one in connection_ids], FAREWELL_SECONDS)
        self.drop(connection_ids)

    def drop(self, connection_ids: Collection[str]) -> None:
        """Close connections and forget them."""
        self._outlet.close(connection_ids)
        self.forget(connection_ids)

    def forget(self, connection_ids: Collection[str]) -> None:
        """Forget connections that are not there any more."""
        if connection_ids:
            with self._store.transaction() as tx:
                tx.remove_connections(connection_ids)

    def _settle(
        self,
        channel: Channel,
        parcels: dict[str, _Parcel],
        cursors: dict[str, Cursor],
        outcome: dict[str, Delivery],
        now: datetime,
    ) -> None:
        """Note how far each has got; forget those that are gone."""
        moved: dict[str, Cursor] = {}
        gone = set()
        patience = now.timestamp() + self._limits.patience
        for connection, (sent, cursor) in parcels.items():
            result = outcome.get(connection) if sent else Delivery.DONE
            if result is Delivery.DONE:
                moved[connection] = cursor
            elif result is Delivery.GONE:
                gone.add(connection)
            elif result is Delivery.SLOW and connection in cursors:
                moved[connection] = replace(cursors[connection], patience=patience)
        self._log.advance(channel, moved)
        if gone:
            logger.info("%d clients have left", len(gone))
            self._log.forget(channel, gone)
            self.forget(gone)


class _Round:
    """One serving of one channel. Clients at the same place with the same filters get the same frames, made once."""

    def __init__(self, channel: Channel, window: Window, snapshots: Snapshots, longest: int) -> None:
        self._channel = channel
        self._window = window
        self._snapshots = snapshots
        self._longest = longest
        self._made: dict[object, _Parcel | None] = {}

    def parcels(self, due: Sequence[Subscriber], cursors: dict[str, Cursor]) -> dict[str, _Parcel]:
        """What each shall get, those that are behind most first; nobody is named who has everything already."""
        head = self._window.head.number
        found = {}
        for one in sorted(due, key=lambda one: _place(cursors.get(one.subscription.connection_id))):
            cursor = cursors.get(one.subscription.connection_id)
            if cursor is not None and cursor.considered == head:
                continue
            parcel = self._parcel(one, cursor)
            if parcel is not None:
                found[one.subscription.connection_id] = parcel
        return found

    def _parcel(self, one: Subscriber, cursor: Cursor | None) -> _Parcel | None:
        filters = one.subscription.filters
        at = None if cursor is None else (cursor.considered, cursor.sent, cursor.stamp)
        key = (at, tuple(filters.items()))
        if key not in self._made:
            continues = cursor is not None and self._window.covers(cursor.considered)
            self._made[key] = self._updates(filters, cursor) if continues and cursor else self._reset(one, cursor)
        return self._made[key]

    def _updates(self, filters: Filters, cursor: Cursor) -> _Parcel:
        conflated = TRAITS[self._channel].conflated
        wanted = frames.chosen(self._window.updates, cursor.considered, filters, conflated=conflated)
        last = wanted[-1].number if wanted else cursor.sent
        sent = frames.update_frames(self._channel, wanted, cursor, self._longest)
        return sent, Cursor(self._window.head.number, last, stamp=cursor.stamp)

    def _reset(self, one: Subscriber, cursor: Cursor | None) -> _Parcel | None:
        """A new beginning; None while there is no snapshot to begin from."""
        head, filters = self._window.head, one.subscription.filters
        try:
            snapshot = self._snapshots.snapshot(self._channel, filters, one.principal)
        except Unavailable as away:
            logger.warning("%s: who must begin again waits: %s", self._channel, away)
            return None
        frame = frames.state_frame("reset", self._channel, filters, head, snapshot, longest=self._longest)
        return [frame], Cursor(head.number, head.number, stamp="" if cursor is None else cursor.stamp)


def _ids(subscribers: Sequence[Subscriber]) -> list[str]:
    return [one.subscription.connection_id for one in subscribers]


def _is_due(cursor: Cursor | None, now: datetime) -> bool:
    return cursor is None or cursor.patience <= now.timestamp()


def _place(cursor: Cursor | None) -> int:
    return -1 if cursor is None else cursor.considered
