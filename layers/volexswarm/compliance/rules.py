"""One function per rule of the desk. Each answers with a Check that says what was allowed and what was found."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from volexswarm.compliance.model import Activity
from volexswarm.compliance.policy import CompliancePolicy
from volexswarm.messages import Check, Side, Trade, Verdict
from volexswarm.policies import money

SELL = "none for a sell"


def review(trade: Trade, policy: CompliancePolicy, activity: Activity) -> tuple[Check, ...]:
    """Every rule's answer to a trade."""
    return (
        venue_allowed(trade, policy),
        symbol_allowed(trade, policy),
        order_value(trade, policy),
        daily_value(trade, policy, activity),
        trades_per_hour(trade, policy, activity),
        trades_per_day(trade, policy, activity),
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


def venue_allowed(trade: Trade, policy: CompliancePolicy) -> Check:
    allowed = policy.allowed_venues
    return Check(
        name="venue_allowed", limit=", ".join(allowed) or "none", value=trade.venue, passed=trade.venue in allowed
    )


def symbol_allowed(trade: Trade, policy: CompliancePolicy) -> Check:
    restricted = policy.restricted_symbols
    limit = f"not {', '.join(restricted)}" if restricted else "any"
    return Check(name="symbol_allowed", limit=limit, value=trade.symbol, passed=trade.symbol not in restricted)


def order_value(trade: Trade, policy: CompliancePolicy) -> Check:
    """Value of one order, in quote currency."""
    return _value_check("order_value", trade, trade.notional, policy.max_order_value.get(_quote(trade)))


def daily_value(trade: Trade, policy: CompliancePolicy, activity: Activity) -> Check:
    """Value traded in the last 24 hours, with this order, in quote currency."""
    value = activity.value_of_day + trade.notional
    return _value_check("daily_value", trade, value, policy.max_daily_value.get(_quote(trade)))


def trades_per_hour(trade: Trade, policy: CompliancePolicy, activity: Activity) -> Check:
    """Trades of the symbol in the last hour, with this one."""
    return _count_check("trades_per_hour", trade, activity.trades_of_hour + 1, policy.max_trades_per_hour)


def trades_per_day(trade: Trade, policy: CompliancePolicy, activity: Activity) -> Check:
    """Trades of the symbol in the last 24 hours, with this one."""
    return _count_check("trades_per_day", trade, activity.trades_of_day + 1, policy.max_trades_per_day)


def _quote(trade: Trade) -> str:
    return trade.symbol.partition("/")[2]


def _value_check(name: str, trade: Trade, value: Decimal, limit: Decimal | None) -> Check:
    quote = _quote(trade)
    found = money(value, quote)
    if trade.side is Side.SELL:
        return Check(name=name, limit=SELL, value=found, passed=True)
    if limit is None:
        return Check(name=name, limit=f"no limit is set for {quote}", value=found, passed=False)
    return Check(name=name, limit=money(limit, quote), value=found, passed=value <= limit)


def _count_check(name: str, trade: Trade, count: int, limit: int) -> Check:
    if trade.side is Side.SELL:
        return Check(name=name, limit=SELL, value=str(count), passed=True)
    return Check(name=name, limit=str(limit), value=str(count), passed=count <= limit)
