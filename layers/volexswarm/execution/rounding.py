"""Fits an order to what the venue takes: never more than was approved, never at a worse price."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_UP, Decimal

from volexswarm.errors import Rejected
from volexswarm.execution.model import MarketRules, Order
from volexswarm.messages import Side


def fit(order: Order, rules: MarketRules) -> tuple[Decimal, Decimal | None]:
    """Amount rounded down to the step; limit price rounded down for a purchase, up for a sale.

    Raises
    ------
    Rejected
        If nothing is left, or it is less or more than the venue takes.
    """
    amount = _to_step(order.amount, rules.amount_step, ROUND_DOWN)
    price = order.limit_price
    if price is not None:
        price = _to_step(price, rules.price_step, ROUND_DOWN if order.side is Side.BUY else ROUND_UP)
        if not price:
            raise Rejected(f"the limit price {order.limit_price} is below the venue's step {rules.price_step}")
    smallest = max(rules.min_amount or Decimal(0), rules.amount_step)
    if amount < smallest:
        raise Rejected(f"the amount {order.amount} is below the venue's minimum {smallest}")
    if rules.max_amount is not None and amount > rules.max_amount:
        raise Rejected(f"the amount {amount} is above the venue's maximum {rules.max_amount}")
    notional = amount * (price or order.reference_price)
    if rules.min_notional is not None and notional < rules.min_notional:
        raise Rejected(f"the order's value {notional.normalize():f} is below the venue's minimum {rules.min_notional}")
    return amount, price


def _to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return (value / step).to_integral_value(rounding) * step
