"""First in, first out: which purchase each sale closes, and what is still held of each.

The same rules as positions at average cost: fees in base or quote are part of cost and proceeds, and what is sold beyond what was
bought through trades closes nothing. Nothing is lost in splitting: the parts' costs and proceeds add up to the whole's, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from volexswarm.arithmetic import exact, to_finest, wide
from volexswarm.messages import Side
from volexswarm.portfolio.positions import exchange_order, fee_in_quote, given, paid, proceeds, received
from volexswarm.ports import Fill

ZERO = Decimal(0)


@dataclass(frozen=True)
class Lot:
    """What is still held of one purchase: `amount` in base; `cost` (fees included) and `fees` in quote currency."""

    trade_id: str
    opened_at: datetime
    amount: Decimal
    cost: Decimal
    fees: Decimal


@dataclass(frozen=True)
class Closing:
    """How much of a purchase a sale closed: `amount` in base, the rest in quote currency; ids are those of the two fills.

    `cost` includes the purchase's fees and `proceeds` are net of the sale's; `fees` are both of them.
    """

    entry_id: str
    exit_id: str
    opened_at: datetime
    closed_at: datetime
    amount: Decimal
    cost: Decimal
    proceeds: Decimal
    fees: Decimal

    @property
    def realised(self) -> Decimal:
        """Gain or loss, net of `fees`: of those in base and quote."""
        with exact():
            return self.proceeds - self.cost

    @property
    def held(self) -> timedelta:
        return self.closed_at - self.opened_at


def apply_fill(lots: Sequence[Lot], fill: Fill) -> tuple[list[Lot], list[Closing]]:
    """The lots (oldest first) after a fill that comes after all that made them, and what it closed."""
    if fill.side is Side.BUY:
        return [*lots, _bought(fill)], []
    return _sell(lots, fill)


def match(fills: Iterable[Fill]) -> tuple[list[Lot], list[Closing]]:
    """Lots and closings of all fills of one symbol. Any order will do."""
    lots: list[Lot] = []
    closings: list[Closing] = []
    for fill in sorted(fills, key=exchange_order):
        lots, closed = apply_fill(lots, fill)
        closings += closed
    return lots, closings


def left_of(purchase: Fill, sold: Iterable[Decimal]) -> Lot:
    """What is left of a purchase that was never sold out, after these parts of it were, oldest first."""
    lot: Lot | None = _bought(purchase)
    with wide():
        for amount in sold:
            assert lot is not None  # something is left in the end
            lot = _split(lot, amount)[1]
    assert lot is not None
    return lot


def total(lots: Iterable[Lot]) -> Decimal:
    """Base currency in all of them."""
    with exact():
        return sum((lot.amount for lot in lots), ZERO)


def _bought(fill: Fill) -> Lot:
    with wide():
        return Lot(fill.trade_id, fill.as_of, received(fill), paid(fill), fee_in_quote(fill))


@dataclass
class _Sale:
    """What of a sale is not matched yet. Shares are of what is left, so that the last part takes all of it."""

    amount: Decimal
    proceeds: Decimal
    fees: Decimal

    def take(self, amount: Decimal) -> tuple[Decimal, Decimal]:
        """Proceeds and fees of a part."""
        part = _share(self.proceeds, amount, self.amount), _share(self.fees, amount, self.amount)
        self.amount -= amount
        self.proceeds -= part[0]
        self.fees -= part[1]
        return part


def _sell(lots: Sequence[Lot], fill: Fill) -> tuple[list[Lot], list[Closing]]:
    left, closings = list(lots), []
    with wide():
        sale = _Sale(given(fill), proceeds(fill), fee_in_quote(fill))
        while left and sale.amount > 0:
            lot = left.pop(0)
            part, rest = _split(lot, min(lot.amount, sale.amount))
            income, fees = sale.take(part.amount)
            closings.append(_closing(part, fill, income, fees))
            if rest is not None:
                left.insert(0, rest)
    return left, closings


def _closing(part: Lot, fill: Fill, income: Decimal, fees: Decimal) -> Closing:
    return Closing(
        entry_id=part.trade_id,
        exit_id=fill.trade_id,
        opened_at=part.opened_at,
        closed_at=fill.as_of,
        amount=part.amount,
        cost=part.cost,
        proceeds=income,
        fees=part.fees + fees,
    )


def _split(lot: Lot, amount: Decimal) -> tuple[Lot, Lot | None]:
    if amount == lot.amount:
        return lot, None
    cost, fees = _share(lot.cost, amount, lot.amount), _share(lot.fees, amount, lot.amount)
    part = replace(lot, amount=amount, cost=cost, fees=fees)
    return part, replace(lot, amount=lot.amount - amount, cost=lot.cost - cost, fees=lot.fees - fees)


def _share(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
    return whole if part == of else to_finest(whole * part / of)
