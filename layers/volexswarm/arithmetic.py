"""Decimal contexts for money: Python's own one rounds silently at 28 digits, which a price times an amount can exceed.

Nor is it the same in every process: ccxt sets another way of rounding when it is imported. What is rounded is rounded in here.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext

_EXACT = Context(prec=120, traps=[Inexact, InvalidOperation, Overflow, DivisionByZero])
_WIDE = Context(prec=60, traps=[InvalidOperation, Overflow, DivisionByZero])
_FINEST = Decimal(1).scaleb(-18)


def exact() -> AbstractContextManager[Context]:
    """Within the block no digit is ever lost: an operation that would round raises decimal.Inexact."""
    return localcontext(_EXACT)


def wide() -> AbstractContextManager[Context]:
    """Within the block divisions keep 60 digits: for averages and valuations, never for balances."""
    return localcontext(_WIDE)


def to_finest(value: Decimal) -> Decimal:
    """Rounded half-even to 18 decimals, without trailing zeros."""
    with wide():
        rounded = value.quantize(_FINEST)
        return rounded.normalize() if rounded else Decimal(0)
