"""The desk's transaction in memory."""

from __future__ import annotations

from tests.fakes.transaction import FakeGovernedTransaction
from volexswarm.messages import Event, SignalRaised


class FakeDeskTransaction(FakeGovernedTransaction):
    """Signals by id."""

    def __init__(self) -> None:
        super().__init__()
        self.signals: dict[str, SignalRaised] = {}

    def add_signal(self, event: Event[SignalRaised]) -> bool:
        if event.id in self.signals:
            return False
        self.signals[event.id] = event.data
        return True

    def signal(self, signal_id: str) -> SignalRaised | None:
        return self.signals.get(signal_id)
