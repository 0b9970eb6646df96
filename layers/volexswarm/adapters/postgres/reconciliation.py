"""The reconciler's statements: how far the account was compared, which fills are booked, differences until they are settled."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal

from volexswarm.adapters.postgres.execution import ExecutionTransaction
from volexswarm.errors import Conflict, NotFound
from volexswarm.execution.differences import OpenDifference
from volexswarm.execution.model import Run
from volexswarm.execution.reconciliation import Difference, Findings, Kind
from volexswarm.messages import NAMESPACE
from volexswarm.portfolio.model import LedgerAccount
from volexswarm.ports import Fill

_SEE = """
UPDATE differences SET seen_at = %(at)s, times = times + 1, ours = %(ours)s, theirs = %(theirs)s
WHERE venue = %(venue)s AND account = %(account)s AND kind = %(kind)s AND subject = %(subject)s
  AND (state = 'open' OR (state = 'accepted' AND kind = 'foreign_order'))
RETURNING id::text
"""

# another comparison may have found it since we looked
_FIND = """
INSERT INTO differences (id, venue, account, kind, subject, ours, theirs, cause, state, found_at, seen_at, as_of, correlation_id)
VALUES (%(id)s, %(venue)s, %(account)s, %(kind)s, %(subject)s, %(ours)s, %(theirs)s, %(cause)s, 'open', %(at)s, %(at)s, %(at)s,
        %(run)s)
ON CONFLICT (venue, account, kind, subject) WHERE state = 'open' DO UPDATE SET seen_at = EXCLUDED.seen_at
RETURNING id::text
"""

_PRUNE = """
DELETE FROM reconciliations WHERE venue = %(venue)s AND account = %(account)s AND finished_at < (
    SELECT finished_at FROM reconciliations WHERE venue = %(venue)s AND account = %(account)s
    ORDER BY finished_at DESC OFFSET %(kept)s LIMIT 1)
"""
_KEPT = 999


class ReconcilingTransaction(ExecutionTransaction):
    """Implements `execution.ports.ReconcilingTransaction` and `execution.differences.DifferencesTransaction`."""

    def compared_to(self, venue: str, account: str) -> tuple[datetime, datetime] | None:
        row = self.connection.execute(
            "SELECT opened_at, coalesce((SELECT max(as_of) FROM reconciliations r"
            " WHERE r.venue = a.venue AND r.account = a.account), opened_at) AS compared_to"
            " FROM accounts a WHERE venue = %s AND account = %s",
            (venue, account),
        ).fetchone()
        return None if row is None else (row["opened_at"], row["compared_to"])

    def last_comparison(self, venue: str, account: str) -> datetime | None:
        row = self.connection.execute(
            "SELECT max(finished_at) AS at FROM reconciliations WHERE venue = %s AND account = %s", (venue, account)
        ).fetchone()
        return None if row is None else row["at"]

    def booked_fills(self, venue: str, account: str, fills: Sequence[Fill]) -> set[tuple[str, str]]:
        rows = self.connection.execute(
            "SELECT symbol, trade_id FROM fills WHERE venue = %s AND account = %s"
            " AND (symbol, trade_id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))",
            (venue, account, [fill.symbol for fill in fills], [fill.trade_id for fill in fills]),
        )
        return {(row["symbol"], row["trade_id"]) for row in rows}

    def assets(self, venue: str, account: str) -> dict[str, Decimal]:
        return self.balances(venue, account, LedgerAccount.ASSETS)

    def see_difference(
        self, run: Run, venue: str, account: str, difference: Difference, seen_at: datetime
    ) -> tuple[str, bool]:
        new_id = str(uuid.uuid5(NAMESPACE, f"difference/{run.id}/{difference.kind}/{difference.subject}"))
        values = {
            "id": new_id,
            "run": run.id,
            "venue": venue,
            "account": account,
            "kind": difference.kind.value,
            "subject": difference.subject,
            "ours": difference.ours,
            "theirs": difference.theirs,
            "cause": difference.cause,
            "at": seen_at,
        }
        known = self.connection.execute(_SEE, values).fetchone()
        if known is not None:
            return str(known["id"]), False
        stored = self.connection.execute(_FIND, values).fetchone()
        assert stored is not None  # RETURNING always answers
        return str(stored["id"]), stored["id"] == new_id

    def keep_difference(self, venue: str, account: str, difference: Difference, seen_at: datetime) -> bool:
        kept = self.connection.execute(
            "UPDATE differences SET seen_at = %s"
            " WHERE venue = %s AND account = %s AND kind = %s AND subject = %s AND state = 'open'",
            (seen_at, venue, account, difference.kind.value, difference.subject),
        )
        return kept.rowcount > 0

    def settle_difference(
        self, difference_id: str, state: Literal["repaired", "accepted"], settled_by: str, reason: str, at: datetime
    ) -> None:
        self.connection.execute(
            "UPDATE differences SET state = %s, settled_by = %s, reason = %s, settled_at = %s"
            " WHERE id = %s AND state = 'open'",
            (state, settled_by, reason, at, difference_id),
        )

    def unseen_differences(self, venue: str, account: str, since: datetime) -> Sequence[str]:
        rows = self.connection.execute(
            "SELECT id::text FROM differences WHERE venue = %s AND account = %s AND state = 'open' AND seen_at < %s",
            (venue, account, since),
        )
        return [row["id"] for row in rows]

    def explain_difference(self, difference_id: str, cause: str) -> None:
        self.connection.execute("UPDATE differences SET cause = %s WHERE id = %s", (cause, difference_id))

    def remark_on_settlement(self, difference_id: str, words: str) -> Literal["repaired", "accepted"]:
        row = self.connection.execute(
            "UPDATE differences SET reason = reason || %s WHERE id = %s RETURNING state",
            (f"; {words}", difference_id),
        ).fetchone()
        assert row is not None  # it was there, and differences are never deleted
        state: Literal["repaired", "accepted"] = row["state"]
        return state

    def open_difference(self, key: str) -> OpenDifference:
        rows = self.connection.execute(
            "SELECT id::text, venue, account, kind, subject, ours, theirs, state, as_of, correlation_id::text"
            " FROM differences WHERE starts_with(id::text, %s) LIMIT 2 FOR NO KEY UPDATE",
            (key.lower(),),
        ).fetchall()
        if not rows:
            raise NotFound("difference", key)
        if len(rows) > 1:
            raise Conflict(f"several differences begin with {key}: give more of the id")
        if rows[0].pop("state") != "open":
            raise Conflict("this difference is settled already")
        return OpenDifference(**rows[0] | {"kind": Kind(rows[0]["kind"])})

    def add_reconciliation(
        self, run: Run, venue: str, account: str, findings: Findings, as_of: datetime, finished_at: datetime
    ) -> None:
        self.connection.execute(
            "INSERT INTO reconciliations (id, venue, account, occasion, started_at, finished_at, as_of, orders, fills,"
            " transfers, repaired, open) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                run.id,
                venue,
                account,
                run.occasion,
                run.started_at,
                finished_at,
                as_of,
                findings.orders,
                findings.fills,
                findings.transfers,
                len(findings.repaired),
                len(findings.open),
            ),
        )
        self.connection.execute(_PRUNE, {"venue": venue, "account": account, "kept": _KEPT})
