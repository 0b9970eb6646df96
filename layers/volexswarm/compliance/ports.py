"""What compliance needs of the stored truth."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

from volexswarm.compliance.model import Activity, Flag, Look
from volexswarm.messages import Event, TradeProposed
from volexswarm.policies import StoredPolicy
from volexswarm.ports import DecisionTransaction, Transaction


class ComplianceTransaction(DecisionTransaction, Protocol):
    """One review, stored wholly or not at all."""

    def proposal_state(self, proposal_id: str) -> str | None:
        """`proposed`, `approved` or `refused`; None if it is not in our records."""
        ...

    def activity(self, proposal: Event[TradeProposed], look: Look) -> Activity:
        """The account's other trades. Also later ones in market time: messages may overtake each other."""
        ...

    def conclude(self, proposal_id: str, state: Literal["approved", "refused"]) -> None:
        """Store what became of a waiting proposal; refused, it binds no money any more. What is decided stays decided."""
        ...

    def open_flags(self, venue: str, account: str, subject: str) -> Sequence[Flag]:
        """Flags about a subject (`venue:symbol`) that nobody has cleared, the newest first."""
        ...

    def raise_flag(self, flag: Flag) -> bool:
        """Store the flag; False if the matter has one already, which then counts one more and keeps its state."""
        ...


class FlagTransaction(Transaction, Protocol):
    """Flags in the hands of the compliance officer."""

    def newest_policy(self) -> StoredPolicy | None:
        """Compliance's policy with the highest version."""
        ...

    def flag(self, key: str) -> Flag:
        """The flag of this id, or of the id's beginning, held to the end of the transaction. Raises NotFound, or Conflict."""
        ...

    def save_flag(self, flag: Flag) -> None:
        """Store its state, and by whom and why."""
        ...

    def unanswered_flags(self, raised_before: datetime, limit: int) -> Sequence[Flag]:
        """Open flags, the oldest first, held to the end of the transaction; those that somebody else holds are left out."""
        ...
