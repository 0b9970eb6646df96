"""Signals with what became of them, and orders."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from volexswarm.messages import Check, Money, OrderState, OrderType, Protection, Purpose, Side, TimeInForce
from volexswarm.views.shape import View


class Decision(View):
    """A stage's verdict with every check that led to it."""

    stage: str
    approved: bool
    policy_version: int
    checks: list[Check]
    reason: str
    as_of: AwareDatetime
    decided_at: AwareDatetime


class Signal(View):
    """A wish to trade and how far it came: `outcome` in words, the verdicts there are, and the order if it became one."""

    id: str
    strategy_id: str
    strategy: str
    symbol: str
    timeframe: str | None
    side: Side
    confidence: float
    price: Money
    amount: Money | None
    stop_price: Money | None
    reason: str
    indicators: dict[str, float]
    requested_by: str | None
    as_of: AwareDatetime
    candle_opened_at: AwareDatetime | None
    raised_at: AwareDatetime
    outcome: str
    risk: Decision | None
    compliance: Decision | None
    order_id: str | None
    order_state: OrderState | None
    correlation_id: str


class Order(View):
    """An order and its state. `average_price` is null while nothing is filled; times but `as_of` are wall time.

    `purpose` says what it is for; `parent_id` is the order whose position it leaves; `plan` how far the large order is that a
    slice is part of: while it is `working`, more slices follow.
    """

    id: str
    client_order_id: str
    exchange_order_id: str | None
    venue: str
    account: str
    symbol: str
    side: Side
    order_type: OrderType
    purpose: Purpose
    parent_id: str | None
    plan: Literal["working", "done", "stopped"] | None
    amount: Money
    limit_price: Money | None
    trigger_price: Money | None
    trailing_share: Money | None
    time_in_force: TimeInForce
    reference_price: Money
    state: OrderState
    filled: Money
    cost: Money
    average_price: Money | None
    reason: str | None
    strategy_id: str
    signal_id: str | None
    cancel_requested_at: AwareDatetime | None
    simulated: bool
    as_of: AwareDatetime
    intended_at: AwareDatetime
    sent_at: AwareDatetime | None
    updated_at: AwareDatetime
    correlation_id: str


class LargeOrder(View):
    """A large order that is worked in slices."""

    proposal_id: str
    venue: str
    account: str
    symbol: str
    simulated: bool


class TradeAccepted(View):
    """A manual trade is on its way through risk and compliance; follow it by `signal_id`. `repeated`: it was there already."""

    signal_id: str
    correlation_id: str
    symbol: str
    side: Side
    amount: Money
    order_type: OrderType
    limit_price: Money | None
    trigger_price: Money | None
    time_in_force: TimeInForce
    protection: Protection | None
    price: Money
    as_of: AwareDatetime
    simulated: bool
    repeated: bool


class CancelAccepted(View):
    """The command to cancel an order is on its way; `state` is where the order was when it was given.

    Both are null of a large order that was named by its signal.
    """

    order_id: str | None
    symbol: str
    state: OrderState | None
    simulated: bool
