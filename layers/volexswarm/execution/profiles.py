"""How large orders are worked: in how many slices, how far apart, and at what worst price. Pure.

A profile is chosen by volatility, liquidity and size. Liquidity is judged by participation, the order's value as a share of what
is traded in an average minute: liquidity = 1 / (1 + participation), so that 0.5 is an order as large as all of that minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Final, Literal

from volexswarm.messages import Side

ProfileName = Literal["default", "aggressive", "conservative"]

_ONE = Decimal(1)
_VOLATILE: Final = 0.02
_CALM: Final = 0.005
_ILLIQUID: Final = Decimal("0.5")
_LIQUID: Final = Decimal("0.9")
_MOST_SLICES: Final = 60


@dataclass(frozen=True)
class Profile:
    """`participation` is the most of an average minute's value that one slice takes; `interval` of market time lies between two
    slices; `tolerance` is how far beyond the decision price the worst price lies, as a share of it.
    """

    name: ProfileName
    participation: Decimal
    interval: timedelta
    tolerance: Decimal


PROFILES: Final[dict[ProfileName, Profile]] = {
    "default": Profile("default", Decimal("0.10"), timedelta(minutes=1), Decimal("0.010")),
    "aggressive": Profile("aggressive", Decimal("0.20"), timedelta(seconds=30), Decimal("0.020")),
    "conservative": Profile("conservative", Decimal("0.05"), timedelta(minutes=2), Decimal("0.005")),
}


@dataclass(frozen=True)
class Way:
    """How an order is to be worked, and why in words. One slice: it goes out whole, as it was approved."""

    profile: Profile
    slices: int
    worst_price: Decimal
    reason: str


def liquidity(value: Decimal, traded_per_minute: Decimal) -> Decimal:
    """1 where the order is nothing beside an average minute's value, 0.5 where it is all of it. Values in quote, > 0."""
    return _ONE / (_ONE + value / traded_per_minute)


def choose(volatility: float | None, liquid: Decimal) -> Profile:
    """Careful where prices jump or the order would be most of the market; fast where neither is so.

    `volatility` is a typical candle's range as a share of the price; None if it is not known.
    """
    if liquid < _ILLIQUID or (volatility is not None and volatility > _VOLATILE):
        return PROFILES["conservative"]
    if liquid > _LIQUID and volatility is not None and volatility <= _CALM:
        return PROFILES["aggressive"]
    return PROFILES["default"]


def way(
    side: Side,
    value: Decimal,
    decision_price: Decimal,
    volatility: float | None,
    traded_per_minute: Decimal | None,
    smallest: Decimal = Decimal(0),
) -> Way:
    """How to work an order of this value (quote), in no slice of less than `smallest` (quote).

    Where it is not known what is traded in a minute (None), nothing is sliced.
    """
    if not traded_per_minute:
        profile = PROFILES["default"]
        return Way(profile, 1, _worst(side, decision_price, profile), "what is traded in a minute is not known")
    liquid = liquidity(value, traded_per_minute)
    profile = choose(volatility, liquid)
    wanted = (value / (traded_per_minute * profile.participation)).to_integral_value(ROUND_CEILING)
    most = int(value / smallest) if smallest else _MOST_SLICES
    slices = max(1, min(_MOST_SLICES, most, int(wanted)))
    reason = f"{profile.name}: {value / traded_per_minute * 100:.1f} % of what is traded in a minute"
    return Way(profile, slices, _worst(side, decision_price, profile), reason)


def _worst(side: Side, decision_price: Decimal, profile: Profile) -> Decimal:
    return decision_price * (_ONE + profile.tolerance if side is Side.BUY else _ONE - profile.tolerance)
