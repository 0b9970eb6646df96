"""Risk's tables in memory: balances as given, proposals as they come."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from tests.fakes.decisions import FakeDecisionTransaction
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Event, Side, TradeProposed
from volexswarm.policies import StoredPolicy
from volexswarm.risk.breakers import Breaker, Outcome, Probe
from volexswarm.risk.model import Bar, Holdings, Pending, Periods, Surroundings, Worths
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
        self.candles: dict[tuple[str, Timeframe], list[Bar]] = {}
        self.closes: dict[str, list[float | None]] = {}
        self.results: list[Decimal | None] = []
        self.around = Surroundings({}, 0)
        self.kept_breakers: dict[str, Breaker] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.complete_to: datetime | None = None
        self.pending: list[Pending] = []
        self.entries: list[datetime] = []
        self.units = Decimal(1)
        self.flows: dict[str, Decimal] = {}
        self.snapshots: dict[datetime, Decimal] = {}  # each of these units
        self.proposals: dict[str, TradeProposed] = {}

    def holdings(self, venue: str, account: str, symbol: str | None, binding_since: datetime) -> Holdings | None:
        if self.assets is None:
            return None
        return Holdings(
            mode=self.mode,
            assets=dict(self.assets),
            position=self.positions.get(symbol or "", Decimal(0)),
            pending=tuple(self.pending),
            units=self.units,
            flows=dict(self.flows),
        )

    def worths(self, venue: str, account: str, currency: str, periods: Periods) -> Worths:
        entries = sum(1 for at in self.entries if at >= periods.day)
        starts = [self._start(began) for began in (periods.day, periods.week, periods.month)]
        peak, last = max(self.snapshots.values(), default=None), self.last_equity(venue, account, currency)
        return Worths(*(None if equity is None else equity / self.units for equity in (peak, *starts, last)), entries)

    def last_equity(self, venue: str, account: str, currency: str) -> Decimal | None:
        return self.snapshots[max(self.snapshots)] if self.snapshots else None

    def _start(self, began: datetime) -> Decimal | None:
        before = [equity for at, equity in sorted(self.snapshots.items()) if at < began]
        since = [equity for at, equity in sorted(self.snapshots.items()) if at >= began]
        return before[-1] if before else since[0] if since else None

    def bars(
        self,
        venue: str,
        symbol: str,
        timeframe: Timeframe,
        until: datetime,
        count: int,
        since: datetime | None = None,
    ) -> Sequence[Bar]:
        return self.candles.get((symbol, timeframe), [])[-count:]

    def hourly_closes(
        self, venue: str, symbols: Collection[str], timeframe: Timeframe, until: datetime, hours: int
    ) -> Mapping[str, Sequence[float | None]]:
        known = {symbol: self.closes.get(symbol, [])[-hours:] for symbol in symbols}
        return {symbol: [None] * (hours - len(closes)) + closes for symbol, closes in known.items()}

    def closed_trades(self, venue: str, account: str, strategy_id: str, limit: int) -> Sequence[Decimal | None]:
        return self.results[-limit:]

    def surroundings(
        self, venue: str, account: str, symbol: str, voices_since: datetime, errors_since: datetime
    ) -> Surroundings:
        return self.around

    def breakers(self, venue: str, account: str, binding_since: datetime) -> Sequence[tuple[Breaker, Probe | None]]:
        return [
            (breaker, self._probe(breaker.probe_id) if breaker.probe_id else None)
            for breaker in self.kept_breakers.values()
        ]

    def _probe(self, proposal_id: str) -> Probe:
        return Probe(self.outcomes.get(proposal_id, Outcome.OUTSTANDING), self.proposals[proposal_id].as_of)

    def save_breaker(self, venue: str, account: str, breaker: Breaker, at: datetime) -> None:
        self.kept_breakers[breaker.id] = breaker

    def market_time(self, venue: str) -> datetime | None:
        return self.complete_to

    def record_equity(
        self, venue: str, account: str, currency: str, equity: Decimal, cash: Decimal, as_of: datetime, at: datetime
    ) -> None:
        self.snapshots[as_of] = equity

    def record_proposal(self, event: Event[TradeProposed], at: datetime) -> None:
        trade = event.data
        self.proposals[event.id] = trade
        self.pending.append(Pending(trade.symbol, trade.side, trade.amount, trade.counted_price))
        if trade.side is Side.BUY:
            self.entries.append(trade.as_of)


def stored_policy(policy: RiskPolicy, version: int = 1) -> StoredPolicy:
    """As the database has it: through JSON."""
    return StoredPolicy(version, policy.model_dump(mode="json"))
