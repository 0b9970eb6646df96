"""What compliance needs of the stored truth."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Protocol

from volexswarm.compliance.model import Activity
from volexswarm.messages import Event, TradeProposed
from volexswarm.ports import DecisionTransaction


class ComplianceTransaction(DecisionTransaction, Protocol):
    """One review, stored wholly or not at all."""

    def proposal_state(self, proposal_id: str) -> str | None:
        """`proposed`, `approved` or `refused`; None if it is not in our records."""
        ...

    def activity(self, proposal: Event[TradeProposed], hour: datetime, day: datetime) -> Activity:
        """The account's other trades since these moments of market time. Also later ones: messages may overtake each other."""
        ...

    def conclude(self, proposal_id: str, state: Literal["approved", "refused"]) -> None:
        """Store what became of a waiting proposal; refused, it binds no money any more. What is decided stays decided."""
        ...
