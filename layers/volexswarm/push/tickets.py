"""Tickets: for browsers, which can't send a header when they connect. One is good once and for half a minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from volexswarm.clock import Clock
from volexswarm.push.ports import Tickets
from volexswarm.security.tokens import Principal

LIFETIME: Final = timedelta(seconds=30)


@dataclass(frozen=True)
class Ticket:
    """`text` goes into the address, as `?ticket=…`."""

    text: str
    expires_at: datetime


class TicketOffice:
    """Gives tickets to those who are logged in."""

    def __init__(self, tickets: Tickets, clock: Clock) -> None:
        self._tickets = tickets
        self._clock = clock

    def issue(self, principal: Principal) -> Ticket:
        """A ticket with the rights and the end of the principal's token. Raises Unavailable."""
        return Ticket(self._tickets.issue(principal, LIFETIME.total_seconds()), self._clock.now() + LIFETIME)
