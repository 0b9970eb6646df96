"""The desk's rules as data."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from volexswarm.messages import Money

PositiveMoney = Annotated[Money, Field(gt=0)]


def _limits(dollars: int, bitcoin: int, ether: int) -> dict[str, Decimal]:
    amounts = dict.fromkeys(("USDT", "USDC", "USD", "EUR"), dollars) | {"BTC": bitcoin, "ETH": ether}
    return {currency: Decimal(amount) for currency, amount in amounts.items()}


class CompliancePolicy(BaseModel):
    """Rules of one account. Hours and days are the last 60 minutes and 24 hours of market time.

    `allowed_venues` and `restricted_symbols` hold for every trade. The other rules hold for buys, while sells only count
    towards them: a rule must not trap a position. `max_order_value` and `max_daily_value` are in the symbol's quote
    currency, by currency; where a currency has no limit, nothing is bought with it. `max_trades_per_hour` and
    `max_trades_per_day` are for each symbol.

    The defaults are brakes for a swarm that has gone wild, well above one that has not: the eight default strategies of a
    symbol raise 10 to 20 signals in a market hour of the synthetic market, most of them on one-minute candles. With the default
    sizes of risk (1 % of equity a trade) an account of 100,000 USDT and three symbols turns over about a million a day.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    allowed_venues: tuple[str, ...] = ("binance",)
    restricted_symbols: tuple[str, ...] = ()
    max_order_value: Mapping[str, PositiveMoney] = Field(default_factory=lambda: _limits(25_000, 1, 25))
    max_daily_value: Mapping[str, PositiveMoney] = Field(default_factory=lambda: _limits(2_000_000, 80, 2_000))
    max_trades_per_hour: int = Field(default=30, ge=0)
    max_trades_per_day: int = Field(default=500, ge=0)
