"""One function per limit. Each answers with a Check that says what was allowed and what was found.

All money is in one currency, named for the reader. Limits on buying are shares of equity.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from volexswarm.messages import Check
from volexswarm.policies import money, percent
from volexswarm.risk.model import ZERO


def account_open(opened_for: str | None, mode: str) -> Check:
    """Nothing is traded before the books have been opened with the exchange's own balances, nor on books of other money."""
    value = "not opened" if opened_for is None else f"opened for {opened_for}"
    return Check(name="account_open", limit=f"books opened for {mode}", value=value, passed=opened_for == mode)


def signal_fresh(age: timedelta, limit: timedelta) -> Check:
    """An idea that waited too long (wall time) is not traded any more."""
    return Check(name="signal_fresh", limit=f"{limit.total_seconds():.0f} s", value=_seconds(age), passed=age <= limit)


def data_fresh(symbol: str, age: timedelta | None, limit: timedelta, usable: bool) -> Check:
    """The symbol's own quote was received (wall time) a short while ago, and its bid and ask make sense."""
    value = f"no quote of {symbol}" if age is None else f"{_seconds(age)}{'' if usable else ', not usable'}"
    return Check(name="data_fresh", limit=f"{limit.total_seconds():.0f} s", value=value, passed=usable)


def price_near_market(price: Decimal, market: Decimal, limit: Decimal) -> Check:
    """The market is still about where the trade was decided."""
    deviation = abs(price - market) / market
    return Check(
        name="price_near_market",
        limit=percent(limit),
        value=percent(deviation),
        passed=price > 0 and deviation <= limit,
    )


def amount_positive(amount: Decimal) -> Check:
    """There is something to trade."""
    return Check(name="amount_positive", limit="above 0", value=format(amount, "f"), passed=amount > 0)


def limit_price_given(limit_price: Decimal | None) -> Check:
    """A limit order names its price."""
    passed = limit_price is not None and limit_price > 0
    value = "none" if limit_price is None else format(limit_price, "f")
    return Check(name="limit_price_given", limit="above 0", value=value, passed=passed)


def equity_known(missing: Sequence[str], equity: Decimal, currency: str) -> Check:
    """Everything held has a fresh price, and there is something to lose."""
    value = f"no fresh price of {', '.join(missing)}" if missing else money(equity, currency)
    return Check(name="equity_known", limit="above 0, all priced", value=value, passed=not missing and equity > 0)


def stop_on_the_right_side(price: Decimal, stop: Decimal) -> Check:
    """A long position's stop lies below its price, and above zero."""
    return Check(
        name="stop_on_the_right_side",
        limit=f"above 0, below {price:f}",
        value=format(stop, "f"),
        passed=ZERO < stop < price,
    )


def per_trade(loss_at_stop: Decimal, equity: Decimal, limit: Decimal, currency: str) -> Check:
    """What is lost when the stop is hit."""
    return _money_check("per_trade", loss_at_stop, equity * limit, currency)


def volatility(move: Decimal, equity: Decimal, limit: Decimal, currency: str) -> Check:
    """What the trade gains or loses in one candle's typical range."""
    return _money_check("volatility", move, equity * limit, currency)


def trade_size(notional: Decimal, equity: Decimal, limit: Decimal, currency: str) -> Check:
    """The value of one trade whose size risk chooses."""
    return _money_check("trade_size", notional, equity * limit, currency)


def per_symbol(exposure_after: Decimal, equity: Decimal, limit: Decimal, currency: str) -> Check:
    """What is held and being bought of one asset, with this trade."""
    return _money_check("per_symbol", exposure_after, equity * limit, currency)


def gross_exposure(exposure_after: Decimal, equity: Decimal, limit: Decimal, currency: str) -> Check:
    """What is held and being bought of everything but the valuation currency, with this trade."""
    return _money_check("gross_exposure", exposure_after, equity * limit, currency)


def cash_available(cost: Decimal, free: Decimal, currency: str) -> Check:
    """The quote currency suffices, after everything that is already being bought."""
    return _money_check("cash_available", cost, max(ZERO, free), currency)


def open_positions(count_after: int, limit: int) -> Check:
    """How many assets are held or being bought, with this trade."""
    return Check(name="open_positions", limit=str(limit), value=str(count_after), passed=count_after <= limit)


def entries_per_day(count_before: int, limit: int) -> Check:
    """How many buys were proposed this market day, with this trade."""
    return Check(name="entries_per_day", limit=str(limit), value=str(count_before + 1), passed=count_before < limit)


def daily_loss(day_start: Decimal, equity: Decimal, limit: Decimal, currency: str) -> Check:
    """What has been lost since the market day began; at the limit, buying ends until the next day."""
    lost, allowed = max(ZERO, day_start - equity), day_start * limit
    return Check(
        name="daily_loss", limit=f"below {money(allowed, currency)}", value=money(lost, currency), passed=lost < allowed
    )


def drawdown(share: Decimal, limit: Decimal) -> Check:
    """The fall from the highest equity ever; at the limit, buying ends."""
    return Check(name="drawdown", limit=f"below {percent(limit)}", value=percent(share), passed=share < limit)


def worth_its_fees(notional: Decimal, least: Decimal, currency: str) -> Check:
    """A trade that risk sizes itself is not too small to be worth anything."""
    return Check(
        name="worth_its_fees",
        limit=f"at least {money(least, currency)}",
        value=money(notional, currency),
        passed=notional >= least,
    )


def position_to_sell(amount: Decimal, free: Decimal, currency: str) -> Check:
    """Only what is held, and not being sold already, can be sold: there are no short positions."""
    return Check(
        name="position_to_sell",
        limit=f"{free:f} {currency} free",
        value=f"{amount:f} {currency}",
        passed=ZERO < amount <= free,
    )


def more_than_dust(value: Decimal, dust: Decimal, currency: str) -> Check:
    """What a strategy sells is more than the remainder that rounding to the venue's steps leaves behind."""
    limit = f"above {money(dust, currency)}"
    return Check(name="more_than_dust", limit=limit, value=money(value, currency), passed=value > dust)


def _money_check(name: str, value: Decimal, limit: Decimal, currency: str) -> Check:
    return Check(name=name, limit=money(limit, currency), value=money(value, currency), passed=value <= limit)


def _seconds(age: timedelta) -> str:
    return f"{age.total_seconds():.1f} s"
