"""Positions at average cost, fees included, folded from fills in the exchange's order.

A sale beyond what was bought through trades comes out of coins whose cost nobody told us (the opening balance): it realises
no P&L, and the position ends flat, not negative.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from volexswarm.arithmetic import to_finest, wide
from volexswarm.messages import Side
from volexswarm.portfolio.model import Position
from volexswarm.ports import Fill


def exchange_order(fill: Fill) -> tuple[datetime, int, str]:
    """Sorting key: by time, then by trade id; a longer number is the later one."""
    return fill.as_of, len(fill.trade_id), fill.trade_id


def apply_fill(position: Position, fill: Fill) -> tuple[Position, Decimal]:
    """The position after a fill, and the P&L it realised (quote currency, net of fees)."""
    with wide():
        position = replace(position, fees=position.fees + _fee_in_quote(fill))
        return _buy(position, fill) if fill.side is Side.BUY else _sell(position, fill)


def fold(fills: Iterable[Fill]) -> tuple[Position, dict[str, Decimal]]:
    """The position after all fills of one symbol, and the P&L that each realised, by trade id. Any order will do."""
    position, realised = Position(), {}
    for fill in sorted(fills, key=exchange_order):
        position, realised[fill.trade_id] = apply_fill(position, fill)
    return position, realised


def _buy(position: Position, fill: Fill) -> tuple[Position, Decimal]:
    base, quote = fill.symbol.split("/")
    received = fill.amount - (fill.fee if fill.fee_currency == base else 0)
    paid = fill.price * fill.amount + (fill.fee if fill.fee_currency == quote else 0)
    amount = position.amount + received
    average = (position.amount * position.average_price + paid) / amount
    return replace(position, amount=amount, average_price=to_finest(average)), Decimal(0)


def _sell(position: Position, fill: Fill) -> tuple[Position, Decimal]:
    base, quote = fill.symbol.split("/")
    given = fill.amount + (fill.fee if fill.fee_currency == base else 0)
    proceeds = fill.price * fill.amount - (fill.fee if fill.fee_currency == quote else 0)
    covered = min(given, position.amount)
    realised = to_finest(proceeds * covered / given - position.average_price * covered)
    amount = position.amount - covered
    average = position.average_price if amount else Decimal(0)
    total = position.realised_pnl + realised
    return replace(position, amount=amount, average_price=average, realised_pnl=total), realised


def _fee_in_quote(fill: Fill) -> Decimal:
    base, quote = fill.symbol.split("/")
    return fill.fee * {quote: Decimal(1), base: fill.price}.get(fill.fee_currency, Decimal(0))
