"""Trades on candles as the swarm would have: decided at a close, done at the next open, with the costs that are assumed.

A candle says not in which order its prices came, so the worse is assumed: the stop goes before the take-profit, a price that
opens beyond a stop is the price that is got, and a trailing stop follows only candles that have closed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from volexswarm.arithmetic import to_finest, wide
from volexswarm.backtest.model import Assumptions, ClosedTrade, History, OpenTrade, Run
from volexswarm.messages import Protection, Side
from volexswarm.risk import sizing, stops
from volexswarm.risk.model import Bar
from volexswarm.risk.policy import RiskPolicy
from volexswarm.strategies.model import Decision

ZERO = Decimal(0)


@dataclass(frozen=True)
class _Order:
    """A purchase for the next open; `protection` None if the policy protects nothing."""

    amount: Decimal
    protection: Protection | None
    reason: str


@dataclass
class _Position:
    opened_at: datetime
    amount: Decimal
    entry_price: Decimal
    cost: Decimal
    fee: Decimal
    protection: Protection | None
    reason: str
    best: Decimal

    @property
    def stop(self) -> tuple[Decimal, str] | None:
        """The highest price at which it is given up, and by what."""
        if self.protection is None:
            return None
        found = []
        if self.protection.stop_price is not None:
            found.append((self.protection.stop_price, "stop"))
        if self.protection.trailing_share is not None:
            found.append((self.best * (1 - self.protection.trailing_share), "trailing stop"))
        return max(found, default=None)

    @property
    def target(self) -> Decimal | None:
        return None if self.protection is None else self.protection.take_profit_price

    def is_overdue(self, moment: datetime) -> bool:
        """Whether it was to be held no longer than to this moment."""
        longest = None if self.protection is None else self.protection.max_holding
        return longest is not None and moment >= self.opened_at + timedelta(seconds=longest)


class Simulation:
    """One account with nothing but the history's market.

    Parameters
    ----------
    history : History
    policy : RiskPolicy
        Stops, sizes and protections come from it.
    assumptions : Assumptions
    """

    def __init__(self, history: History, policy: RiskPolicy, assumptions: Assumptions) -> None:
        self._policy = policy
        self._assumptions = assumptions
        self._length = history.timeframe.length
        candles = history.candles
        self._opened = [moment.to_pydatetime() for moment in candles.index]
        self._closes = candles["close"].tolist()
        prices = {name: [Decimal(str(value)) for value in candles[name].tolist()] for name in ("open", "high", "low")}
        self._open, self._high, self._low = prices["open"], prices["high"], prices["low"]
        self._close = [Decimal(str(value)) for value in self._closes]

    def run(self, decisions: Mapping[int, Decision], begin: int = 0, end: int | None = None) -> Run:
        """Trade by these decisions (by the place of their candle) from candle `begin` to before `end`."""
        with wide():
            return _Account(self, decisions).live(begin, len(self._opened) if end is None else end)


class _Account:
    """The money and the position while time goes by."""

    def __init__(self, market: Simulation, decisions: Mapping[int, Decision]) -> None:
        self._m = market
        self._decisions = decisions
        self._cash = market._assumptions.cash
        self._position: _Position | None = None
        self._order: _Order | None = None
        self._leaving: str | None = None
        self._trades: list[ClosedTrade] = []
        self._fees = ZERO
        self._unfilled: Counter[str] = Counter()

    def live(self, begin: int, end: int) -> Run:
        times, equity, held = [], [], 0
        for place in range(begin, end):
            self._at_open(place)
            self._inside(place)
            times.append(self._m._opened[place] + self._m._length)
            equity.append(float(self._worth(place)))
            held += self._position is not None
            self._at_close(place)
        return Run(times, equity, self._trades, self._open_trade(), self._fees, dict(self._unfilled), held)

    def _worth(self, place: int) -> Decimal:
        return self._cash + (ZERO if self._position is None else self._position.amount * self._m._close[place])

    def _at_open(self, place: int) -> None:
        price = self._m._open[place]
        if self._position is not None:
            if self._leaving is None and self._position.is_overdue(self._m._opened[place]):
                self._leaving = "held long enough"
            if self._leaving is not None:
                self._sell(place, price, self._leaving)
        elif self._order is not None:
            self._buy(place, price, self._order)
        self._order = self._leaving = None

    def _inside(self, place: int) -> None:
        position = self._position
        if position is None:
            return
        price = self._m._open[place]
        if (stop := position.stop) is not None and self._m._low[place] <= stop[0]:
            self._sell(place, min(price, stop[0]), stop[1])
        elif position.target is not None and self._m._high[place] >= position.target:
            self._sell(place, max(price, position.target), "take-profit")
        else:
            position.best = max(position.best, self._m._high[place])

    def _at_close(self, place: int) -> None:
        decision = self._decisions.get(place)
        if decision is None:
            return
        if decision.side is Side.SELL:
            self._leaving = decision.reason if self._position is not None else None
        elif self._position is None:
            self._order = self._sized(place, decision)
        else:
            self._unfilled["a position was held already"] += 1

    def _sized(self, place: int, decision: Decision) -> _Order | None:
        """The purchase as risk would size it, or none where it would not be worth its fees."""
        policy, price, equity = self._m._policy, self._m._close[place], self._worth(place)
        own = None if decision.stop_price is None else Decimal(f"{decision.stop_price:.8g}")
        stop = stops.entry_stop(policy, price, own, self._bars(place))
        budgets = {
            "risk_per_trade": sizing.fixed_fraction(equity, policy.risk_per_trade, price - stop.price),
            "cash": sizing.affordable(self._cash, price * (1 + policy.cost_buffer)),
            "max_trade": sizing.affordable(equity * policy.max_trade, price),
            "max_per_symbol": sizing.affordable(equity * policy.max_per_symbol, price),
            "max_gross_exposure": sizing.affordable(equity * policy.max_gross_exposure, price),
        }
        if decision.volatility > 0:
            usual = Decimal(str(decision.volatility))
            budgets["volatility_target"] = sizing.volatility_target(equity, policy.volatility_target, usual, price)
        name, amount = sizing.tightest(budgets)
        if amount < sizing.smallest(policy.min_trade * equity, price):
            self._unfilled[f"not worth its fees by {name}"] += 1
            return None
        return _Order(amount, stops.protection(policy, price, stop.price), decision.reason)

    def _bars(self, place: int) -> list[Bar]:
        begin = max(0, place + 1 - stops.candles_needed(self._m._policy))
        return [Bar(self._m._high[at], self._m._low[at], self._m._close[at]) for at in range(begin, place + 1)]

    def _buy(self, place: int, price: Decimal, order: _Order) -> None:
        terms = self._m._assumptions
        paid = price * (1 + terms.slippage)
        amount = min(order.amount, sizing.affordable(self._cash, paid * (1 + terms.fee)))
        amount = amount.quantize(sizing.STEP, ROUND_DOWN)
        if amount <= 0:
            self._unfilled["no cash"] += 1
            return
        fee = to_finest(amount * paid * terms.fee)
        cost = amount * paid + fee
        self._cash -= cost
        self._fees += fee
        self._position = _Position(
            self._m._opened[place], amount, paid, cost, fee, order.protection, order.reason, best=paid
        )

    def _sell(self, place: int, price: Decimal, reason: str) -> None:
        position, terms = self._position, self._m._assumptions
        assert position is not None  # who sells has looked
        got = price * (1 - terms.slippage)
        fee = to_finest(position.amount * got * terms.fee)
        proceeds = position.amount * got - fee
        self._cash += proceeds
        self._fees += fee
        self._position = None
        self._trades.append(
            ClosedTrade(
                opened_at=position.opened_at,
                closed_at=self._m._opened[place],
                amount=position.amount,
                entry_price=position.entry_price,
                exit_price=got,
                cost=position.cost,
                proceeds=proceeds,
                fees=position.fee + fee,
                entry_reason=position.reason,
                exit_reason=reason,
            )
        )

    def _open_trade(self) -> OpenTrade | None:
        held = self._position
        return None if held is None else OpenTrade(held.opened_at, held.amount, held.entry_price, held.cost)


def in_words(policy: RiskPolicy, terms: Assumptions) -> tuple[str, ...]:
    """What the simulation takes for given, in sentences for whoever reads its result."""
    return (
        f"The account begins with {terms.cash:f} of the quote currency, trades nothing else, and only buys what it sells again.",
        "What is decided at a candle's close is done at the next candle's open, at once and in full.",
        f"Each side costs a fee of {terms.fee * 100:f} % and slippage of {terms.slippage * 100:f} % of its value.",
        "Stops, sizes and protections are those of the risk policy in force; what depends on other markets, other strategies or "
        "the account's past is left out: drawdown and loss limits, circuit breakers, correlations, Kelly, scaling by trend.",
        "Compliance and the venue's own steps and minimums are left out.",
        "Within a candle the stop goes before the take-profit, and a trailing stop follows closed candles only."
        if policy.protect
        else "Positions are not protected, as the policy says: only the strategy sells.",
        "While a position is held, further wishes to buy are passed over.",
    )
