"""What control needs of its transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from volexswarm.control.model import Confirmation, ModeInForce
from volexswarm.ports import Halt, Transaction


class ControlTransaction(Transaction, Protocol):
    """A change of what governs trading."""

    def hold_trading(self) -> None:
        """Wait for everybody who has read the state of trading, and hold off everybody else until the end.

        Raises
        ------
        Unavailable
            If somebody who has read it does not come to an end.
        """
        ...

    def halt_in_force(self) -> Halt | None: ...

    def add_halt(self, halt: Halt) -> None: ...

    def ask_to_empty(self, halt_id: str) -> None:
        """Let the halt also sell what is held: it is not settled any more."""
        ...

    def lift_halt(self, halt_id: str, actor: str, reason: str, at: datetime) -> None: ...

    def mode_in_force(self, venue: str) -> ModeInForce:
        """Raises Stop if nobody has set one."""
        ...

    def put_mode(self, mode: ModeInForce) -> None: ...

    def open_orders(self, venue: str, account: str) -> int:
        """How many of the account's orders are not final; a large one worked in slices counts also between two of them."""
        ...

    def unplaced_trades(self, venue: str, account: str, since: datetime) -> int:
        """How many of the account's trades were decided by risk from this moment on, not refused since, and have no order yet."""
        ...

    def add_confirmation(self, confirmation: Confirmation) -> None: ...

    def take_confirmation(self, confirmation: Confirmation, now: datetime) -> bool:
        """Use it up; False unless there is just this one, unused and in time (`expires_at` of the argument does not count)."""
        ...
