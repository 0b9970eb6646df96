"""A risk agent at a desk in memory: an account with 100,000 USDT, quotes of three symbols, and signals to give it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from math import exp
from random import Random

from tests.fakes.risk import FakeRiskTransaction
from tests.fakes.transaction import FakeQuoteBoard, FakeStore, FixedClock
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import BreakerChanged, Check, Event, Quote, SignalRaised, TradeProposed, TradeRefused, Verdict
from volexswarm.policies import StoredPolicy
from volexswarm.risk.agent import RiskAgent
from volexswarm.risk.policy import RiskPolicy
from volexswarm.risk.situation import Inquiry

MARKET_START = datetime.fromisoformat("2026-03-01T09:00:00+00:00")  # the simulated market has a time of its own
SYMBOLS = ["BTC/USDT", "ETH/USDT", "SOL/USDT", "USDT/EUR"]
CASH = {"USDT": "100000"}
POLICY = {"max_trade": "0.05", "max_entries_per_day": 50}
"""Limits that these tests count on, whatever the defaults are."""


def policy_with(**limits: object) -> RiskPolicy:
    """The tests' own policy with other limits here and there."""
    return RiskPolicy.model_validate(POLICY | limits)


HOURS = 14 * 24 + 1


class Desk:
    """Everything that a risk agent needs, and what came of it."""

    def __init__(
        self,
        assets: Mapping[str, str] | None = CASH,
        policy: RiskPolicy | StoredPolicy | None = None,
        positions: Mapping[str, str] | None = None,
        currency: str = "USDT",
        mode: str = "simulated",
    ) -> None:
        self.state = FakeRiskTransaction(assets, policy or policy_with(), positions)
        self.state.mode = mode
        self.clock = FixedClock()
        self.quotes = FakeQuoteBoard()
        for symbol, price in {"BTC/USDT": "50000", "ETH/USDT": "2500", "SOL/USDT": "100"}.items():
            self.quote(symbol, price)
        self.state.state = replace(self.state.state, mode=mode)
        self.inquiry = Inquiry(
            quotes=self.quotes,
            clock=self.clock,
            currency=currency,
            symbols=SYMBOLS,
            timeframes=[Timeframe.M1, Timeframe.M5],
            quote_max_age=30,
        )
        self.agent = RiskAgent(
            store=FakeStore(self.state), inquiry=self.inquiry, clock=self.clock, real_time=mode != "simulated"
        )
        self._numbers = itertools.count()

    def quote(
        self, symbol: str, bid: str, ask: str | None = None, age: float = 0, as_of: datetime = MARKET_START
    ) -> None:
        received = self.clock.now() - timedelta(seconds=age)
        self.quotes.quotes[symbol] = Quote(bid=Decimal(bid), ask=Decimal(ask or bid), as_of=as_of, received_at=received)

    def signal(
        self, side: str = "buy", symbol: str = "BTC/USDT", price: str = "50000", **others: object
    ) -> Event[SignalRaised]:
        """A strategy's signal, raised now; fields given as strings are read as the wire has them."""
        fields = {
            "venue": "binance",
            "symbol": symbol,
            "strategy_id": "ma-btc",
            "strategy": "ma_cross",
            "side": side,
            "confidence": 0.7,
            "price": price,
            "as_of": MARKET_START,
            "reason": "test",
        }
        data = SignalRaised.model_validate(fields | others)
        identity = f"signal-{next(self._numbers)}"
        return Event.root(data, source="signal", subject=data.key, identity=identity, time=self.clock.now())

    def assess(self, event: Event[SignalRaised]) -> TradeProposed | TradeRefused:
        """Give the agent a signal; what it published."""
        before = len(self.state.published)
        self.agent.assess(event)
        (answer,) = (e.data for e in self.state.published[before:] if not isinstance(e.data, BreakerChanged))
        return answer

    def buy(self, **fields: object) -> TradeProposed | TradeRefused:
        return self.assess(self.signal("buy", **fields))

    def sell(self, **fields: object) -> TradeProposed | TradeRefused:
        return self.assess(self.signal("sell", **fields))


def failed(answer: TradeProposed | TradeRefused) -> list[str]:
    """Names of the checks that did not pass."""
    return [check.name for check in answer.verdict.checks if not check.passed]


def check(verdict: Verdict, name: str) -> Check:
    (found,) = (check for check in verdict.checks if check.name == name)
    return found


def _walk(seed: int, last: float, along: list[float] | None = None, scale: float = 0.01) -> list[float]:
    """Hourly closes that end at a price."""
    rng = Random(seed)
    steps = along or [rng.gauss(0, scale) for _ in range(HOURS - 1)]
    closes = [1.0]
    for value in steps:
        closes.append(closes[-1] * exp(value))
    return [close * last / closes[-1] for close in closes]


def with_history(desk: Desk, together: bool = False, scale: float = 0.01) -> Desk:
    """The desk, whose market has a past of fourteen days: each symbol by itself, or all as one."""
    rng = Random(5)
    common = [rng.gauss(0, scale) for _ in range(HOURS - 1)]
    for number, (symbol, price) in enumerate({"BTC/USDT": 50_000, "ETH/USDT": 2_500, "SOL/USDT": 100}.items()):
        desk.state.closes[symbol] = _walk(number, price, common if together else None, scale)
    return desk
