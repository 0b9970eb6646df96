"""A compliance desk in memory: proposals in, orders, refusals and flags out."""

from __future__ import annotations

import itertools

from tests.fakes.compliance import FakeComplianceTransaction
from tests.fakes.transaction import START, FakeStore, FixedClock
from volexswarm.compliance.agent import ComplianceAgent
from volexswarm.compliance.flags import FlagDesk
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.messages import Check, Event, OrderApproved, TradeProposed, TradeRefused, Verdict
from volexswarm.policies import StoredPolicy

YES = Verdict(stage="risk", approved=True, policy_version=1, checks=(Check(name="x", limit="", value="", passed=True),))


class Desk:
    def __init__(self, policy: CompliancePolicy | StoredPolicy | None = None) -> None:
        self.state = FakeComplianceTransaction(policy)
        self.clock = FixedClock()
        self.agent = ComplianceAgent(store=FakeStore(self.state), clock=self.clock)
        self.flag_desk = FlagDesk(FakeStore(self.state), self.clock)
        self._numbers = itertools.count()

    def proposal(self, side: str = "buy", known: bool = True, **others: object) -> Event[TradeProposed]:
        number = next(self._numbers)
        fields = {
            "venue": "binance",
            "symbol": "BTC/USDT",
            "account": "main",
            "signal_id": f"signal-{number}",
            "strategy_id": "ma-btc",
            "side": side,
            "order_type": "market",
            "amount": "0.1",
            "reference_price": "50000",
            "as_of": START,
            "sizing": "test",
            "verdict": YES,
        }
        data = TradeProposed.model_validate(fields | others)
        event = Event.root(data, source="risk", subject=data.key, identity=f"proposal-{number}", time=START)
        if known:
            self.state.propose(event)
        return event

    def review(self, event: Event[TradeProposed]) -> OrderApproved | TradeRefused:
        before = len(self.state.published)
        self.agent.review(event)
        (answer,) = [e.data for e in self.state.published[before:] if isinstance(e.data, OrderApproved | TradeRefused)]
        return answer

    def buy(self, **fields: object) -> OrderApproved | TradeRefused:
        return self.review(self.proposal("buy", **fields))

    def sell(self, **fields: object) -> OrderApproved | TradeRefused:
        return self.review(self.proposal("sell", **fields))


def failed(answer: OrderApproved | TradeRefused) -> list[str]:
    assert isinstance(answer, TradeRefused)
    return [check.name for check in answer.verdict.checks if not check.passed]
