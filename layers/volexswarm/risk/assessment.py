"""From a signal and the state of the account to a verdict with every check, and a size if it is approved. Pure.

Buying is held against every limit. Selling only ever reduces what is held (spot, no short positions), so that neither a loss
nor a limit may trap a position: it needs an open account, a fresh price and something to sell. A strategy's sell closes the
symbol's whole free position; a person's order trades the amount the person gave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from volexswarm.messages import Check, OrderType, Quote, Side, SignalRaised
from volexswarm.policies import money, percent
from volexswarm.risk import limits, sizing
from volexswarm.risk.board import Board
from volexswarm.risk.model import ZERO, History, Holdings, currencies
from volexswarm.risk.policy import RiskPolicy
from volexswarm.valuation import Marks

ONE = Decimal(1)


@dataclass(frozen=True)
class Assessment:
    """What risk decides: the checks, and the trade's amount, stop and the story of its size; None where it found no size."""

    checks: tuple[Check, ...]
    amount: Decimal | None = None
    stop_price: Decimal | None = None
    sizing: str = ""

    @property
    def approved(self) -> bool:
        return self.amount is not None and all(check.passed for check in self.checks)


@dataclass(frozen=True)
class Market:
    """The symbol's fresh quote, and the prices of everything the account holds or is buying."""

    quote: Quote
    marks: Marks


def preconditions(signal: SignalRaised, age: timedelta, board: Board, policy: RiskPolicy) -> tuple[Check, ...]:
    """What must hold before anything can be weighed: a fresh signal, a fresh quote, a sound price and amount."""
    quote = board.usable.get(signal.symbol)
    checks = [
        limits.signal_fresh(age, timedelta(seconds=policy.max_signal_age)),
        limits.data_fresh(signal.symbol, board.age(signal.symbol), board.max_age, quote is not None),
    ]
    if quote is not None:
        checks.append(limits.price_near_market(signal.price, quote.mid, policy.max_price_deviation))
    if signal.amount is not None:
        checks.append(limits.amount_positive(signal.amount))
    if signal.order_type is OrderType.LIMIT:
        checks.append(limits.limit_price_given(signal.limit_price))
    return tuple(checks)


def assess(
    signal: SignalRaised, policy: RiskPolicy, holdings: Holdings, history: History, market: Market
) -> Assessment:
    """Weigh a signal whose preconditions hold."""
    if signal.side is Side.SELL:
        return _assess_sale(signal, policy, holdings, market)
    equity = ZERO if market.marks.missing else market.marks.value(holdings.assets)
    known = limits.equity_known(market.marks.missing, equity, market.marks.currency)
    if not known.passed:
        return Assessment((known,))
    stop = _stop(signal, policy, market)
    right_side = limits.stop_on_the_right_side(_price(signal, market), stop)
    if not right_side.passed:
        return Assessment((known, right_side))
    purchase = Purchase(signal, policy, holdings, history, market, equity, stop)
    amount, story = purchase.size()
    return Assessment((known, right_side, *purchase.checks(amount)), amount, stop, story)


def _assess_sale(signal: SignalRaised, policy: RiskPolicy, holdings: Holdings, market: Market) -> Assessment:
    base = currencies(signal.symbol)[0]
    if signal.amount is None:
        free = holdings.sellable_position(signal.symbol)
        amount, story = free, f"the whole free position of {free:f} {base}"
    else:
        free = holdings.sellable(signal.symbol)
        amount, story = signal.amount, f"the amount given, {signal.amount:f} {base}"
    checks = (limits.position_to_sell(amount, free, base), *_check_of_dust(signal, amount, policy, holdings, market))
    return Assessment(checks, amount if all(check.passed for check in checks) else None, sizing=story)


def _check_of_dust(
    signal: SignalRaised, amount: Decimal, policy: RiskPolicy, holdings: Holdings, market: Market
) -> tuple[Check, ...]:
    """A strategy does not sell what rounding left over. Where equity is unknown nothing is held back."""
    marks = market.marks
    if signal.amount is not None or marks.missing or amount <= 0:
        return ()
    value = amount * marks.prices[currencies(signal.symbol)[0]]
    return (limits.more_than_dust(value, marks.value(holdings.assets) * policy.dust, marks.currency),)


def _price(signal: SignalRaised, market: Market) -> Decimal:
    """The most that a unit costs, in quote currency, as far as is known."""
    if signal.order_type is OrderType.LIMIT and signal.limit_price is not None:
        return signal.limit_price
    return max(signal.price, market.quote.ask)


def _stop(signal: SignalRaised, policy: RiskPolicy, market: Market) -> Decimal:
    return signal.stop_price if signal.stop_price is not None else _price(signal, market) * (1 - policy.default_stop)


@dataclass(frozen=True)
class Purchase:
    """A buy to be sized and checked. Equity and all values are in the valuation currency, unless said otherwise."""

    signal: SignalRaised
    policy: RiskPolicy
    holdings: Holdings
    history: History
    market: Market
    equity: Decimal
    stop: Decimal

    def size(self) -> tuple[Decimal, str]:
        """The amount in base currency and how it came about.

        A person's amount stands as it is. Otherwise the tightest budget decides; where that is below the least worthwhile size,
        the least size is what the checks then judge, so that the budget that forbids it is named.
        """
        base = currencies(self.signal.symbol)[0]
        if self.signal.amount is not None:
            return self.signal.amount, f"the amount given, {self.signal.amount:f} {base}"
        budgets = self._budgets()
        name, amount = sizing.tightest(budgets)
        least = sizing.smallest(self._least_value, self._value_price)
        story = f"{max(amount, least):f} {base}, set by {name}; {self._terms()}"
        return max(amount, least), story

    def checks(self, amount: Decimal) -> tuple[Check, ...]:
        """Every limit on buying, for this amount."""
        policy, currency, equity = self.policy, self._currency, self.equity
        value = amount * self._value_price
        checks = [
            limits.per_trade(amount * self._stop_distance, equity, policy.risk_per_trade * self._scale, currency),
            limits.per_symbol(self._exposures.get(self._base, ZERO) + value, equity, policy.max_per_symbol, currency),
            limits.gross_exposure(self._gross + value, equity, policy.max_gross_exposure, currency),
            limits.cash_available(amount * self._unit_cost, self._free_cash, self._quote),
            limits.open_positions(self._positions_after, policy.max_open_positions),
            limits.entries_per_day(self.history.entries, policy.max_entries_per_day),
            limits.daily_loss(self._day_start, equity, policy.max_daily_loss, currency),
            limits.drawdown(self._drawdown, policy.hard_drawdown),
        ]
        return (*checks, *self._checks_of_own_size(amount, value))

    def _checks_of_own_size(self, amount: Decimal, value: Decimal) -> tuple[Check, ...]:
        """Limits on the size that risk chooses; a person who names an amount has chosen it."""
        if self.signal.amount is not None:
            return ()
        policy, currency = self.policy, self._currency
        checks = [
            limits.trade_size(value, self.equity, policy.max_trade * self._scale, currency),
            limits.worth_its_fees(value, self._least_value, currency),
        ]
        if self._volatility is not None:
            move = amount * self._volatility * self._value_price
            checks.append(limits.volatility(move, self.equity, policy.volatility_target * self._scale, currency))
        return tuple(checks)

    def _budgets(self) -> Mapping[str, Decimal]:
        policy, equity, price = self.policy, self.equity, self._value_price
        budgets = {
            "risk_per_trade": sizing.fixed_fraction(equity, policy.risk_per_trade * self._scale, self._stop_distance),
            "max_trade": sizing.affordable(equity * policy.max_trade * self._scale, price),
            "max_per_symbol": sizing.affordable(
                equity * policy.max_per_symbol - self._exposures.get(self._base, ZERO), price
            ),
            "max_gross_exposure": sizing.affordable(equity * policy.max_gross_exposure - self._gross, price),
            "cash": sizing.affordable(self._free_cash, self._unit_cost),
        }
        if self._volatility is not None:
            target = policy.volatility_target * self._scale
            budgets["volatility_target"] = sizing.volatility_target(equity, target, self._volatility, price)
        return budgets

    def _terms(self) -> str:
        policy = self.policy
        given = "" if self.signal.stop_price is not None else f" (none given: {percent(policy.default_stop)} assumed)"
        terms = [
            f"equity {money(self.equity, self._currency)}",
            f"{percent(policy.risk_per_trade)} at risk to the stop at {self.stop:f}{given}",
        ]
        if self._volatility is None:
            terms.append("volatility unknown")
        else:
            terms.append(f"volatility {percent(self._volatility)} for a target of {percent(policy.volatility_target)}")
        if self._scale != ONE:
            fall = f"drawdown {percent(self._drawdown)} is past {percent(policy.soft_drawdown)}"
            terms.append(f"times {self._scale:f} because the {fall}")
        return ", ".join(terms)

    @property
    def _base(self) -> str:
        return currencies(self.signal.symbol)[0]

    @property
    def _quote(self) -> str:
        return currencies(self.signal.symbol)[1]

    @property
    def _currency(self) -> str:
        return self.market.marks.currency

    @property
    def _unit_cost(self) -> Decimal:
        """Cost of one unit in quote currency, with the buffer for fees and slippage."""
        return _price(self.signal, self.market) * (1 + self.policy.cost_buffer)

    @property
    def _value_price(self) -> Decimal:
        """Value of one unit: the most it may cost or be worth."""
        prices = self.market.marks.prices
        return max(_price(self.signal, self.market) * prices[self._quote], prices[self._base])

    @property
    def _stop_distance(self) -> Decimal:
        """Loss of one unit at the stop."""
        return (_price(self.signal, self.market) - self.stop) * self.market.marks.prices[self._quote]

    @property
    def _volatility(self) -> Decimal | None:
        volatility = self.signal.volatility
        return Decimal(str(volatility)) if volatility else None

    @property
    def _exposures(self) -> Mapping[str, Decimal]:
        """Value held and being bought, by asset other than the valuation currency."""
        assets = self.holdings.currencies() - {self._currency}
        prices = self.market.marks.prices
        return {asset: max(ZERO, self.holdings.committed(asset)) * prices[asset] for asset in assets}

    @property
    def _gross(self) -> Decimal:
        return sum(self._exposures.values(), ZERO)

    @property
    def _positions_after(self) -> int:
        """Assets worth at least the least trade, and this one."""
        held = {asset for asset, value in self._exposures.items() if value >= self._least_value}
        return len(held | {self._base})

    @property
    def _free_cash(self) -> Decimal:
        """Quote currency, less what pending buys will still cost (at the higher of their price and the market's)."""
        prices, buffer = self.market.marks.prices, 1 + self.policy.cost_buffer
        bound = (
            p.amount * max(p.price, prices[p.base] / prices[p.quote]) * buffer
            for p in self.holdings.pending
            if p.side is Side.BUY and p.quote == self._quote
        )
        selling = (p.amount for p in self.holdings.pending if p.side is Side.SELL and p.base == self._quote)
        return self.holdings.assets.get(self._quote, ZERO) - sum(bound, ZERO) - sum(selling, ZERO)

    @property
    def _least_value(self) -> Decimal:
        return self.equity * self.policy.min_trade

    @property
    def _day_start(self) -> Decimal:
        return self.equity if self.history.day_start is None else self.history.day_start

    @property
    def _drawdown(self) -> Decimal:
        peak = max(self.equity, self.history.peak or ZERO)
        return (peak - self.equity) / peak

    @property
    def _scale(self) -> Decimal:
        return self.policy.soft_drawdown_scale if self._drawdown >= self.policy.soft_drawdown else ONE
