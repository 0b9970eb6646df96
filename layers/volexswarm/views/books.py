"""The books as a person reads them: balances, positions, equity, own fills."""

from __future__ import annotations

from pydantic import AwareDatetime

from volexswarm.messages import Money, Side
from volexswarm.views.shape import Mode, View


class Balance(View):
    """What the exchange holds for the account, after the ledger."""

    currency: str
    amount: Money


class Position(View):
    """Holding of one symbol at average cost, fees included; money in the symbol's quote currency.

    `mark` is the last trade's price, at `mark_as_of`. Without one, mark and unrealised P&L are null and `missing` says why.
    """

    symbol: str
    quote_currency: str
    amount: Money
    average_price: Money
    realised_pnl: Money
    fees: Money
    mark: Money | None
    mark_as_of: AwareDatetime | None
    unrealised_pnl: Money | None
    missing: str | None
    updated_at: AwareDatetime


class Positions(View):
    """Every symbol ever held."""

    mode: Mode
    simulated: bool
    positions: list[Position]


class EquityPoint(View):
    """Equity and cash in the valuation currency at a moment of market time."""

    as_of: AwareDatetime
    equity: Money
    cash: Money
    taken_at: AwareDatetime


class Portfolio(View):
    """The account's whole. Numbers that can't be had are null, and `missing` says which and why.

    `realised_pnl` and `fees` by quote currency; `latest` and `first` are the newest and the oldest valuation.
    """

    mode: Mode
    simulated: bool
    venue: str
    account: str
    opened_at: AwareDatetime | None
    valuation_currency: str
    equity: Money | None
    latest: EquityPoint | None
    first: EquityPoint | None
    change: Money | None
    balances: list[Balance]
    positions: list[Position]
    realised_pnl: dict[str, Money]
    fees: dict[str, Money]
    missing: list[str]


class Fill(View):
    """One of the account's own trades. `order_id` is null if the exchange knows its order and we do not."""

    trade_id: str
    order_id: str | None
    exchange_order_id: str
    strategy_id: str | None
    symbol: str
    side: Side
    price: Money
    amount: Money
    notional: Money
    fee: Money
    fee_currency: str
    is_maker: bool | None
    realised_pnl: Money
    simulated: bool
    as_of: AwareDatetime
    applied_at: AwareDatetime
    correlation_id: str
