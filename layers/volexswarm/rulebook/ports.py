"""What changing a policy needs of the stored truth."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from volexswarm.policies import StoredPolicy
from volexswarm.ports import Transaction


class PolicyTransaction(Transaction, Protocol):
    """One change of a policy."""

    def policy_to_change(self, name: str) -> StoredPolicy | None:
        """The newest version, held to the end of the transaction: one change at a time. None if there is none yet."""
        ...

    def add_policy(self, name: str, policy: StoredPolicy, actor: str, reason: str, at: datetime) -> None:
        """Put a version in force."""
        ...


Body = Mapping[str, Any]
"""A policy as JSON has it."""
