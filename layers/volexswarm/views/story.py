"""The story of an order: from the trades on the tape to the position it left, each step with its ids and times."""

from __future__ import annotations

from pydantic import AwareDatetime

from volexswarm.messages import Money, OrderState, Side
from volexswarm.views.books import Fill
from volexswarm.views.market import Candle
from volexswarm.views.protections import GuardedPosition
from volexswarm.views.shape import View
from volexswarm.views.trading import Order, Signal


class TapeTrade(View):
    """A trade of the market, as the exchange printed it."""

    trade_id: int
    traded_at: AwareDatetime
    price: Money
    amount: Money
    side: Side


class Tape(View):
    """The trades a candle was built from: how many are stored, the first and last id and time, and a few of them."""

    count: int
    first_trade_id: int
    last_trade_id: int
    first_at: AwareDatetime
    last_at: AwareDatetime
    samples: list[TapeTrade]


class TaskOrigin(View):
    """The task that asked for the trade: which leg of which attempt, and why.

    `deliberation_id` tells what the team said, `approved_by` the person who let it pass; null where there was none.
    """

    id: str
    attempt: int
    leg: int
    understood: str
    requested_by: str
    why: str
    deliberation_id: str | None
    approved_by: str | None


class Proposal(View):
    """What risk made of the signal: the size and how it came about."""

    id: str
    amount: Money
    reference_price: Money
    limit_price: Money | None
    stop_price: Money | None
    sizing: str
    state: str
    as_of: AwareDatetime
    proposed_at: AwareDatetime


class Transition(View):
    """A step of the order's life and the evidence for it."""

    position: int
    before: OrderState | None
    after: OrderState
    cause: str
    changed_at: AwareDatetime


class LedgerEntry(View):
    """One line of a posting; the lines of a currency sum to zero."""

    ledger_account: str
    currency: str
    amount: Money


class LedgerPosting(View):
    """One transaction of the ledger."""

    id: str
    kind: str
    reference: str
    as_of: AwareDatetime
    posted_at: AwareDatetime
    entries: list[LedgerEntry]


class PositionAfter(View):
    """The position right after the order's last fill."""

    trade_id: str
    amount: Money
    average_price: Money
    as_of: AwareDatetime


class JournalEntry(View):
    """An event of the chain."""

    id: str
    type: str
    source: str
    subject: str
    occurred_at: AwareDatetime
    causation_id: str | None


class Story(View):
    """Everything that led to the order and came of it. What is absent is null or empty, and `missing` says why.

    `task` is there if a task asked for the trade.
    `protection` and the orders in `ways_out` tell how the position that it opened was left, if that was asked for.
    """

    order: Order
    timeframe: str | None
    tape: Tape | None
    candle: Candle | None
    task: TaskOrigin | None
    signal: Signal | None
    proposal: Proposal | None
    transitions: list[Transition]
    fills: list[Fill]
    ledger: list[LedgerPosting]
    position: PositionAfter | None
    protection: GuardedPosition | None
    ways_out: list[Order]
    journal: list[JournalEntry]
    missing: list[str]
