"""Patterns of our own trading that a market's rules forbid or that call for a look: one function each.

They refuse or raise a flag as the policy says. A sell is refused by none but `own_order_match`: a rule must not trap a position.
"""

from __future__ import annotations

from decimal import Decimal

from volexswarm.compliance.model import Activity, Finding
from volexswarm.compliance.policy import CompliancePolicy, Consequence
from volexswarm.messages import Check, Side, Trade
from volexswarm.policies import money, percent


def own_order_match(trade: Trade, policy: CompliancePolicy, activity: Activity) -> Finding:
    """The trade could be executed against an order of our own."""
    reach, facing = _reach(trade, policy.wash_trade_price_share), activity.facing
    if facing is None:
        return _finding(
            "own_order_match", trade, policy.own_order_match, "no order of ours within reach", "none", found=False
        )
    return _finding(
        "own_order_match",
        trade,
        policy.own_order_match,
        "no order of ours within reach",
        f"ours on the other side at {facing:f}, this one reaches {reach:f}",
        found=reach >= facing if trade.side is Side.BUY else reach <= facing,
        holds_for_sells=True,
    )


def wash_trade(trade: Trade, policy: CompliancePolicy, activity: Activity) -> Finding:
    """Another strategy of ours traded the other side a short while ago (or ahead: messages overtake each other) at this price."""
    price = trade.counted_price
    share, window = policy.wash_trade_price_share, policy.look.wash
    met = [
        own
        for own in activity.opposite
        if own.strategy_id != trade.strategy_id
        and abs(own.as_of - trade.as_of) <= window
        and abs(own.price - price) <= share * price
    ]
    limit = f"none of another strategy within {policy.wash_trade_minutes} min and {percent(share)}"
    if not met:
        return _finding("wash_trade", trade, policy.wash_trade, limit, "none", found=False)
    nearest = min(met, key=lambda own: (abs(own.as_of - trade.as_of), own.as_of))
    value = f"{nearest.strategy_id or 'an order placed past us'} at {nearest.price:f}, {nearest.as_of.isoformat()}"
    return _finding("wash_trade", trade, policy.wash_trade, limit, value, found=True)


def spoofing(trade: Trade, policy: CompliancePolicy, activity: Activity) -> Finding:
    """Orders of ours that stood in the book for show: canceled soon, never filled."""
    placed, pulled = activity.orders_of_day, activity.pulled_of_day
    share = Decimal(pulled) / placed if placed else Decimal(0)
    return _finding(
        "spoofing",
        trade,
        policy.spoofing,
        f"{percent(policy.max_pulled_share)} of {policy.spoofing_min_orders} orders or more",
        f"{pulled} of {placed}",
        found=placed >= policy.spoofing_min_orders and share > policy.max_pulled_share,
    )


def unusual_size(trade: Trade, policy: CompliancePolicy, activity: Activity) -> Finding:
    """Far from what the symbol's trades of the week were worth on average; the trade itself is not part of that average."""
    low, high = policy.unusual_size_below, policy.unusual_size_above
    limit = f"{low:f} to {high:f} times the week's average"
    average = activity.average_of_week
    if average is None or average <= 0 or activity.trades_of_week < policy.unusual_size_min_trades:
        value = f"{activity.trades_of_week} other trades: too few to tell"
        return _finding("unusual_size", trade, policy.unusual_size, limit, value, found=False)
    ratio, quote = trade.notional / average, trade.symbol.partition("/")[2]
    value = f"{ratio:.2f} times {money(average, quote)}"
    return _finding("unusual_size", trade, policy.unusual_size, limit, value, found=not low <= ratio <= high)


def _reach(trade: Trade, share: Decimal) -> Decimal:
    """The worst price at which the trade may be executed, as far as can be said beforehand."""
    if trade.limit_price is not None:
        return trade.limit_price
    price = trade.trigger_price or trade.reference_price
    return price * (1 + share) if trade.side is Side.BUY else price * (1 - share)


def _finding(
    name: str,
    trade: Trade,
    consequence: Consequence,
    limit: str,
    value: str,
    *,
    found: bool,
    holds_for_sells: bool = False,
) -> Finding:
    refuses = consequence == "refuse" and (trade.side is Side.BUY or holds_for_sells)
    noted = value if refuses or not found else f"{value} ({'flagged' if consequence != 'ignore' else 'ignored'})"
    check = Check(name=name, limit=limit, value=noted, passed=not (found and refuses))
    return Finding(check, value if found and consequence != "ignore" else None)
