"""Risk's tables in memory: balances as given, proposals as they come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from tests.fakes.decisions import FakeDecisionTransaction
from volexswarm.messages import Event, Side, TradeProposed
from volexswarm.policies import StoredPolicy
from volexswarm.risk.model import History, Holdings, Pending
from volexswarm.risk.policy import RiskPolicy


class FakeRiskTransaction(FakeDecisionTransaction):
    """`risk.ports.RiskTransaction` in memory; `assets` None means that the account is not opened."""

    def __init__(
        self,
        assets: Mapping[str, str] | None,
        policy: RiskPolicy | StoredPolicy | None = None,
        positions: Mapping[str, str] | None = None,
    ) -> None:
        stored = policy if isinstance(policy, StoredPolicy) else stored_policy(policy or RiskPolicy())
        super().__init__(stored)
        self.assets = None if assets is None else {currency: Decimal(amount) for currency, amount in assets.items()}
        self.positions = {symbol: Decimal(amount) for symbol, amount in (positions or {}).items()}
        self.mode = "simulated"
        self.pending: list[Pending] = []
        self.entries: list[datetime] = []
        self.snapshots: dict[datetime, Decimal] = {}
        self.proposals: dict[str, TradeProposed] = {}

    def holdings(self, venue: str, account: str, symbol: str, binding_since: datetime) -> Holdings | None:
        if self.assets is None:
            return None
        return Holdings(self.mode, dict(self.assets), self.positions.get(symbol, Decimal(0)), tuple(self.pending))

    def history(self, venue: str, account: str, currency: str, day: datetime) -> History:
        before = [equity for at, equity in sorted(self.snapshots.items()) if at < day]
        since = [equity for at, equity in sorted(self.snapshots.items()) if at >= day]
        start = before[-1] if before else since[0] if since else None
        entries = sum(1 for at in self.entries if at >= day)
        return History(max(self.snapshots.values(), default=None), start, entries)

    def record_equity(
        self, venue: str, account: str, currency: str, equity: Decimal, cash: Decimal, as_of: datetime, at: datetime
    ) -> None:
        self.snapshots[as_of] = equity

    def record_proposal(self, event: Event[TradeProposed], at: datetime) -> None:
        trade = event.data
        self.proposals[event.id] = trade
        price = trade.limit_price or trade.reference_price
        self.pending.append(Pending(trade.symbol, trade.side, trade.amount, price))
        if trade.side is Side.BUY:
            self.entries.append(trade.as_of)


def stored_policy(policy: RiskPolicy, version: int = 1) -> StoredPolicy:
    """As the database has it: through JSON."""
    return StoredPolicy(version, policy.model_dump(mode="json"))
