"""Fits an order to what the venue takes: never more than was approved, never at a worse price."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_UP, Decimal
from typing import NamedTuple

from volexswarm.errors import Rejected
from volexswarm.execution.model import MarketRules, Order
from volexswarm.messages import Side


class Fitted(NamedTuple):
    """The terms of an order in the venue's steps."""

    amount: Decimal
    limit_price: Decimal | None
    trigger_price: Decimal | None


def fit(order: Order, rules: MarketRules) -> Fitted:
    """Amount rounded down to the step; limit and trigger price rounded down for a purchase, up for a sale.

    So no price is worse than was wanted, a stop is reached no later, and a limit stays on its side of the trigger.

    Raises
    ------
    Rejected
        If nothing is left, or it is less or more than the venue takes.
    """
    amount = _to_step(order.amount, rules.amount_step, ROUND_DOWN)
    limit_price = _price("limit", order.limit_price, order.side, rules)
    trigger_price = _price("trigger", order.trigger_price, order.side, rules)
    smallest = max(rules.min_amount or Decimal(0), rules.amount_step)
    if amount < smallest:
        raise Rejected(f"the amount {order.amount} is below the venue's minimum {smallest}")
    if rules.max_amount is not None and amount > rules.max_amount:
        raise Rejected(f"the amount {amount} is above the venue's maximum {rules.max_amount}")
    notional = amount * (limit_price or order.reference_price)
    if rules.min_notional is not None and notional < rules.min_notional:
        raise Rejected(f"the order's value {notional.normalize():f} is below the venue's minimum {rules.min_notional}")
    return Fitted(amount, limit_price, trigger_price)


def _price(name: str, wanted: Decimal | None, side: Side, rules: MarketRules) -> Decimal | None:
    if wanted is None:
        return None
    price = _to_step(wanted, rules.price_step, ROUND_DOWN if side is Side.BUY else ROUND_UP)
    if not price:
        raise Rejected(f"the {name} price {wanted} is below the venue's step {rules.price_step}")
    return price


def _to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return (value / step).to_integral_value(rounding) * step
