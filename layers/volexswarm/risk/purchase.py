"""A buy: how much of it, and every limit that it is held against. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from volexswarm.messages import Check, Quote, Side, SignalRaised
from volexswarm.policies import money, percent
from volexswarm.risk import limits, sizing
from volexswarm.risk.intake import Book, Intake
from volexswarm.risk.model import ZERO, currencies
from volexswarm.risk.policy import RiskPolicy
from volexswarm.risk.prices import HOURS_PER_DAY
from volexswarm.risk.stops import Stop
from volexswarm.risk.track import TrackRecord
from volexswarm.valuation import Marks

ONE = Decimal(1)


@dataclass(frozen=True)
class Market:
    """The symbol's fresh quote, and the prices of everything the account holds or is to get."""

    quote: Quote
    marks: Marks


@dataclass(frozen=True)
class Scaling:
    """A reason to trade smaller than usual."""

    factor: Decimal
    reason: str


@dataclass(frozen=True)
class Purchase:
    """A buy to be sized and checked.

    `price` is what a unit costs in quote currency as things are, `dearest` the most that it may cost: that much cash is needed.
    `probe`: it tries whether all is well again after a circuit breaker. All values are in the valuation currency.
    """

    signal: SignalRaised
    policy: RiskPolicy
    book: Book
    market: Market
    price: Decimal
    dearest: Decimal
    stop: Stop
    probe: bool

    @cached_property
    def intake(self) -> Intake:
        """What is bought."""
        return Intake(self._base, self.policy, self.book)

    def size(self) -> tuple[Decimal, str]:
        """The amount in base currency and how it came about.

        A person's amount stands as it is. Otherwise the tightest budget decides; where that is below the least worthwhile size,
        the least size is what the checks then judge, so that the budget that forbids it is named.
        """
        if self.signal.amount is not None:
            return self.signal.amount, f"the amount given, {self.signal.amount:f} {self._base}"
        name, amount = sizing.tightest(self._budgets())
        least = sizing.smallest(self._least_value * self._scale, self._value_price)
        story = f"{max(amount, least):f} {self._base}, set by {name}; {self._terms()}"
        return max(amount, least), story

    def checks(self, amount: Decimal) -> tuple[Check, ...]:
        """Every limit on buying, for this amount."""
        value = amount * self._value_price
        return (
            *self._checks_of_size(amount, value),
            *self.intake.checks_of_exposure(value),
            limits.cash_available(amount * self._unit_cost, self._free_cash, self._quote),
            *self.intake.checks_of_conduct(),
            *self.intake.checks_of_tail(value),
        )

    def _checks_of_size(self, amount: Decimal, value: Decimal) -> list[Check]:
        """A person who names an amount has chosen it: then only the loss at the stop is bounded, and a probe's size."""
        policy, equity = self.policy, self.book.equity
        loss = amount * self._stop_distance
        if self.signal.amount is not None:
            checks = [limits.per_trade(loss, equity, policy.risk_per_trade, self._drawdown_scale)]
            if self.probe:
                checks.append(limits.probe_size(value, equity, policy.max_trade * policy.probe_scale))
            return checks
        scale = self._scale
        checks = [
            limits.per_trade(loss, equity, policy.risk_per_trade, scale),
            limits.trade_size(value, equity, policy.max_trade, scale),
            limits.worth_its_fees(value, equity, policy.min_trade, scale),
        ]
        if self._volatility is not None:
            move = amount * self._volatility * self._value_price
            checks.append(limits.volatility(move, equity, policy.volatility_target, scale))
        if self._hides_its_odds is not None:
            checks.append(limits.known_odds(self._hides_its_odds, policy.kelly_min_trades))
        elif self._kelly is not None:
            checks.append(limits.kelly(loss, equity, self._kelly, scale))
        return checks

    @property
    def room(self) -> Decimal:
        """The share of the equity for which the account's limits and its cash would still let the symbol be bought."""
        cash = self._free_cash / (1 + self.policy.cost_buffer) * self.market.marks.prices[self._quote]
        return max(ZERO, min(cash, *self.intake.rooms().values())) / self.book.equity.amount

    def _budgets(self) -> Mapping[str, Decimal]:
        policy, equity, price = self.policy, self.book.equity.amount, self._value_price
        scale = self._scale
        rooms = {"max_trade": equity * policy.max_trade * scale, **self.intake.rooms()}
        budgets = {
            "risk_per_trade": sizing.fixed_fraction(equity, policy.risk_per_trade * scale, self._stop_distance),
            "cash": sizing.affordable(self._free_cash, self._unit_cost),
            **{name: sizing.affordable(room, price) for name, room in rooms.items()},
        }
        if self._volatility is not None:
            target = policy.volatility_target * scale
            budgets["volatility_target"] = sizing.volatility_target(equity, target, self._volatility, price)
        if self._kelly is not None:
            budgets["kelly"] = sizing.fixed_fraction(equity, self._kelly * scale, self._stop_distance)
        return budgets

    def _terms(self) -> str:
        policy, equity = self.policy, self.book.equity
        terms = [
            f"equity {money(equity.amount, equity.currency)}",
            f"{percent(policy.risk_per_trade)} at risk to the stop at {self.stop.price:f} ({self.stop.story})",
        ]
        if self._volatility is None:
            terms.append("volatility unknown")
        else:
            terms.append(f"volatility {percent(self._volatility)} for a target of {percent(policy.volatility_target)}")
        if policy.use_kelly:
            terms.append(self._kelly_story())
        terms += [f"times {scaling.factor:f} because {scaling.reason}" for scaling in self._scalings]
        if policy.bear_scale != ONE and self._trend is None:
            terms.append(f"trend unknown: fewer than {policy.bear_hours} hourly closes")
        return ", ".join(terms)

    def _kelly_story(self) -> str:
        record, least = self.book.record, self.policy.kelly_min_trades
        trades = 0 if record is None else record.trades
        if record is None or self._kelly is None:
            return f"Kelly not applied: {trades} of {least} closed trades of the strategy"
        payoff = "never lost" if record.payoff is None else f"payoff {record.payoff:.2f}"
        return f"Kelly allows {percent(self._kelly)} by {trades} trades, {percent(record.win_rate)} won, {payoff}"

    @cached_property
    def _hides_its_odds(self) -> TrackRecord | None:
        """The strategy's record, if Kelly's criterion is to be applied and too few of its trades tell what they came to."""
        policy, record = self.policy, self.book.record
        if not policy.use_kelly or record is None:
            return None
        return record if record.trades < policy.kelly_min_trades <= record.trades + record.unpriced else None

    @cached_property
    def _kelly(self) -> Decimal | None:
        """Share of equity that Kelly's criterion lets be lost at the stop; None where it is not applied."""
        policy, record = self.policy, self.book.record
        if self._hides_its_odds is not None:
            return ZERO
        if not policy.use_kelly or record is None or record.trades < policy.kelly_min_trades:
            return None
        if record.payoff is None:  # it has never lost: any win would do
            return min(policy.kelly_cap, record.win_rate * policy.kelly_fraction)
        return sizing.fractional_kelly(record.win_rate, record.payoff, policy.kelly_fraction, policy.kelly_cap)

    @cached_property
    def _scalings(self) -> tuple[Scaling, ...]:
        """Why risk trades smaller than usual just now."""
        policy, found = self.policy, []
        if self._drawdown_scale != ONE:
            fall = f"drawdown {percent(self.book.drawdown)} is past {percent(policy.soft_drawdown)}"
            found.append(Scaling(self._drawdown_scale, f"the {fall}"))
        if self._trend is not None and self._trend < 1:
            words = f"the price is {percent(1 - self._trend)} below its average of {policy.bear_hours} hours"
            found.append(Scaling(policy.bear_scale, words))
        if self._unrest is not None and self._unrest > policy.high_volatility:
            words = f"its volatility of a day is {self._unrest:.2f} times the usual"
            found.append(Scaling(policy.high_volatility_scale, words))
        if self.probe:
            found.append(Scaling(policy.probe_scale, "it is the probe of a circuit breaker"))
        return tuple(found)

    @cached_property
    def _scale(self) -> Decimal:
        scale = ONE
        for scaling in self._scalings:
            scale *= scaling.factor
        return scale

    @property
    def _drawdown_scale(self) -> Decimal:
        return self.policy.soft_drawdown_scale if self.book.drawdown >= self.policy.soft_drawdown else ONE

    @cached_property
    def _trend(self) -> Decimal | None:
        """The price in averages of its last hours: below 1 is a bear market."""
        average = self.book.results.history.average(self._base, self.policy.bear_hours)
        return self.market.marks.prices[self._base] / Decimal(average) if average else None

    @cached_property
    def _unrest(self) -> Decimal | None:
        """The volatility of the last day in usual ones."""
        history = self.book.results.history
        usual, lately = history.volatility(self._base), history.volatility(self._base, HOURS_PER_DAY)
        enough = not history.lacking([self._base], self.policy.min_history_hours)
        return Decimal(lately / usual) if enough and usual and lately is not None else None

    @property
    def _base(self) -> str:
        return currencies(self.signal.symbol)[0]

    @property
    def _quote(self) -> str:
        return currencies(self.signal.symbol)[1]

    @property
    def _unit_cost(self) -> Decimal:
        """The most that one unit may cost in quote currency, with the buffer for fees and slippage."""
        return self.dearest * (1 + self.policy.cost_buffer)

    @property
    def _value_price(self) -> Decimal:
        """Value of one unit: what it costs, or is worth where that is more."""
        prices = self.market.marks.prices
        return max(self.price * prices[self._quote], prices[self._base])

    @property
    def _stop_distance(self) -> Decimal:
        """Loss of one unit at the stop."""
        return (self.price - self.stop.price) * self.market.marks.prices[self._quote]

    @property
    def _volatility(self) -> Decimal | None:
        volatility = self.signal.volatility
        return Decimal(str(volatility)) if volatility else None

    @cached_property
    def _free_cash(self) -> Decimal:
        """Quote currency, less what pending buys will still cost (at the higher of their price and the market's)."""
        prices, buffer = self.market.marks.prices, 1 + self.policy.cost_buffer
        holdings, quote = self.book.holdings, self._quote
        bound = (
            p.amount * max(p.price, prices[p.base] / prices[p.quote]) * buffer
            for p in holdings.pending
            if p.side is Side.BUY and p.quote == quote
        )
        selling = (p.amount for p in holdings.pending if p.side is Side.SELL and p.base == quote)
        return holdings.assets.get(quote, ZERO) - sum(bound, ZERO) - sum(selling, ZERO)

    @property
    def _least_value(self) -> Decimal:
        return self.book.equity.amount * self.policy.min_trade
