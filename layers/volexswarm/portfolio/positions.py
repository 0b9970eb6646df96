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
    """The position after a fill, and the P&L it realised (quote currency, net of fees in base and quote)."""
    with wide():
        position = replace(position, fees=position.fees + fee_in_quote(fill))
        return _buy(position, fill) if fill.side is Side.BUY else _sell(position, fill)


def fold(fills: Iterable[Fill]) -> tuple[Position, dict[str, Decimal]]:
    """The position after all fills of one symbol, and the P&L that each realised, by trade id. Any order will do."""
    position, realised = Position(), {}
    for fill in sorted(fills, key=exchange_order):
        position, realised[fill.trade_id] = apply_fill(position, fill)
    return position, realised


def received(purchase: Fill) -> Decimal:
    """Base currency that it brought."""
    return purchase.amount - _fee_in(_base(purchase), purchase)


def paid(purchase: Fill) -> Decimal:
    """Quote currency that it cost."""
    return purchase.price * purchase.amount + _fee_in(_quote(purchase), purchase)


def given(sale: Fill) -> Decimal:
    """Base currency that it took."""
    return sale.amount + _fee_in(_base(sale), sale)


def proceeds(sale: Fill) -> Decimal:
    """Quote currency that it brought."""
    return sale.price * sale.amount - _fee_in(_quote(sale), sale)


def fee_in_quote(fill: Fill) -> Decimal:
    """Its fee at its own price; a fee in a third currency has no price here: 0."""
    return _fee_in(_quote(fill), fill) + _fee_in(_base(fill), fill) * fill.price


def _buy(position: Position, fill: Fill) -> tuple[Position, Decimal]:
    amount = position.amount + received(fill)
    average = (position.amount * position.average_price + paid(fill)) / amount
    return replace(position, amount=amount, average_price=to_finest(average)), Decimal(0)


def _sell(position: Position, fill: Fill) -> tuple[Position, Decimal]:
    covered = min(given(fill), position.amount)
    realised = to_finest(proceeds(fill) * covered / given(fill) - position.average_price * covered)
    amount = position.amount - covered
    average = position.average_price if amount else Decimal(0)
    total = position.realised_pnl + realised
    return replace(position, amount=amount, average_price=average, realised_pnl=total), realised


def _fee_in(currency: str, fill: Fill) -> Decimal:
    return fill.fee if fill.fee_currency == currency else Decimal(0)


def _base(fill: Fill) -> str:
    return fill.symbol.split("/")[0]


def _quote(fill: Fill) -> str:
    return fill.symbol.split("/")[1]
