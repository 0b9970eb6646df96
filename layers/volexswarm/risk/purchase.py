"""A buy: how much of it, and every limit that it is held against. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from volexswarm.messages import Check, Quote, Side, SignalRaised
from volexswarm.policies import money, percent
from volexswarm.risk import limits, sizing
from volexswarm.risk.exposure import Exposure
from volexswarm.risk.limits import Equity
from volexswarm.risk.model import ZERO, History, Holdings, currencies
from volexswarm.risk.policy import RiskPolicy
from volexswarm.risk.prices import HOURS_PER_DAY
from volexswarm.risk.stops import Stop
from volexswarm.risk.tail import Results, Tail
from volexswarm.risk.track import TrackRecord
from volexswarm.valuation import Marks

ONE = Decimal(1)


@dataclass(frozen=True)
class Market:
    """The symbol's fresh quote, its middle unless that is too wide to value by, and the prices of all that is held or bought."""

    quote: Quote
    mid: Decimal | None
    marks: Marks


@dataclass(frozen=True)
class Book:
    """The account at the moment of the decision.

    `results` are those of what is held and being bought, hour by hour; `cap` the most that may be exposed, where real money
    trades; `record` how the signal's strategy has fared, None where nobody asked.
    """

    holdings: Holdings
    exposure: Exposure
    equity: Equity
    history: History
    results: Results
    cap: Decimal | None
    record: TrackRecord | None

    @property
    def drawdown(self) -> Decimal:
        """The fall from the peak, as a share of it."""
        peak = max(self.equity.amount, self.history.peak or ZERO)
        return (peak - self.equity.amount) / peak


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
            *self._checks_of_exposure(amount, value),
            *self._checks_of_conduct(),
            *self._checks_of_tail(value),
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
        if self._kelly is not None:
            checks.append(limits.kelly(loss, equity, self._kelly, scale))
        return checks

    def _checks_of_exposure(self, amount: Decimal, value: Decimal) -> list[Check]:
        policy, equity, exposure = self.policy, self.book.equity, self.book.exposure
        gross = exposure.gross + value
        checks = [
            limits.per_symbol(exposure.of([self._base]) + value, equity, policy.max_per_symbol),
            limits.per_sector(self._in_sector + value, equity, policy.max_per_sector, self._base, self._sector),
            self._check_of_cluster(value),
            limits.gross_exposure(gross, equity, policy.max_gross_exposure),
            limits.net_exposure(exposure.net + value, equity, policy.max_net_exposure),
            limits.leverage(gross, equity, policy.max_leverage),
            limits.cash_available(amount * self._unit_cost, self._free_cash, self._quote),
        ]
        if self.book.cap is not None:
            checks.append(limits.live_cap(gross, self.book.cap, equity.currency))
        return checks

    def _checks_of_conduct(self) -> list[Check]:
        policy, equity, history = self.policy, self.book.equity, self.book.history
        starts = {
            "daily": (history.day_start, policy.max_daily_loss),
            "weekly": (history.week_start, policy.max_weekly_loss),
            "monthly": (history.month_start, policy.max_monthly_loss),
        }
        return [
            limits.open_positions(self._positions_after, policy.max_open_positions),
            limits.entries_per_day(history.entries, policy.max_entries_per_day),
            *(
                limits.period_loss(period, equity.amount if start is None else start, equity, limit)
                for period, (start, limit) in starts.items()
            ),
            limits.drawdown(self.book.drawdown, policy.hard_drawdown),
        ]

    def _check_of_cluster(self, value: Decimal) -> Check:
        policy, equity = self.policy, self.book.equity
        lacking = self._lacking
        if lacking and policy.short_history == "refuse":
            return self._unknown("per_cluster", policy.max_per_cluster)
        return limits.per_cluster(
            self.book.exposure.of(self._cluster) + value, equity, policy.max_per_cluster, self._cluster
        )

    def _checks_of_tail(self, value: Decimal) -> list[Check]:
        policy, equity = self.policy, self.book.equity
        if self._lacking:
            return [
                self._unknown("value_at_risk", policy.max_var),
                self._unknown("expected_shortfall", policy.max_cvar),
            ]
        found = self._tail(value)
        return [
            limits.value_at_risk(found, equity, policy.max_var),
            limits.expected_shortfall(found, equity, policy.max_cvar),
        ]

    def _tail(self, value: Decimal) -> Tail:
        return self.book.results.tail(self._beginning, float(self.policy.var_confidence), self._base, value)

    def _unknown(self, name: str, limit: Decimal) -> Check:
        policy = self.policy
        return limits.unknown_for_lack_of_history(
            name,
            limit,
            self.book.equity,
            self._lacking,
            policy.min_history_hours,
            skip=policy.short_history == "skip",
        )

    @property
    def room(self) -> Decimal:
        """The share of the equity for which the account's limits and its cash would still let the symbol be bought."""
        cash = self._free_cash / (1 + self.policy.cost_buffer) * self.market.marks.prices[self._quote]
        return max(ZERO, min(cash, *self._rooms().values())) / self.book.equity.amount

    def _rooms(self) -> dict[str, Decimal]:
        """What each limit on the account leaves for the symbol, in the valuation currency; below 0 where it is exceeded."""
        policy, equity, exposure = self.policy, self.book.equity.amount, self.book.exposure
        rooms = {
            "max_per_symbol": equity * policy.max_per_symbol - exposure.of([self._base]),
            "max_gross_exposure": equity * policy.max_gross_exposure - exposure.gross,
            "max_net_exposure": equity * policy.max_net_exposure - exposure.net,
            "max_leverage": equity * policy.max_leverage - exposure.gross,
        }
        if self._sector is not None:
            rooms["max_per_sector"] = equity * policy.max_per_sector - self._in_sector
        if len(self._cluster) > 1:
            rooms["max_per_cluster"] = equity * policy.max_per_cluster - exposure.of(self._cluster)
        if self.book.cap is not None:
            rooms["live_cap"] = self.book.cap - exposure.gross
        return rooms

    def _budgets(self) -> Mapping[str, Decimal]:
        policy, equity, price = self.policy, self.book.equity.amount, self._value_price
        scale = self._scale
        rooms = {"max_trade": equity * policy.max_trade * scale, **self._rooms()}
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
    def _kelly(self) -> Decimal | None:
        """Share of equity that Kelly's criterion lets be lost at the stop; None where it is not applied."""
        policy, record = self.policy, self.book.record
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

    @cached_property
    def _of_note(self) -> frozenset[str]:
        """The assets whose past counts: this one, and what is held of more than dust."""
        dust = self.book.equity.amount * self.policy.dust
        return self.book.exposure.above(dust) | {self._base}

    @cached_property
    def _beginning(self) -> int:
        """The first hour whose return all of them have."""
        return self.book.results.history.beginning(self._of_note)

    @cached_property
    def _lacking(self) -> tuple[str, ...]:
        history, least = self.book.results.history, self.policy.min_history_hours
        if history.observations - self._beginning >= least:
            return ()
        return history.lacking(self._of_note, least)

    @cached_property
    def _cluster(self) -> frozenset[str]:
        """This asset and what is held of those that move with it."""
        found = self.book.results.history.cluster(self._base, float(self.policy.correlation_limit))
        return found & self._of_note

    @property
    def _base(self) -> str:
        return currencies(self.signal.symbol)[0]

    @property
    def _quote(self) -> str:
        return currencies(self.signal.symbol)[1]

    @property
    def _sector(self) -> str | None:
        return self.policy.sectors.get(self._base)

    @cached_property
    def _in_sector(self) -> Decimal:
        return ZERO if self._sector is None else self.book.exposure.of_sector(self._sector, self.policy.sectors)

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
    def _positions_after(self) -> int:
        """Assets worth at least the least trade, and this one."""
        return len(self.book.exposure.above(self._least_value) | {self._base})

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
