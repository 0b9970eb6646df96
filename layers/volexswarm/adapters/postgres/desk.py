"""The desk's statements: a person's signal, stored once and found again."""

from __future__ import annotations

from volexswarm.adapters.postgres.governed import GovernedTransaction
from volexswarm.adapters.postgres.signal_rows import insert_signal
from volexswarm.messages import Event, SignalRaised


class DeskTransaction(GovernedTransaction):
    """Implements `desk.ports.DeskTransaction`."""

    def add_signal(self, event: Event[SignalRaised]) -> bool:
        """Store the signal under its event's id; False if it is stored already."""
        return insert_signal(self.connection, event)

    def signal(self, signal_id: str) -> SignalRaised | None:
        """What was published under this id, read from the journal: the row of the signal holds no order type."""
        row = self.connection.execute("SELECT data FROM events WHERE id = %s", (signal_id,)).fetchone()
        return None if row is None else SignalRaised.model_validate(row["data"])
