"""What is traded, the same in every chapter: one strategy that trades by itself, and a person's orders in the other symbols.

A strategy's trade is sized by the account's worth, so it goes first and alone; what a person asks for has its amount. So nothing
depends on the order in which messages of one round happen to be answered.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from volexswarm.desk.agent import Wish
from volexswarm.messages import OrderType, Protection, Quote, Side

TIMEFRAME: Final = "1m"
STEP: Final = 60
"""Market seconds per round: one candle."""
WARM_UP: Final = 60
"""Candles before the first round, enough for the strategy's indicators."""

STRATEGIC: Final = "BTC/USDT"
MANUAL: Final = ("ETH/USDT", "SOL/USDT", "BNB/USDT", "XRP/USDT", "ADA/USDT")
SYMBOLS: Final = (STRATEGIC, *MANUAL)
BALANCES: Final = ("USDT=1000000", "BTC=1", "ETH=20", "SOL=5000", "BNB=100", "XRP=100000", "ADA=100000")
RESTING: Final = "BNB/USDT"
"""Its orders are limits below or above the market: some are filled by later rounds, the others are canceled."""

TEMPLATE: Final = "bollinger"
PARAMETERS: Final = {"period": 10, "deviations": 1.0, "atr_period": 5, "stop_atr": 2.0}

_AMOUNTS: Final = {
    "ETH/USDT": Decimal("0.05"),
    "SOL/USDT": Decimal("1.2"),
    "BNB/USDT": Decimal("0.4"),
    "XRP/USDT": Decimal(400),
    "ADA/USDT": Decimal(500),
}
_AWAY: Final = Decimal("0.0004")
_ACROSS: Final = Decimal("0.002")
SLICED: Final = "SOL/USDT"
"""Some of its orders are too large for a minute's market: they go out in slices, one in each of the next rounds."""
_LARGE: Final = Decimal(50)
GUARDED: Final = "ADA/USDT"
"""What is bought of it has a stop far below, held by the exchange; each sale takes off what it needs, the rest is held anew."""
_FAR: Final = Decimal("0.5")
PATIENCE: Final = 2
"""Rounds after which a resting order is canceled."""


@dataclass(frozen=True)
class Ask:
    """A person's order, and the key under which it is asked for once however often it is sent."""

    wish: Wish
    key: str


def asks(number: int, quotes: dict[str, Quote]) -> Iterator[Ask]:
    """The orders of one round, at the quotes of its beginning."""
    chance = random.Random(f"round {number}")
    for symbol in MANUAL:
        side = chance.choice((Side.BUY, Side.SELL))
        amount = _AMOUNTS[symbol] * chance.randint(1, 2 if symbol == SLICED else 4)
        if symbol == SLICED and chance.random() < 0.3:
            amount *= _LARGE
        kind, price = _terms(symbol, side, quotes[symbol].mid, chance)
        guarded = symbol == GUARDED and side is Side.BUY
        stop = Protection(stop_price=_rounded(quotes[symbol].mid * _FAR)) if guarded else None
        yield Ask(Wish(symbol, side, amount, kind, price, protection=stop), f"round-{number}-{symbol}")


def _terms(symbol: str, side: Side, mid: Decimal, chance: random.Random) -> tuple[OrderType, Decimal | None]:
    better = 1 if side is Side.BUY else -1
    if symbol == RESTING:
        return OrderType.LIMIT, _rounded(mid * (1 - better * _AWAY))
    if symbol != SLICED and chance.random() < 0.3:
        return OrderType.LIMIT, _rounded(mid * (1 + better * _ACROSS))
    return OrderType.MARKET, None


def _rounded(price: Decimal) -> Decimal:
    """Four significant digits and one more: coarser than any market's price step here."""
    return Decimal(f"{price:.5g}").quantize(Decimal("0.0001") if price < 10 else Decimal("0.01"))
