"""The books as a person reads them: balances, positions, equity, own fills."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from volexswarm.messages import Money, Side
from volexswarm.views.shape import Mode, View


class Balance(View):
    """What the exchange holds for the account, after the ledger, and where it came from.

    `amount` is what was brought in (opening, deposits, withdrawals) and what trading brought or took, less the fees.
    """

    currency: str
    amount: Money
    brought_in: Money
    traded: Money
    fees: Money


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

    `realised_pnl`, `unrealised_pnl` and `fees` by quote currency, as far as they have a price there; `fees_by_asset` are all fees
    ever charged, in what they were charged in. `equity` and `cash` are those of `equity_as_of` in market time: by `last trades`,
    which mark the positions too, or, where one is missing, of the newest `valuation`. `first` and `latest` are the oldest and
    the newest valuation, `net_transfers` what came less what went since the first, and `change` the rest of the difference
    between it and `equity`: the gain or loss.
    """

    mode: Mode
    simulated: bool
    venue: str
    account: str
    opened_at: AwareDatetime | None
    valuation_currency: str
    equity: Money | None
    cash: Money | None
    equity_as_of: AwareDatetime | None
    equity_by: Literal["last trades", "valuation"] | None
    latest: EquityPoint | None
    first: EquityPoint | None
    net_transfers: Money | None
    change: Money | None
    balances: list[Balance]
    positions: list[Position]
    realised_pnl: dict[str, Money]
    unrealised_pnl: dict[str, Money]
    fees: dict[str, Money]
    fees_by_asset: dict[str, Money]
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


class Lot(View):
    """What is still held of one purchase. Money in quote currency; `cost` includes fees.

    Without a last trade's price `mark` and `unrealised_pnl` are null. `strategy_id` is null if the purchase was none of ours.
    """

    symbol: str
    trade_id: str
    order_id: str | None
    strategy_id: str | None
    amount: Money
    cost: Money
    average_price: Money
    mark: Money | None
    unrealised_pnl: Money | None
    simulated: bool
    opened_at: AwareDatetime


class Transfer(View):
    """Money that came (`amount` > 0) or went apart from trading; `fee` on top.

    An adjustment is a difference that a person accepted. `value` in the valuation currency, null until a valuation contains it.
    """

    kind: Literal["deposit", "withdrawal", "adjustment"]
    reference: str
    currency: str
    amount: Money
    fee: Money
    value: Money | None
    value_currency: str | None
    simulated: bool
    as_of: AwareDatetime
    booked_at: AwareDatetime
    correlation_id: str
