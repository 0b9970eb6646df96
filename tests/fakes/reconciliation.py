"""The reconciler's tables in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from tests.fakes.execution import FakeExecutionTransaction
from volexswarm.errors import Conflict, NotFound
from volexswarm.execution.differences import OpenDifference
from volexswarm.execution.model import Run
from volexswarm.execution.reconciliation import Difference, Findings, Kind
from volexswarm.portfolio.model import LedgerAccount
from volexswarm.ports import Fill


@dataclass(frozen=True)
class Stored:
    """A difference as stored."""

    difference: Difference
    state: str
    seen_at: datetime
    times: int = 1
    settled_by: str | None = None
    reason: str | None = None


class FakeReconcilingTransaction(FakeExecutionTransaction):
    """`differences` by id; `runs` as (run, findings, as_of)."""

    def __init__(self) -> None:
        super().__init__()
        self.differences: dict[str, Stored] = {}
        self.runs: list[tuple[Run, Findings, datetime]] = []

    def compared_to(self, venue: str, account: str) -> tuple[datetime, datetime] | None:
        opened = self.opened_at(venue, account)
        return None if opened is None else (opened, self.runs[-1][2] if self.runs else opened)

    def last_comparison(self, venue: str, account: str) -> datetime | None:
        return self.runs[-1][0].started_at if self.runs else None

    def booked_fills(self, venue: str, account: str, fills: Sequence[Fill]) -> set[tuple[str, str]]:
        return set(self.recorded)

    def assets(self, venue: str, account: str) -> dict[str, Decimal]:
        return self.balances(venue, account, LedgerAccount.ASSETS)

    def see_difference(
        self, run: Run, venue: str, account: str, difference: Difference, seen_at: datetime
    ) -> tuple[str, bool]:
        for key, known in self.differences.items():
            same = (known.difference.kind, known.difference.subject) == (difference.kind, difference.subject)
            accepted = known.state == "accepted" and difference.kind is Kind.FOREIGN_ORDER
            if same and (known.state == "open" or accepted):
                self.differences[key] = replace(
                    known,
                    difference=replace(difference, cause=known.difference.cause),
                    seen_at=seen_at,
                    times=known.times + 1,
                )
                return key, False
        key = f"d{len(self.differences) + 1}"
        self.differences[key] = Stored(difference, "open", seen_at)
        return key, True

    def keep_difference(self, venue: str, account: str, difference: Difference, seen_at: datetime) -> bool:
        same = (difference.kind, difference.subject)
        for key, known in self.differences.items():
            if known.state == "open" and (known.difference.kind, known.difference.subject) == same:
                self.differences[key] = replace(known, seen_at=seen_at)
                return True
        return False

    def remark_on_settlement(self, difference_id: str, words: str) -> Literal["repaired", "accepted"]:
        known = self.differences[difference_id]
        self.differences[difference_id] = replace(known, reason=f"{known.reason}; {words}")
        return "accepted" if known.state == "accepted" else "repaired"

    def settle_difference(
        self, difference_id: str, state: Literal["repaired", "accepted"], settled_by: str, reason: str, at: datetime
    ) -> None:
        known = self.differences[difference_id]
        self.differences[difference_id] = replace(known, state=state, settled_by=settled_by, reason=reason)

    def explain_difference(self, difference_id: str, cause: str) -> None:
        known = self.differences[difference_id]
        self.differences[difference_id] = replace(known, difference=replace(known.difference, cause=cause))

    def unseen_differences(self, venue: str, account: str, since: datetime) -> list[str]:
        return [key for key, known in self.differences.items() if known.state == "open" and known.seen_at < since]

    def open_difference(self, difference_id: str) -> OpenDifference:
        known = self.differences.get(difference_id)
        if known is None:
            raise NotFound("difference", difference_id)
        if known.state != "open":
            raise Conflict("this difference is settled already")
        found = known.difference
        as_of = self.runs[-1][2]
        return OpenDifference(
            difference_id, "binance", "main", found.kind, found.subject, found.ours, found.theirs, as_of, "chain"
        )

    def add_reconciliation(
        self, run: Run, venue: str, account: str, findings: Findings, as_of: datetime, finished_at: datetime
    ) -> None:
        self.runs.append((run, findings, as_of))
