"""What risk looks at: what the account holds and has promised, and how it has fared."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Self

from volexswarm.arithmetic import wide
from volexswarm.messages import Side

ZERO = Decimal(0)


def currencies(symbol: str) -> tuple[str, str]:
    """Base and quote of a symbol such as `BTC/USDT`."""
    base, _, quote = symbol.partition("/")
    return base, quote


def brought_in(symbol: str, side: Side) -> str:
    """What a trade brings into the account: the base that is bought, or the quote that a sale is paid in."""
    base, quote = currencies(symbol)
    return base if side is Side.BUY else quote


@dataclass(frozen=True)
class Pending:
    """A trade that was proposed, is not refused, and whose order is not final: it binds what is not executed yet.

    `amount` what may still be executed, in base; `price` what a unit of it counts as (`Trade.counted_price`).
    """

    symbol: str
    side: Side
    amount: Decimal
    price: Decimal

    @property
    def base(self) -> str:
        return currencies(self.symbol)[0]

    @property
    def quote(self) -> str:
        return currencies(self.symbol)[1]

    @property
    def brings(self) -> tuple[str, Decimal]:
        """What it will bring into the account, and how much of that."""
        return brought_in(self.symbol, self.side), self.amount if self.side is Side.BUY else self.amount * self.price

    @property
    def takes(self) -> tuple[str, Decimal]:
        """What it will take out of the account, and how much of that."""
        return (self.base, self.amount) if self.side is Side.SELL else (self.quote, self.amount * self.price)


@dataclass(frozen=True)
class Holdings:
    """The books at one moment: what the exchange holds for us by currency, the symbol's position, and what is pending.

    `mode` is what money the books were opened for: `simulated`, `paper`, `sandbox` or `live`. `units` is what the account was
    divided into when it was valued last, None before that; `flows` what came and went from outside since, by asset: it is part of
    `assets`, and not of the units.
    """

    mode: str
    assets: Mapping[str, Decimal]
    position: Decimal
    pending: tuple[Pending, ...]
    units: Decimal | None
    flows: Mapping[str, Decimal]

    def currencies(self) -> set[str]:
        """Everything that needs a price before equity and exposure are known."""
        return {asset for asset, amount in self.assets.items() if amount} | self.brought()

    def brought(self) -> set[str]:
        """What pending trades will bring in."""
        return {pending.brings[0] for pending in self.pending}

    def without(self, assets: Collection[str]) -> Holdings:
        """The same, as if nothing were held of some assets."""
        if not assets:
            return self
        return replace(self, assets={asset: amount for asset, amount in self.assets.items() if asset not in assets})

    def committed(self) -> dict[str, Decimal]:
        """How much of each asset is held or on its way in, where it is not 0; what goes counts until it is gone."""
        amounts = dict(self.assets)
        for pending in self.pending:
            asset, amount = pending.brings
            amounts[asset] = amounts.get(asset, ZERO) + amount
        return amounts if all(amounts.values()) else {asset: amount for asset, amount in amounts.items() if amount}

    def coming(self, asset: str) -> Decimal:
        """What pending trades bring of an asset, at their prices: it is bought, or something else is sold for it."""
        return sum((amount for brought, amount in (p.brings for p in self.pending) if brought == asset), ZERO)

    def leaving(self, asset: str) -> Decimal:
        """What pending trades take of an asset, at their prices: it is sold, or something else is bought with it."""
        return sum((amount for taken, amount in (p.takes for p in self.pending) if taken == asset), ZERO)

    def sellable(self, symbol: str) -> Decimal:
        """What of the symbol's base is free; never negative."""
        return self.free(currencies(symbol)[0])

    def free(self, asset: str) -> Decimal:
        """What of an asset is held and not already being sold or spent; never negative."""
        return max(ZERO, self.assets.get(asset, ZERO) - self.leaving(asset))

    def sellable_position(self, symbol: str) -> Decimal:
        """What of the symbol's own position is not already being sold, as far as it is still held; never negative."""
        selling = sum((p.amount for p in self.pending if p.side is Side.SELL and p.symbol == symbol), ZERO)
        return max(ZERO, min(self.position - selling, self.sellable(symbol)))


@dataclass(frozen=True)
class Periods:
    """When the day, the week (from Monday) and the month began that hold a moment of market time, in UTC."""

    day: datetime
    week: datetime
    month: datetime

    @classmethod
    def at(cls, moment: datetime) -> Self:
        day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return cls(day, day - timedelta(days=day.weekday()), day.replace(day=1))


@dataclass(frozen=True)
class History:
    """How the account has fared, in the valuation currency; None where nothing was recorded yet.

    `peak` highest equity ever recorded; `day_start`, `week_start` and `month_start` equity when the market's day, week and month
    began: each with what was deposited since added and what was withdrawn taken off, so that it compares with the present equity.
    `entries` buys proposed this market day and not refused.
    """

    peak: Decimal | None
    day_start: Decimal | None
    week_start: Decimal | None
    month_start: Decimal | None
    entries: int


@dataclass(frozen=True)
class Worths:
    """What a unit of the account was worth, in the valuation currency; None where nothing was recorded yet.

    `peak` highest ever; `day_start`, `week_start` and `month_start` when the market's day, week and month began; `last` when
    there were units for the last time. `entries` as in `History`.
    """

    peak: Decimal | None
    day_start: Decimal | None
    week_start: Decimal | None
    month_start: Decimal | None
    last: Decimal | None
    entries: int

    def of(self, units: Decimal | None) -> History:
        """How an account of so many units has fared. None: it was never valued."""

        def times(worth: Decimal | None) -> Decimal | None:
            return None if worth is None or units is None else worth * units

        with wide():
            starts = times(self.day_start), times(self.week_start), times(self.month_start)
            return History(times(self.peak), *starts, self.entries)


@dataclass(frozen=True)
class Bar:
    """A closed candle, in quote per base."""

    high: Decimal
    low: Decimal
    close: Decimal


@dataclass(frozen=True)
class Surroundings:
    """What goes on around a trade: the side that each strategy wanted last, and orders that got no answer from the exchange."""

    voices: Mapping[str, Side]
    exchange_errors: int
