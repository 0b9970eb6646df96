"""Policies in memory."""

from __future__ import annotations

from datetime import datetime

from tests.fakes.transaction import FakeTransaction
from volexswarm.policies import StoredPolicy


class FakePolicyTransaction(FakeTransaction):
    """`rulebook.ports.PolicyTransaction`; `reasons` are (actor, reason) by name and version."""

    def __init__(self, **policies: StoredPolicy) -> None:
        super().__init__()
        self.policies: dict[str, list[StoredPolicy]] = {name: [policy] for name, policy in policies.items()}
        self.reasons: dict[tuple[str, int], tuple[str, str]] = {}

    def policy_to_change(self, name: str) -> StoredPolicy | None:
        return self.policies.get(name, [None])[-1]

    def add_policy(self, name: str, policy: StoredPolicy, actor: str, reason: str, at: datetime) -> None:
        self.policies.setdefault(name, []).append(policy)
        self.reasons[name, policy.version] = (actor, reason)
