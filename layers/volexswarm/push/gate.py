"""Lets clients in and out: whoever has a good token or ticket, within the limits, until the token ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Protocol

from volexswarm.clock import Clock
from volexswarm.errors import TooManyAttempts
from volexswarm.ports import Store
from volexswarm.push.handshake import Credential
from volexswarm.push.model import Connection, Limits
from volexswarm.push.ports import PushTransaction, Tickets
from volexswarm.security.tokens import Principal

RETRY_AFTER: Final = timedelta(minutes=4)
"""By then clients that left without a word have been noticed."""


class Verifier(Protocol):
    """Reads tokens."""

    def verify(self, text: str) -> Principal:
        """Raises Unauthorized if it is not good, Unavailable if that can't be judged."""
        ...


class Gate:
    """The door. `limits` say how many may be in."""

    def __init__(
        self, *, store: Store[PushTransaction], verifier: Verifier, tickets: Tickets, clock: Clock, limits: Limits
    ) -> None:
        self._store = store
        self._verifier = verifier
        self._tickets = tickets
        self._clock = clock
        self._limits = limits

    def judge(self, credential: Credential) -> Principal:
        """Who it is that shows this; a ticket is used by that.

        Raises
        ------
        Unauthorized
            If the credential is not good (any more).
        Unavailable
            If that can't be judged.
        """
        redeem = self._verifier.verify if credential.kind == "token" else self._tickets.redeem
        return redeem(credential.secret)

    def let_in(self, connection_id: str, principal: Principal) -> Connection:
        """Let a client in that was judged.

        Raises
        ------
        TooManyAttempts
            If the user, or all together, have as many connections as may be.
        Unavailable
            If it can't be stored.
        """
        now = self._clock.now()
        connection = Connection(connection_id, principal, now, now)
        with self._store.transaction() as tx:
            tx.lock_door()
            self._check_room(principal.username, *tx.count(principal.username))
            tx.add_connection(connection)
        return connection

    def disconnect(self, connection_id: str) -> None:
        """Forget a client that has left."""
        with self._store.transaction() as tx:
            tx.remove_connections([connection_id])

    def _check_room(self, username: str, in_total: int, of_user: int) -> None:
        if of_user >= self._limits.per_user:
            raise TooManyAttempts(f"{username} has {of_user} connections already: close one", RETRY_AFTER)
        if in_total >= self._limits.in_total:
            raise TooManyAttempts("there are as many connections as may be: try again later", RETRY_AFTER)
