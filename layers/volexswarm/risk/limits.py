"""One function per limit. Each answers with a Check that says what was allowed and what was found.

Where the limit is a number of the policy, the check also carries the field's name and what was found in that field's own unit.
All money is in one currency, named for the reader.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from volexswarm.messages import Check, Protection
from volexswarm.policies import listed, money, percent
from volexswarm.risk.breakers import Breaker, Finding, Kind
from volexswarm.risk.model import ZERO
from volexswarm.risk.tail import Tail
from volexswarm.risk.track import TrackRecord

_FINE = 10  # decimals of a measured share: finer than any limit


@dataclass(frozen=True)
class Equity:
    """What shares are of: the account's worth, and the currency that it is counted in."""

    amount: Decimal
    currency: str


def not_halted(halt: str | None) -> Check:
    """The kill switch is off."""
    return Check(name="kill_switch", limit="trading goes on", value=halt or "trading goes on", passed=halt is None)


def account_open(opened_for: str | None, mode: str) -> Check:
    """Nothing is traded before the books have been opened with the exchange's own balances, nor on books of other money."""
    value = "not opened" if opened_for is None else f"opened for {opened_for}"
    return Check(name="account_open", limit=f"books opened for {mode}", value=value, passed=opened_for == mode)


def signal_fresh(age: timedelta, limit: timedelta) -> Check:
    """An idea that waited too long (wall time) is not traded any more."""
    return Check(
        name="signal_fresh",
        limit=f"{limit.total_seconds():.0f} s",
        value=_seconds(age),
        passed=age <= limit,
        setting="max_signal_age",
        measure=Decimal(str(age.total_seconds())),
        bound="at_most",
    )


def data_fresh(symbol: str, age: timedelta | None, limit: timedelta, usable: bool) -> Check:
    """The symbol's own quote was received (wall time) a short while ago, and its bid and ask make sense."""
    value = f"no quote of {symbol}" if age is None else f"{_seconds(age)}{'' if usable else ', not usable'}"
    return Check(name="data_fresh", limit=f"{limit.total_seconds():.0f} s", value=value, passed=usable)


def price_near_market(price: Decimal, market: Decimal, limit: Decimal, given_away: Decimal = ZERO) -> Check:
    """The market is still about where the trade was decided, and a limit price gives no more away than that.

    `given_away` is the share by which the limit price is worse for us than the market, 0 where it is not.
    """
    deviation = abs(price - market) / market
    found = max(deviation, given_away)
    return Check(
        name="price_near_market",
        limit=percent(limit),
        value=percent(found) if found == deviation else f"a limit price {percent(found)} worse than the market",
        passed=price > 0 and found <= limit,
        setting="max_price_deviation",
        measure=round(found, _FINE),
        bound="at_most",
    )


def amount_positive(amount: Decimal) -> Check:
    """There is something to trade."""
    return Check(name="amount_positive", limit="above 0", value=format(amount, "f"), passed=amount > 0)


def limit_price_given(limit_price: Decimal | None) -> Check:
    """A limit order names its price."""
    passed = limit_price is not None and limit_price > 0
    value = "none" if limit_price is None else format(limit_price, "f")
    return Check(name="limit_price_given", limit="above 0", value=value, passed=passed)


def trigger_price_given(trigger_price: Decimal | None) -> Check:
    """An order that waits for a price names it."""
    passed = trigger_price is not None and trigger_price > 0
    value = "none" if trigger_price is None else format(trigger_price, "f")
    return Check(name="trigger_price_given", limit="above 0", value=value, passed=passed)


def equity_known(lacking: str | None, equity: Equity) -> Check:
    """Everything that a market gives a price has one, and there is something to lose. `lacking` says what has none."""
    value = lacking or money(equity.amount, equity.currency)
    passed = lacking is None and equity.amount > 0
    return Check(name="equity_known", limit="above 0, all priced", value=value, passed=passed)


def unpriced_assets(left_out: Sequence[str], currency: str) -> tuple[Check, ...]:
    """What is held and has no market that leads to the valuation currency stops no trade: it is no part of equity, and named."""
    if not left_out:
        return ()
    value = f"no market leads from {listed(left_out)} to {currency}"
    return (Check(name="unpriced_assets", limit="left out of equity", value=value, passed=True),)


def stop_on_the_right_side(price: Decimal, stop: Decimal) -> Check:
    """A long position's stop lies below its price, and above zero."""
    return Check(
        name="stop_on_the_right_side",
        limit=f"above 0, below {price:f}",
        value=format(stop, "f"),
        passed=ZERO < stop < price,
    )


def ways_out_on_the_right_side(price: Decimal, wanted: Protection) -> tuple[Check, ...]:
    """What a person wants of a long position: its take-profit lies above its price. The stop has a check of its own."""
    target = wanted.take_profit_price
    if target is None:
        return ()
    return (
        Check(
            name="take_profit_on_the_right_side",
            limit=f"above {price:f}",
            value=format(target, "f"),
            passed=target > price,
        ),
    )


def per_trade(loss_at_stop: Decimal, equity: Equity, limit: Decimal, scale: Decimal) -> Check:
    """What is lost when the stop is hit. `scale` multiplies the limit, as in every check that has one."""
    return _share_check("per_trade", "risk_per_trade", loss_at_stop, equity, limit, scale)


def kelly(loss_at_stop: Decimal, equity: Equity, share: Decimal, scale: Decimal) -> Check:
    """What is lost when the stop is hit is no more than the strategy's own odds justify."""
    return _money_check("kelly", loss_at_stop, equity.amount * share * scale, equity.currency)


def known_odds(record: TrackRecord, least: int) -> Check:
    """So many closed trades must tell what they came to before the strategy's odds say how much may be risked."""
    return Check(
        name="kelly",
        limit=f"{least} closed trades without a fee in a third currency, which has no price",
        value=f"{record.trades} of {record.trades + record.unpriced}",
        passed=record.trades >= least,
    )


def volatility(move: Decimal, equity: Equity, limit: Decimal, scale: Decimal) -> Check:
    """What the trade gains or loses in one candle's typical range."""
    return _share_check("volatility", "volatility_target", move, equity, limit, scale)


def trade_size(notional: Decimal, equity: Equity, limit: Decimal, scale: Decimal) -> Check:
    """The value of one trade whose size risk chooses."""
    return _share_check("trade_size", "max_trade", notional, equity, limit, scale)


def probe_size(notional: Decimal, equity: Equity, share: Decimal) -> Check:
    """A trade that tries whether all is well again after a circuit breaker is a small one."""
    return _money_check("probe_size", notional, equity.amount * share, equity.currency)


def per_symbol(exposure_after: Decimal, equity: Equity, limit: Decimal) -> Check:
    """What is held and being bought of one asset, with this trade."""
    return _share_check("per_symbol", "max_per_symbol", exposure_after, equity, limit)


def per_sector(exposure_after: Decimal, equity: Equity, limit: Decimal, asset: str, sector: str | None) -> Check:
    """What is held and being bought of the asset's sector, with this trade."""
    if sector is None:
        return Check(
            name="per_sector", limit=_of(limit, equity), value=f"{asset} is in no sector of the policy", passed=True
        )
    found = _share_check("per_sector", "max_per_sector", exposure_after, equity, limit)
    return found.model_copy(update={"value": f"{found.value} in {sector}"})


def per_cluster(exposure_after: Decimal, equity: Equity, limit: Decimal, cluster: Collection[str]) -> Check:
    """What is held and being bought of assets that move together, with this trade; one asset alone is no cluster."""
    if len(cluster) < 2:
        return Check(
            name="per_cluster", limit=_of(limit, equity), value="it moves with nothing else that is held", passed=True
        )
    found = _share_check("per_cluster", "max_per_cluster", exposure_after, equity, limit)
    return found.model_copy(update={"value": f"{found.value} in {listed(sorted(cluster))}"})


def gross_exposure(exposure_after: Decimal, equity: Equity, limit: Decimal) -> Check:
    """What is held and being bought of everything but the valuation currency, with this trade."""
    return _share_check("gross_exposure", "max_gross_exposure", exposure_after, equity, limit)


def net_exposure(exposure_after: Decimal, equity: Equity, limit: Decimal) -> Check:
    """The same, with debts taken off."""
    return _share_check("net_exposure", "max_net_exposure", abs(exposure_after), equity, limit)


def leverage(exposure_after: Decimal, equity: Equity, limit: Decimal) -> Check:
    """How many times the equity hangs on prices, with this trade; above 1 only with borrowed money."""
    multiple = exposure_after / equity.amount
    return Check(
        name="leverage",
        limit=f"{limit:.2f} times equity",
        value=f"{multiple:.2f} times",
        passed=exposure_after <= equity.amount * limit,
        setting="max_leverage",
        measure=round(multiple, _FINE),
        bound="at_most",
    )


def live_cap(exposure_after: Decimal, cap: Decimal, currency: str) -> Check:
    """With real money no more than the cap that an administrator set is exposed, with this trade."""
    return _money_check("live_cap", exposure_after, cap, currency)


def cash_available(cost: Decimal, free: Decimal, currency: str) -> Check:
    """The quote currency suffices, after everything that is already being bought."""
    return _money_check("cash_available", cost, max(ZERO, free), currency)


def open_positions(count_after: int, limit: int) -> Check:
    """How many assets are held or being bought, with this trade."""
    return _count_check("open_positions", "max_open_positions", count_after, limit)


def entries_per_day(count_before: int, limit: int) -> Check:
    """How many buys were proposed this market day, with this trade."""
    return _count_check("entries_per_day", "max_entries_per_day", count_before + 1, limit)


def period_loss(period: str, start: Decimal, equity: Equity, limit: Decimal) -> Check:
    """What has been lost since the market's day, week or month began; at the limit, buying ends until the next one.

    `period` is `daily`, `weekly` or `monthly`; `start` the equity at its beginning, deposits and withdrawals since included.
    """
    lost, allowed = max(ZERO, start - equity.amount), max(ZERO, start) * limit
    return Check(
        name=f"{period}_loss",
        limit=f"below {money(allowed, equity.currency)}",
        value=f"{money(lost, equity.currency)}, not counting deposits and withdrawals",
        passed=lost < allowed,
        setting=f"max_{period}_loss",
        measure=round(lost / start, _FINE) if start > 0 else None,
        bound="below" if start > 0 else None,
    )


def drawdown(share: Decimal, limit: Decimal) -> Check:
    """The fall from the highest equity ever; at the limit, buying ends."""
    return Check(
        name="drawdown",
        limit=f"below {percent(limit)}",
        value=percent(share),
        passed=share < limit,
        setting="hard_drawdown",
        measure=round(share, _FINE),
        bound="below",
    )


def value_at_risk(found: Tail, equity: Equity, limit: Decimal) -> Check:
    """What a day may cost, with this trade."""
    value = Decimal(found.value_at_risk)
    words = f"historical {_amount(found.historical, equity)}, parametric {_amount(found.parametric, equity)}"
    return _share_check("value_at_risk", "max_var", value, equity, limit).model_copy(update={"value": words})


def expected_shortfall(found: Tail, equity: Equity, limit: Decimal) -> Check:
    """What a day costs on average when it costs more than the value at risk, with this trade."""
    value = Decimal(found.shortfall)
    words = (
        f"historical {_amount(found.historical_shortfall, equity)},"
        f" parametric {_amount(found.parametric_shortfall, equity)}"
    )
    return _share_check("expected_shortfall", "max_cvar", value, equity, limit).model_copy(update={"value": words})


def unknown_for_lack_of_history(
    name: str, limit: Decimal, equity: Equity, assets: Sequence[str], least: int, *, skip: bool
) -> Check:
    """A limit that can't be judged yet, because some assets have no past; the policy says whether that stops the trade."""
    words = f"not known: fewer than {least} hourly returns of {listed(assets)}"
    return Check(name=name, limit=_of(limit, equity), value=f"{words}{', skipped' if skip else ''}", passed=skip)


def breaker(state: Breaker, finding: Finding, *, probe: bool) -> Check:
    """A circuit breaker lets the trade pass: it is closed, or the trade is the probe that a half-open one waits for.

    `probe`: it would be. Where a half-open one waits for a probe and this is none, the order might stand for days without a fill.
    """
    # what was measured decides only where the breaker does not stand open from before
    decisive = (
        finding.limit is not None and finding.measure is not None and (state.state == "closed" or finding.tripped)
    )
    return Check(
        name=finding.kind.setting,
        limit="off" if finding.limit is None else f"at most {_breaker_limit(finding.kind, finding.limit)}",
        value=_of_breaker(state, finding, probe=probe),
        passed=state.state == "closed" or probe,
        setting=finding.kind.setting if decisive else None,
        measure=finding.measure if decisive else None,
        bound="at_most" if decisive else None,
    )


def worth_its_fees(notional: Decimal, equity: Equity, limit: Decimal, scale: Decimal) -> Check:
    """A trade that risk sizes itself is not too small to be worth anything."""
    least = equity.amount * limit * scale
    return Check(
        name="worth_its_fees",
        limit=f"at least {money(least, equity.currency)}",
        value=money(notional, equity.currency),
        passed=notional >= least,
        setting="min_trade",
        measure=_share(notional, equity, scale),
        bound="at_least",
        scale=_told(scale),
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


def _share_check(
    name: str, setting: str, value: Decimal, equity: Equity, limit: Decimal, scale: Decimal = Decimal(1)
) -> Check:
    allowed = equity.amount * limit * scale
    return Check(
        name=name,
        limit=money(allowed, equity.currency),
        value=money(value, equity.currency),
        passed=value <= allowed,
        setting=setting,
        measure=_share(value, equity, scale),
        bound="at_most",
        scale=_told(scale),
    )


def _count_check(name: str, setting: str, count: int, limit: int) -> Check:
    return Check(
        name=name,
        limit=str(limit),
        value=str(count),
        passed=count <= limit,
        setting=setting,
        measure=Decimal(count),
        bound="at_most",
    )


def _money_check(name: str, value: Decimal, limit: Decimal, currency: str) -> Check:
    return Check(name=name, limit=money(limit, currency), value=money(value, currency), passed=value <= limit)


def _share(value: Decimal, equity: Equity, scale: Decimal = Decimal(1)) -> Decimal:
    """A value as a share of equity, as if nothing had scaled the limit."""
    return round(value / equity.amount / scale, _FINE)


def _told(scale: Decimal) -> Decimal | None:
    return None if scale == 1 else scale


def _of(limit: Decimal, equity: Equity) -> str:
    return money(equity.amount * limit, equity.currency)


def _amount(value: float, equity: Equity) -> str:
    return money(round(Decimal(value), 8), equity.currency)


def _breaker_limit(kind: Kind, limit: Decimal) -> str:
    """In the words of what is measured against it."""
    match kind:
        case Kind.PRICE_MOVE | Kind.SPREAD | Kind.DISAGREEMENT:
            return percent(limit)
        case Kind.VOLATILITY:
            return f"{limit:.2f} times the usual"
        case Kind.STALE_DATA:
            return f"{limit:f} s"
        case Kind.EXCHANGE_ERRORS:
            return f"{limit:f}"


def _of_breaker(state: Breaker, finding: Finding, *, probe: bool) -> str:
    if state.state == "closed":
        return finding.words
    if state.state == "open" and state.until is not None:
        return f"open until {_clock(state.until)} market time ({state.reason}); now {finding.words}"
    if probe:
        return "half open: this trade is the probe"
    if state.probe_id is not None:
        return "half open: a probe is on its way"
    return "half open: only an order that can be filled at once may be the probe (market, ioc, fok, a limit at the ask)"


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _seconds(age: timedelta) -> str:
    return f"{age.total_seconds():.1f} s"
