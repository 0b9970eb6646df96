"""How long risk itself thinks about a signal when the account holds a thousand positions, without any server."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from decimal import Decimal

from tests.benchmarks.figure import Figure, spread
from tests.fakes.risk import FakeRiskTransaction
from tests.fakes.transaction import START, FakeQuoteBoard, FixedClock
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Event, Quote, SignalRaised
from volexswarm.risk.agent import RiskAgent
from volexswarm.risk.model import Bar
from volexswarm.risk.policy import RiskPolicy
from volexswarm.risk.situation import Inquiry

POSITIONS = 1_000
WATCHED = 50  # markets that signals come for
MOVING = 50  # quotes that change from one decision to the next
CASH, LEAST = 5_000_000, 500  # USDT: at first, and of every trade
GOAL = 5.0  # ms, for 99 of 100 decisions


class _Store:
    """One transaction for all, never rolled back."""

    def __init__(self, transaction: FakeRiskTransaction) -> None:
        self._transaction = transaction

    def transaction(self) -> AbstractContextManager[FakeRiskTransaction]:
        return nullcontext(self._transaction)


def run(decisions: int = 500, positions: int = POSITIONS) -> Iterator[Figure]:
    """Decide about so many buys, one after the other; each approved one is filled before the next comes."""
    rng = random.Random(1)
    assets = [f"A{number}" for number in range(positions)]
    symbols = [f"{asset}/USDT" for asset in assets]
    # small trades, so that hundreds of them stay within the limits
    policy = RiskPolicy(
        max_trade=Decimal("0.0002"),
        min_trade=Decimal("0.0001"),
        max_open_positions=10 * positions,
        max_entries_per_day=10 * decisions,
    )
    state = FakeRiskTransaction({"USDT": str(CASH), **dict.fromkeys(assets, "40")}, policy)
    quotes = FakeQuoteBoard()
    for symbol in symbols:
        quotes.quotes[symbol] = _quote(rng)
        state.closes[symbol] = _walk(rng, policy.history_hours + 1)
        state.candles[symbol, Timeframe.M1] = [Bar(Decimal("100.1"), Decimal("99.9"), Decimal(100))] * 15
    clock = FixedClock()
    inquiry = Inquiry(
        quotes=quotes, clock=clock, currency="USDT", symbols=symbols, timeframes=[Timeframe.M1], quote_max_age=30
    )
    agent = RiskAgent(store=_Store(state), inquiry=inquiry, clock=clock, real_time=False)
    numbers = itertools.count()
    yield Figure(
        "first decision of an hour: prices are read", _decide(agent, state, symbols[0], next(numbers)), "CPU ms"
    )
    firsts = [_decide(agent, state, symbol, next(numbers)) for symbol in symbols[1:WATCHED]]
    taken = []
    for number in range(decisions):
        quotes.quotes.update((symbol, _quote(rng)) for symbol in rng.sample(symbols, MOVING))
        taken.append(_decide(agent, state, symbols[number % WATCHED], next(numbers)))
    if state.assets is None or state.assets["USDT"] > CASH - decisions // 2 * LEAST:
        raise RuntimeError("most trades were refused: refusals are quick, and no measure")
    yield Figure("first decision of an hour on a symbol, p50", sorted(firsts)[len(firsts) // 2], "CPU ms")
    yield from spread(f"decision with {positions} positions", taken, "CPU ms")
    yield Figure(f"decision with {positions} positions, p99", _p99(taken), "CPU ms", at_most=GOAL)


def _decide(agent: RiskAgent, state: FakeRiskTransaction, symbol: str, number: int) -> float:
    """Milliseconds of processor time for one decision; what it buys is held afterwards."""
    event = _signal(symbol, number)
    began = time.process_time()
    agent.assess(event)
    taken = (time.process_time() - began) * 1000
    _fill(state)
    return round(taken, 3)


def _quote(rng: random.Random) -> Quote:
    """As a board gives it: from text."""
    mid = 100 + Decimal(rng.randint(-9, 9)) / 100
    quote = Quote(bid=mid - Decimal("0.01"), ask=mid + Decimal("0.01"), as_of=START, received_at=START)
    return Quote.model_validate_json(quote.model_dump_json())


def _walk(rng: random.Random, hours: int) -> list[float | None]:
    closes = [100.0]
    for _ in range(hours - 1):
        closes.append(closes[-1] * (1 + rng.gauss(0, 0.005)))
    return [close * 100.0 / closes[-1] for close in closes]


def _signal(symbol: str, number: int) -> Event[SignalRaised]:
    data = SignalRaised.model_validate(
        {
            "venue": "binance",
            "symbol": symbol,
            "strategy_id": "benchmark",
            "strategy": "benchmark",
            "timeframe": "1m",
            "side": "buy",
            "confidence": 1.0,
            "price": "100",
            "stop_price": "98",
            "volatility": 0.002,
            "as_of": START + timedelta(milliseconds=number),
            "reason": "benchmark",
        }
    )
    return Event.root(data, source="signal", subject=data.key, identity=str(number), time=START)


def _fill(state: FakeRiskTransaction) -> None:
    """What was bought is held, as after its fill; the process keeps nothing else, as a database would hold the rest."""
    assert state.assets is not None
    for pending in state.pending:
        state.assets[pending.base] += pending.amount
        state.assets[pending.quote] -= pending.amount * pending.price
    for kept in (state.pending, state.proposals, state.decisions, state.published, state.entries, state.snapshots):
        kept.clear()


def _p99(milliseconds: Sequence[float]) -> float:
    """Nearest rank."""
    ordered = sorted(milliseconds)
    return ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
