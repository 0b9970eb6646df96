"""Policies with their versions: which there are, and the statements of changing one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from psycopg.types.json import Jsonb
from pydantic import BaseModel

from volexswarm.adapters.postgres.store import PostgresTransaction
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.policies import StoredPolicy
from volexswarm.risk.policy import RiskPolicy
from volexswarm.tasks.policy import TasksPolicy

MODELS: Mapping[str, type[BaseModel]] = {"risk": RiskPolicy, "compliance": CompliancePolicy, "tasks": TasksPolicy}


class PolicyTransaction(PostgresTransaction):
    """Implements `rulebook.ports.PolicyTransaction`."""

    def policy_to_change(self, name: str) -> StoredPolicy | None:
        self.connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"policy:{name}",))
        row = self.connection.execute(
            "SELECT version, body FROM policies WHERE name = %s ORDER BY version DESC LIMIT 1", (name,)
        ).fetchone()
        return None if row is None else StoredPolicy(row["version"], row["body"])

    def add_policy(self, name: str, policy: StoredPolicy, actor: str, reason: str, at: datetime) -> None:
        self.connection.execute(
            "INSERT INTO policies (name, version, body, activated_by, activated_at, reason)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            (name, policy.version, Jsonb(policy.body), actor, at, reason),
        )
