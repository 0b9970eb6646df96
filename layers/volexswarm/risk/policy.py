"""The risk policy: every limit, as shares of equity so that it holds in any currency and at any size of account."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from volexswarm.policies import Share


class RiskPolicy(BaseModel):
    """Limits of one account. All shares are of equity unless said otherwise; days are UTC days of market time.

    Sizing: `risk_per_trade` is lost when a trade hits its stop; `volatility_target` is what the position may move in one candle's
    typical range; `max_trade` caps a trade that risk sizes itself; `default_stop` is the distance (share of price) assumed
    where no stop is given; `min_trade` is the size below which a trade is not worth its fees.
    Limits on buying: `max_per_symbol`, `max_gross_exposure` (pending buys count as held), `max_open_positions`,
    `max_daily_loss` since the day's start, `max_entries_per_day` buys, drawdown from the highest equity ever: past
    `soft_drawdown` sizes are multiplied by `soft_drawdown_scale`, at `hard_drawdown` buying ends.
    Selling: a strategy leaves alone what is worth no more than `dust`.
    `cost_buffer` is kept for fees and slippage on top of a buy's cost. `max_price_deviation` is how far the market may have gone
    from the price at which the trade was decided; `max_signal_age` seconds of wall time from signal to assessment.

    The defaults suit a newcomer's swarm: eight strategies for each of three symbols buy 20 to 30 times in an hour of the
    synthetic market, where nobody has an edge and fees decide. At 1 % of equity a trade they cost 1 to 2 % a day; at 5 % the
    drawdown would end all buying within three days of market time. `max_entries_per_day` stops a swarm that buys twice as often.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    risk_per_trade: Share = Decimal("0.02")
    volatility_target: Share = Decimal("0.01")
    max_trade: Share = Decimal("0.01")
    default_stop: Share = Decimal("0.02")
    min_trade: Share = Decimal("0.001")
    dust: Share = Decimal("0.0001")
    max_per_symbol: Share = Decimal("0.20")
    max_gross_exposure: Share = Decimal("0.80")
    max_open_positions: int = Field(default=10, ge=1)
    max_daily_loss: Share = Decimal("0.08")
    soft_drawdown: Share = Decimal("0.10")
    soft_drawdown_scale: Share = Decimal("0.5")
    hard_drawdown: Share = Decimal("0.20")
    max_entries_per_day: int = Field(default=1_000, ge=0)
    cost_buffer: Share = Decimal("0.005")
    max_price_deviation: Share = Decimal("0.03")
    max_signal_age: int = Field(default=900, gt=0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.soft_drawdown >= self.hard_drawdown:
            raise ValueError("soft_drawdown must be below hard_drawdown")
        if self.min_trade > self.max_trade:
            raise ValueError("min_trade must not be above max_trade")
        if self.max_per_symbol > self.max_gross_exposure:
            raise ValueError("max_per_symbol must not be above max_gross_exposure")
        return self
