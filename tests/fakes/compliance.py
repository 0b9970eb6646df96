"""Compliance's tables in memory."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

from tests.fakes.decisions import FakeDecisionTransaction
from volexswarm.compliance.model import Activity
from volexswarm.compliance.policy import CompliancePolicy
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

    def propose(self, event: Event[TradeProposed]) -> None:
        self.proposals[event.id] = event.data
        self.states[event.id] = "proposed"

    def proposal_state(self, proposal_id: str) -> str | None:
        return self.states.get(proposal_id)

    def activity(self, proposal: Event[TradeProposed], hour: datetime, day: datetime) -> Activity:
        approved = [
            trade
            for key, trade in self.proposals.items()
            if self.states[key] == "approved" and key != proposal.id and trade.as_of > day
        ]
        same = [trade for trade in approved if trade.symbol == proposal.data.symbol]
        quote = proposal.data.symbol.partition("/")[2]
        value = sum((trade.notional for trade in approved if trade.symbol.partition("/")[2] == quote), Decimal(0))
        return Activity(sum(1 for trade in same if trade.as_of > hour), len(same), value)

    def conclude(self, proposal_id: str, state: Literal["approved", "refused"]) -> None:
        if self.states.get(proposal_id) == "proposed":
            self.states[proposal_id] = state
