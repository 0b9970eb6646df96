"""One function per rule of the desk. Each answers with a Check that says what was allowed and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from volexswarm.compliance import patterns
from volexswarm.compliance.model import Activity, Finding
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.messages import Check, Side, Trade, Verdict
from volexswarm.policies import money

SELL = "none for a sell"


def review(trade: Trade, policy: CompliancePolicy, activity: Activity) -> tuple[Finding, ...]:
    """Every rule's answer to a trade."""
    return (
        venue_allowed(trade, policy, activity),
        symbol_allowed(trade, policy, activity),
        symbol_watched(trade, policy, activity),
        Finding(order_value(trade, policy)),
        Finding(daily_value(trade, policy, activity)),
        Finding(trades_per_hour(trade, policy, activity)),
        Finding(trades_per_day(trade, policy, activity)),
        patterns.own_order_match(trade, policy, activity),
        patterns.wash_trade(trade, policy, activity),
        patterns.spoofing(trade, policy, activity),
        patterns.unusual_size(trade, policy, activity),
    )


def risk_approved(verdict: Verdict) -> Check:
    """Nothing comes past risk."""
    passed = verdict.stage == "risk" and verdict.approved
    value = f"{verdict.stage}: {'approved' if verdict.approved else 'refused'}"
    return Check(name="risk_approved", limit="risk: approved", value=value, passed=passed)


def proposal_waiting(state: str | None) -> Check:
    """The proposal is in our own records, and nobody has decided about it yet."""
    return Check(name="proposal_waiting", limit="proposed", value=state or "unknown", passed=state == "proposed")


def proposal_fresh(age: timedelta, limit: timedelta) -> Check:
    """Risk weighed it a short while ago (wall time): a price and a balance of long ago say nothing about now."""
    return Check(
        name="proposal_fresh",
        limit=f"{limit.total_seconds():.0f} s",
        value=f"{age.total_seconds():.1f} s",
        passed=age <= limit,
    )


def venue_allowed(trade: Trade, policy: CompliancePolicy, _: Activity) -> Finding:
    """The desk may trade at this venue."""
    allowed = policy.allowed_venues
    passed = trade.venue in allowed
    return Finding(Check(name="venue_allowed", limit=", ".join(allowed) or "none", value=trade.venue, passed=passed))


def symbol_allowed(trade: Trade, policy: CompliancePolicy, _: Activity) -> Finding:
    """The symbol is not on the restricted list."""
    restricted = policy.restricted_symbols
    limit = f"not {', '.join(restricted)}" if restricted else "any"
    passed = trade.symbol not in restricted
    return Finding(Check(name="symbol_allowed", limit=limit, value=trade.symbol, passed=passed))


def symbol_watched(trade: Trade, policy: CompliancePolicy, _: Activity) -> Finding:
    """A symbol on the watch list may be traded, and somebody shall look at it."""
    watched = trade.symbol in policy.watched_symbols
    value = f"{trade.symbol} (flagged)" if watched else trade.symbol
    check = Check(
        name="symbol_watched", limit=f"flag {', '.join(policy.watched_symbols) or 'none'}", value=value, passed=True
    )
    return Finding(check, f"{trade.side} of {trade.symbol}, which is on the watch list" if watched else None)


def order_value(trade: Trade, policy: CompliancePolicy) -> Check:
    """Value of one order, in quote currency."""
    return _value_check("order_value", "max_order_value", trade, trade.notional, policy.max_order_value)


def daily_value(trade: Trade, policy: CompliancePolicy, activity: Activity) -> Check:
    """Value traded in the last 24 hours, with this order, in quote currency."""
    value = activity.value_of_day + trade.notional
    return _value_check("daily_value", "max_daily_value", trade, value, policy.max_daily_value)


def trades_per_hour(trade: Trade, policy: CompliancePolicy, activity: Activity) -> Check:
    """Trades of the symbol in the last hour, with this one."""
    count, limit = activity.trades_of_hour + 1, policy.max_trades_per_hour
    return _count_check("trades_per_hour", "max_trades_per_hour", trade, count, limit)


def trades_per_day(trade: Trade, policy: CompliancePolicy, activity: Activity) -> Check:
    """Trades of the symbol in the last 24 hours, with this one."""
    count, limit = activity.trades_of_day + 1, policy.max_trades_per_day
    return _count_check("trades_per_day", "max_trades_per_day", trade, count, limit)


def _value_check(name: str, field: str, trade: Trade, value: Decimal, limits: Mapping[str, Decimal]) -> Check:
    """The setting is the field's entry for the currency, as `max_order_value.USDT`."""
    quote = trade.symbol.partition("/")[2]
    limit, found = limits.get(quote), money(value, quote)
    if trade.side is Side.SELL:
        return Check(name=name, limit=SELL, value=found, passed=True)
    return Check(
        name=name,
        limit=f"no limit is set for {quote}" if limit is None else money(limit, quote),
        value=found,
        passed=limit is not None and value <= limit,
        setting=f"{field}.{quote}",
        measure=value,
        bound="at_most",
    )


def _count_check(name: str, field: str, trade: Trade, count: int, limit: int) -> Check:
    if trade.side is Side.SELL:
        return Check(name=name, limit=SELL, value=str(count), passed=True)
    return Check(
        name=name,
        limit=str(limit),
        value=str(count),
        passed=count <= limit,
        setting=field,
        measure=Decimal(count),
        bound="at_most",
    )
