"""Compliance's tables in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Literal

from tests.fakes.decisions import FakeDecisionTransaction
from volexswarm.compliance.model import DAY, HOUR, WEEK, Activity, Flag, Look, OwnTrade
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.errors import NotFound
from volexswarm.messages import Event, TradeProposed
from volexswarm.policies import StoredPolicy


class FakeComplianceTransaction(FakeDecisionTransaction):
    """`compliance.ports.ComplianceTransaction` in memory; approved proposals are the activity."""

    def __init__(self, policy: CompliancePolicy | StoredPolicy | None = None) -> None:
        given = policy or CompliancePolicy()
        stored = given if isinstance(given, StoredPolicy) else StoredPolicy(1, given.model_dump(mode="json"))
        super().__init__(stored)
        self.proposals: dict[str, TradeProposed] = {}
        self.states: dict[str, str] = {}
        self.facing: Decimal | None = None
        self.orders_of_day = self.pulled_of_day = 0
        self.flags: dict[str, Flag] = {}

    def propose(self, event: Event[TradeProposed]) -> None:
        self.proposals[event.id] = event.data
        self.states[event.id] = "proposed"

    def proposal_state(self, proposal_id: str) -> str | None:
        return self.states.get(proposal_id)

    def activity(self, proposal: Event[TradeProposed], look: Look) -> Activity:
        itself = proposal.data
        approved = [
            trade
            for key, trade in self.proposals.items()
            if self.states[key] == "approved" and key != proposal.id and trade.as_of > itself.as_of - WEEK
        ]
        same = [trade for trade in approved if trade.symbol == itself.symbol]
        day = [trade for trade in approved if trade.as_of > itself.as_of - DAY]
        quote = itself.symbol.partition("/")[2]
        return Activity(
            trades_of_hour=sum(1 for trade in same if trade.as_of > itself.as_of - HOUR),
            trades_of_day=sum(1 for trade in same if trade in day),
            value_of_day=sum((t.notional for t in day if t.symbol.partition("/")[2] == quote), Decimal(0)),
            trades_of_week=len(same),
            average_of_week=sum((t.notional for t in same), Decimal(0)) / len(same) if same else None,
            opposite=tuple(
                OwnTrade(t.strategy_id, t.counted_price, t.as_of)
                for t in same
                if t.side is not itself.side and abs(t.as_of - itself.as_of) <= look.wash
            ),
            facing=self.facing,
            orders_of_day=self.orders_of_day,
            pulled_of_day=self.pulled_of_day,
        )

    def conclude(self, proposal_id: str, state: Literal["approved", "refused"]) -> None:
        if self.states.get(proposal_id) == "proposed":
            self.states[proposal_id] = state

    def open_flags(self, venue: str, account: str, subject: str) -> Sequence[Flag]:
        standing = [flag for flag in self.flags.values() if flag.subject == subject and flag.state != "cleared"]
        return sorted(standing, key=lambda flag: (flag.raised_at, flag.id), reverse=True)

    def raise_flag(self, flag: Flag) -> bool:
        known = self.flags.get(flag.id)
        self.flags[flag.id] = replace(known, count=known.count + 1, detail=flag.detail) if known else flag
        return known is None

    def flag(self, key: str) -> Flag:
        for flag_id, flag in self.flags.items():
            if flag_id.startswith(key):
                return flag
        raise NotFound("flag", key)

    def save_flag(self, flag: Flag) -> None:
        self.flags[flag.id] = flag

    def unanswered_flags(self, raised_before: datetime, limit: int) -> Sequence[Flag]:
        waiting = [flag for flag in self.flags.values() if flag.state == "open" and flag.raised_at < raised_before]
        return sorted(waiting, key=lambda flag: flag.raised_at)[:limit]
