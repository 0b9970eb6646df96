"""What the stages that decide about trades have in common: the account's lock, the policy in force, the decision's record."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal

from psycopg.types.json import Jsonb

from volexswarm.adapters.postgres.governed import GovernedTransaction
from volexswarm.messages import Event, Verdict
from volexswarm.policies import StoredPolicy


class DecidingTransaction(GovernedTransaction):
    """Implements `ports.DecisionTransaction` for the stage that a subclass names."""

    STAGE: ClassVar[Literal["risk", "compliance"]]

    def lock_account(self, venue: str, account: str) -> None:
        """A lock of the transaction's own: it ends with the commit, or when the process dies."""
        self.connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"{self.STAGE}:{venue}:{account}",)
        )

    def newest_policy(self) -> StoredPolicy | None:
        row = self.connection.execute(
            "SELECT version, body FROM policies WHERE name = %s ORDER BY version DESC LIMIT 1", (self.STAGE,)
        ).fetchone()
        return None if row is None else StoredPolicy(row["version"], row["body"])

    def record_decision(
        self, cause: Event[Any], signal_id: str, verdict: Verdict, as_of: datetime, at: datetime
    ) -> None:
        self.connection.execute(
            "INSERT INTO decisions (signal_id, stage, approved, policy_version, checks, as_of, decided_at, correlation_id)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                signal_id,
                self.STAGE,
                verdict.approved,
                verdict.policy_version,
                Jsonb([check.model_dump(mode="json") for check in verdict.checks]),
                as_of,
                at,
                cause.correlationid,
            ),
        )
