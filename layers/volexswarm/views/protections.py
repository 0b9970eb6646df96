"""Positions that are left by themselves: how, who holds that, and what became of it."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from volexswarm.messages import Money, Purpose
from volexswarm.views.shape import View


class GuardedPosition(View):
    """What one order bought, and the ways out of it; one that was not asked for is null.

    `amount` in base is left to be sold; `holder` says who holds the stop, or the trailing stop in its place; `refusal` why the
    exchange does not. `paused`: nothing may be sent, so that no price is watched. `way` is the way out that was reached, by a
    trade at `reached_price`. Times but `updated_at` are market time.
    """

    order_id: str
    symbol: str
    state: Literal["armed", "exiting", "closed"]
    holder: Literal["exchange", "system"] | None
    amount: Money
    stop_price: Money | None
    take_profit_price: Money | None
    trailing_share: Money | None
    best_price: Money | None
    due_at: AwareDatetime | None
    way: Purpose | None
    reached_price: Money | None
    reached_at: AwareDatetime | None
    refusal: str | None
    paused: bool
    reason: str
    simulated: bool
    entered_at: AwareDatetime
    updated_at: AwareDatetime
    correlation_id: str
