"""Previews of a task's trades: risk and compliance are asked what they would say to the very signal that the desk would raise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from volexswarm.compliance.agent import ComplianceAgent
from volexswarm.desk.agent import TradingDesk, Wish
from volexswarm.messages import Check, Event, OrderType, SignalRaised
from volexswarm.risk.agent import RiskAgent
from volexswarm.tasks.model import PlannedTrade

_KEY: Final = "preview"


class AgentPreviews:
    """`tasks.ports.Previews` by the agents that decide.

    Parameters
    ----------
    desk : TradingDesk
    risk : RiskAgent
    compliance : ComplianceAgent
    """

    def __init__(self, desk: TradingDesk, risk: RiskAgent, compliance: ComplianceAgent) -> None:
        self._desk = desk
        self._risk = risk
        self._compliance = compliance

    def risk(self, trade: PlannedTrade, requested_by: str) -> Sequence[Check]:
        """Every check of risk."""
        return self._risk.consider(self._signal(trade, requested_by)).verdict.checks

    def compliance(self, trade: PlannedTrade, requested_by: str) -> Sequence[Check]:
        """Every check of compliance; those of risk where that refuses, as compliance never sees such a trade."""
        signal = self._signal(trade, requested_by)
        decision = self._risk.consider(signal)
        if not decision.verdict.approved:
            return decision.verdict.checks
        return self._compliance.consider(self._risk.proposal(signal, decision)).checks

    def _signal(self, trade: PlannedTrade, requested_by: str) -> Event[SignalRaised]:
        wish = Wish(trade.symbol, trade.side, trade.amount, OrderType.MARKET)
        return self._desk.draft(wish, requested_by=requested_by, idempotency_key=_KEY)
