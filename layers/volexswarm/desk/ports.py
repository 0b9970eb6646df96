"""What the desk needs of its transaction."""

from __future__ import annotations

from typing import Protocol

from volexswarm.messages import Event, SignalRaised
from volexswarm.ports import GovernedTransaction


class DeskTransaction(GovernedTransaction, Protocol):
    """Stores signals by their id."""

    def add_signal(self, event: Event[SignalRaised]) -> bool:
        """Store the signal; False if one with this id is there already."""
        ...

    def signal(self, signal_id: str) -> SignalRaised | None:
        """What was published under this id; None if nothing was."""
        ...
