"""The risk policy: every limit, as shares of equity so that it holds in any currency and at any size of account."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from volexswarm.messages import Money
from volexswarm.policies import Share

Multiple = Annotated[Money, Field(gt=0, le=1_000)]
"""A factor: 2 is twice."""

Asset = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,20}$")]
Sector = Annotated[str, Field(min_length=1, max_length=40)]


class RiskPolicy(BaseModel):
    """Limits of one account. All shares are of equity unless said otherwise; hours, days, weeks and months are of UTC
    and market time.

    Sizing: `risk_per_trade` is lost when a trade hits its stop; `volatility_target` is what the position may move in one candle's
    typical range; `max_trade` caps a trade that risk sizes itself; `min_trade` is the size below which a trade is not worth its
    fees (what makes trades smaller makes this smaller, too).
    With `use_kelly` no more is risked to the stop than `kelly_fraction` of what Kelly's criterion says by the strategy's
    own closed trades, at most `kelly_cap`, once there are `kelly_min_trades`; nothing, if only too few of those paid all their
    fees in currencies of their own, for then the odds are not known. What risk sizes is multiplied by `bear_scale` while
    the symbol's price is below the average of its last `bear_hours` hourly closes, and by `high_volatility_scale` while the
    volatility of its last 24 hourly returns is above `high_volatility` times that of all `history_days`.

    Stops: `stop_method` says where a strategy's trade is given up. `strategy`: where the strategy says; `percent`: `default_stop`
    (share of price) away; `atr`: `stop_atr_multiple` average true ranges of `stop_atr_periods` candles away; `structure`: at the
    lowest low of `stop_structure_candles` candles. Where a method has no answer `default_stop` holds. Distances are kept between
    `min_stop` and `max_stop` (shares of price). With `protect` every buy carries the stop, a take-profit at `take_profit_r` times
    the stop's distance, a trailing stop `trailing_share` below the best price, and an end after `max_holding` seconds of market
    time, each unless it is null. What a person wants instead stands.

    Limits on buying: `max_per_symbol` (of one asset), `max_per_sector` (`sectors` maps assets to theirs), `max_per_cluster` (of
    assets whose hourly returns over `history_days` are correlated by ±`correlation_limit` or beyond, directly or through
    other markets), `max_gross_exposure` and `max_net_exposure` of everything but the valuation currency, `max_leverage` times the
    equity; what pending trades bring in counts as held, and a sale paid in anything but that currency is bound by them, too.
    `max_open_positions`, `max_entries_per_day`. `max_daily_loss`, `max_weekly_loss`,
    `max_monthly_loss` since the period began; drawdown from the highest equity ever: past `soft_drawdown` sizes are multiplied by
    `soft_drawdown_scale`, at `hard_drawdown` buying ends. Deposits and withdrawals are neither gain nor loss. `max_var` and
    `max_cvar` bound the loss of one day that is exceeded with probability 1 − `var_confidence`, and the mean loss beyond it, by
    the hourly returns of what is held over `history_days`. With fewer than `min_history_hours` of them `short_history` decides:
    `skip` lets the trade pass and says so, `refuse` does not.

    Circuit breakers, each off if null, stop buying for `breaker_cooldown` seconds of market time; then one trade, `probe_scale`
    of a usual one, decides whether they close again or stay open for twice as long, `breaker_max_cooldown` at most.
    `breaker_price_move`: share by which the price has gone from any price of the last `breaker_window` minutes;
    `breaker_volatility`: multiple of the usual volatility in that window; `breaker_spread`: share of the price between bid and
    ask; `breaker_stale_data`: seconds of wall time since the last quote; `breaker_exchange_errors`: orders without an answer from
    the exchange in the last `breaker_errors_window` minutes (wall time); `breaker_disagreement`: share of the strategies that
    spoke on the symbol in the window and want the opposite, where at least `breaker_voices` spoke.

    Selling: a strategy leaves alone what is worth no more than `dust`. `cost_buffer` is kept for fees and slippage on top of a
    buy's cost. `max_price_deviation` is how far the market may have gone from the price at which the trade was decided,
    and how much worse than the market a limit price may be; `max_signal_age` seconds of wall time from signal to assessment.

    The defaults suit a newcomer's swarm: eight strategies for each of three symbols buy 20 to 30 times in an hour of the
    synthetic market, where nobody has an edge and fees decide. At 1 % of equity a trade they cost 1 to 2 % a day; at 5 % the
    drawdown would end all buying within three days of market time. `max_entries_per_day` stops a swarm that buys twice as often.
    Kelly is off, for it rightly bets nothing where nobody has an edge.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    risk_per_trade: Share = Decimal("0.02")
    volatility_target: Share = Decimal("0.01")
    max_trade: Share = Decimal("0.01")
    min_trade: Share = Decimal("0.001")
    use_kelly: bool = False
    kelly_fraction: Share = Decimal("0.25")
    kelly_cap: Share = Decimal("0.10")
    kelly_min_trades: int = Field(default=30, ge=2)
    bear_hours: int = Field(default=168, ge=2)
    bear_scale: Share = Decimal("0.5")
    high_volatility: Multiple = Decimal("1.5")
    high_volatility_scale: Share = Decimal("0.7")

    stop_method: Literal["strategy", "percent", "atr", "structure"] = "strategy"
    default_stop: Share = Decimal("0.02")
    stop_atr_periods: int = Field(default=14, ge=2, le=200)
    stop_atr_multiple: Multiple = Decimal(2)
    stop_structure_candles: int = Field(default=20, ge=2, le=500)
    min_stop: Share = Decimal("0.005")
    max_stop: Share = Decimal(1)
    protect: bool = True
    take_profit_r: Multiple | None = Decimal(2)
    trailing_share: Annotated[Money, Field(gt=0, lt=1)] | None = None
    max_holding: int | None = Field(default=None, gt=0)

    max_per_symbol: Share = Decimal("0.20")
    sectors: dict[Asset, Sector] = Field(default_factory=dict)
    max_per_sector: Share = Decimal("0.40")
    correlation_limit: Share = Decimal("0.7")
    max_per_cluster: Share = Decimal("0.60")
    max_gross_exposure: Share = Decimal("0.80")
    max_net_exposure: Share = Decimal(1)
    max_leverage: Multiple = Decimal(1)
    max_open_positions: int = Field(default=10, ge=1)
    max_entries_per_day: int = Field(default=1_000, ge=0)
    max_daily_loss: Share = Decimal("0.08")
    max_weekly_loss: Share = Decimal("0.15")
    max_monthly_loss: Share = Decimal("0.20")
    soft_drawdown: Share = Decimal("0.10")
    soft_drawdown_scale: Share = Decimal("0.5")
    hard_drawdown: Share = Decimal("0.20")
    max_var: Share = Decimal("0.15")
    max_cvar: Share = Decimal("0.20")
    var_confidence: Annotated[Money, Field(ge=Decimal("0.5"), lt=1)] = Decimal("0.95")
    history_days: int = Field(default=14, ge=1, le=90)
    min_history_hours: int = Field(default=48, ge=24)
    short_history: Literal["skip", "refuse"] = "skip"

    breaker_price_move: Share | None = Decimal("0.10")
    breaker_volatility: Multiple | None = Decimal(10)
    breaker_spread: Share | None = Decimal("0.01")
    breaker_stale_data: int | None = Field(default=60, gt=0)
    breaker_exchange_errors: int | None = Field(default=5, ge=1)
    breaker_disagreement: Share | None = Decimal("0.75")
    breaker_voices: int = Field(default=4, ge=2)
    breaker_window: int = Field(default=15, ge=2, le=1_440)
    breaker_errors_window: int = Field(default=10, ge=1, le=1_440)
    breaker_cooldown: int = Field(default=300, gt=0)
    breaker_max_cooldown: int = Field(default=86_400, gt=0)
    probe_scale: Share = Decimal("0.25")

    dust: Share = Decimal("0.0001")
    cost_buffer: Share = Decimal("0.005")
    max_price_deviation: Share = Decimal("0.03")
    max_signal_age: int = Field(default=900, gt=0)

    @property
    def history_hours(self) -> int:
        return self.history_days * 24

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _must_not_exceed(self, ("min_trade", "max_trade"), ("max_per_symbol", "max_gross_exposure"))
        _must_not_exceed(self, ("min_stop", "max_stop"), ("breaker_cooldown", "breaker_max_cooldown"))
        if self.soft_drawdown >= self.hard_drawdown:
            raise ValueError("soft_drawdown must be below hard_drawdown")
        if self.max_var > self.max_cvar:
            raise ValueError("max_var must not be above max_cvar")
        if self.min_history_hours > self.history_hours:
            raise ValueError("min_history_hours must not be above history_days")
        return self


def _must_not_exceed(policy: RiskPolicy, *pairs: tuple[str, str]) -> None:
    for lower, upper in pairs:
        if getattr(policy, lower) > getattr(policy, upper):
            raise ValueError(f"{lower} must not be above {upper}")
