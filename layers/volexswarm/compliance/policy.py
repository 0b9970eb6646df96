"""The desk's rules as data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from volexswarm.compliance.model import Look
from volexswarm.messages import Money
from volexswarm.policies import Share

PositiveMoney = Annotated[Money, Field(gt=0)]

Consequence = Literal["refuse", "flag", "ignore"]
"""What a pattern leads to: a refusal (of buys) and a flag, a flag alone, or nothing."""


def _limits(dollars: int, bitcoin: int, ether: int) -> dict[str, Decimal]:
    amounts = dict.fromkeys(("USDT", "USDC", "USD", "EUR"), dollars) | {"BTC": bitcoin, "ETH": ether}
    return {currency: Decimal(amount) for currency, amount in amounts.items()}


class CompliancePolicy(BaseModel):
    """Rules of one account. Hours, days and weeks are the last 60 minutes, 24 hours and 7 days of market time.

    `allowed_venues` and `restricted_symbols` hold for every trade; a trade of `watched_symbols` passes and raises a flag.
    The other rules hold for buys, while sells only count towards them and may raise flags: a rule must not trap a position.
    `max_order_value` and `max_daily_value` are in the symbol's quote currency, by currency; where a currency has no limit,
    nothing is bought with it. `max_trades_per_hour` and `max_trades_per_day` are for each symbol.

    Patterns of our own trading, each with its consequence:

    - `own_order_match`: a trade that could meet an order of ours that stands on the other side of the book. A market order is
      taken to reach `wash_trade_price_share` beyond its decision price. This one refuses sells too: the order in the book can
      be canceled.
    - `wash_trade`: buying what another strategy sold (or the reverse) within `wash_trade_minutes` at a price no further away
      than `wash_trade_price_share`. Strategies that disagree do so by nature: the default flags it.
    - `spoofing`: of at least `spoofing_min_orders` limit orders of the symbol in a day, more than `max_pulled_share` were
      canceled without any fill within `spoofing_minutes` (wall time) of being sent.
    - `unusual_size`: a trade's value is above `unusual_size_above` or below `unusual_size_below` times the symbol's average of
      the week; asked once there are `unusual_size_min_trades` others.

    A flag that nobody has answered is escalated after `flag_escalation_hours` of wall time.

    The defaults are brakes for a swarm that has gone wild, well above one that has not: the eight default strategies of a
    symbol raise 10 to 20 signals in a market hour of the synthetic market, most of them on one-minute candles. With the default
    sizes of risk (1 % of equity a trade) an account of 100,000 USDT and three symbols turns over about a million a day.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    allowed_venues: tuple[str, ...] = ("binance",)
    restricted_symbols: tuple[str, ...] = ()
    watched_symbols: tuple[str, ...] = ()
    max_order_value: Mapping[str, PositiveMoney] = Field(default_factory=lambda: _limits(25_000, 1, 25))
    max_daily_value: Mapping[str, PositiveMoney] = Field(default_factory=lambda: _limits(2_000_000, 80, 2_000))
    max_trades_per_hour: int = Field(default=30, ge=0)
    max_trades_per_day: int = Field(default=500, ge=0)
    own_order_match: Consequence = "refuse"
    wash_trade: Consequence = "flag"
    wash_trade_minutes: int = Field(default=5, ge=0, le=1440)
    wash_trade_price_share: Share = Decimal("0.001")
    spoofing: Consequence = "refuse"
    spoofing_minutes: int = Field(default=5, ge=1, le=1440)
    spoofing_min_orders: int = Field(default=20, ge=1)
    max_pulled_share: Share = Decimal("0.5")
    unusual_size: Consequence = "flag"
    unusual_size_above: Money = Field(default=Decimal(5), gt=1)
    unusual_size_below: Money = Field(default=Decimal("0.2"), ge=0, lt=1)
    unusual_size_min_trades: int = Field(default=20, ge=1)
    flag_escalation_hours: int = Field(default=24, ge=1)

    @property
    def look(self) -> Look:
        """How far around a proposal these rules look."""
        return Look(wash=timedelta(minutes=self.wash_trade_minutes), pulled=timedelta(minutes=self.spoofing_minutes))
