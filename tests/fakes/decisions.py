"""What risk's and compliance's fake transactions have in common."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.fakes.transaction import FakeGovernedTransaction
from volexswarm.messages import Event, Verdict
from volexswarm.policies import StoredPolicy


class FakeDecisionTransaction(FakeGovernedTransaction):
    """`ports.DecisionTransaction` in memory."""

    def __init__(self, policy: StoredPolicy | None) -> None:
        super().__init__()
        self.policy = policy
        self.locked: list[tuple[str, str]] = []
        self.decisions: dict[str, Verdict] = {}

    def lock_account(self, venue: str, account: str) -> None:
        self.locked.append((venue, account))

    def newest_policy(self) -> StoredPolicy | None:
        return self.policy

    def record_decision(
        self, cause: Event[Any], signal_id: str, verdict: Verdict, as_of: datetime, at: datetime
    ) -> None:
        assert signal_id not in self.decisions
        self.decisions[signal_id] = verdict
