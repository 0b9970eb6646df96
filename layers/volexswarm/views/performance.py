"""How the account has fared, as a person reads it: the equity over time, returns and ratios, and whose doing it was."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from pydantic import AwareDatetime

from volexswarm.messages import Money
from volexswarm.views.shape import Mode, View


class Period(StrEnum):
    """How far back from the newest valuation, in market time."""

    DAY = "1d"
    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"
    YEAR = "365d"
    ALL = "all"

    @property
    def span(self) -> timedelta | None:
        """None for all there is."""
        return None if self is Period.ALL else timedelta(days=int(self.value.removesuffix("d")))


class HistoryPoint(View):
    """Equity and cash at a moment of market time, and what a unit of the account was worth: transfers do not change that."""

    as_of: AwareDatetime
    equity: Money
    cash: Money
    worth: float


class EquityHistory(View):
    """The last valuation of each `step_seconds` of market time, oldest first, at most 500."""

    mode: Mode
    simulated: bool
    venue: str
    account: str
    valuation_currency: str
    period: Period
    step_seconds: float
    points: list[HistoryPoint]


class Figure(View):
    """A number, or null and the reason why there is none."""

    value: float | None
    reason: str | None


class Drawdown(View):
    """The deepest fall as a share of the peak before it. `recovered_at` is null while it lasts."""

    share: float
    peak_at: AwareDatetime
    trough_at: AwareDatetime
    recovered_at: AwareDatetime | None


class TradeFigures(View):
    """What the trades closed in the period say, in one quote currency, net of fees but for `other_fees`.

    A trade is a purchase order and the sale order that closed it, first in, first out; holding times are of market time.
    `other_fees` were charged in third currencies in the period: they have no price here and are in no other number.
    """

    currency: str
    count: int
    wins: int
    losses: int
    won: Money
    lost: Money
    largest_win: Money
    largest_loss: Money
    win_rate: Figure
    profit_factor: Figure
    expectancy: Figure
    average_win: Figure
    average_loss: Figure
    average_holding_seconds: Figure
    other_fees: dict[str, Money]


class Performance(View):
    """Returns and ratios of the period, as shares: 0.01 is one percent.

    Deposits and withdrawals (`net_flows`) are neither gain nor loss. Ratios count returns over `step_seconds` of market time, and
    years of 365 days: `periods_per_year` of them.
    """

    mode: Mode
    simulated: bool
    venue: str
    account: str
    valuation_currency: str
    period: Period
    since: AwareDatetime | None
    until: AwareDatetime | None
    step_seconds: float
    periods_per_year: float
    returns: int
    risk_free: float
    start_equity: Money | None
    end_equity: Money | None
    net_flows: Money
    simple_return: Figure
    time_weighted_return: Figure
    annual_return: Figure
    money_weighted_return: Figure
    money_weighted_annual: Figure
    volatility: Figure
    sharpe: Figure
    sortino: Figure
    calmar: Figure
    max_drawdown: Drawdown | None
    trades: list[TradeFigures]


class Share(View):
    """The result of one strategy, symbol or agent in one quote currency, by lots first in, first out.

    `realised` is net of `fees`, of what was closed in the period; `unrealised` of what is held, at the present price, null where
    there is none. `other_fees` were charged in third currencies and are in no other number.
    """

    key: str
    currency: str
    closed: int
    realised: Money
    fees: Money
    unrealised: Money | None
    other_fees: dict[str, Money]


class Attribution(View):
    """The result divided; `totals` by quote currency are the sums of the shares. What nobody here ordered is `outside`."""

    mode: Mode
    simulated: bool
    venue: str
    account: str
    by: str
    period: Period
    since: AwareDatetime | None
    shares: list[Share]
    totals: list[Share]
    missing: list[str]
