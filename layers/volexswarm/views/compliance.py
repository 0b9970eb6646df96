"""Compliance as a person reads it: flags with their life, and what happened in a day or a month."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import AwareDatetime

from volexswarm.messages import Money
from volexswarm.views.shape import Mode, View

FlagState = Literal["open", "escalated", "cleared"]
ReportPeriod = Literal["daily", "monthly"]


class Flag(View):
    """A rule that spoke about a subject on one `day` of market time, `count` times. Other times but `…as_of` are wall time."""

    id: str
    rule: str
    subject: str
    day: date
    state: FlagState
    count: int
    detail: str
    first_as_of: AwareDatetime
    last_as_of: AwareDatetime
    raised_at: AwareDatetime
    escalated_by: str | None
    escalated_at: AwareDatetime | None
    escalation_reason: str | None
    cleared_by: str | None
    cleared_at: AwareDatetime | None
    clearing_reason: str | None
    correlation_id: str


class OrderCount(View):
    """Orders of a symbol, by what they were for and what became of them; by the market time of their decision."""

    symbol: str
    purpose: str
    state: str
    orders: int


class Traded(View):
    """What was executed of a symbol on one side; `value` in `quote_currency`."""

    symbol: str
    side: str
    fills: int
    orders: int
    amount: Money
    value: Money
    quote_currency: str


class Fee(View):
    """Fees charged in a currency."""

    currency: str
    amount: Money


class StageCount(View):
    """Decisions of a stage."""

    stage: str
    approved: int
    refused: int


class RefusalCount(View):
    """How often a check refused; a decision counts under each of its failed checks."""

    stage: str
    check: str
    refusals: int


class FlagCount(View):
    """Flags of a rule, and how often it spoke."""

    rule: str
    state: FlagState
    flags: int
    count: int


class PolicyUsed(View):
    """A version by which decisions were made. Nothing is known of who put it in force if it was never stored (version 0)."""

    name: str
    version: int
    decisions: int
    activated_at: AwareDatetime | None
    activated_by: str | None
    reason: str | None


class Report(View):
    """A day or a month of an account, in market time from `since` to before `until`.

    `canceled_share` of the orders were canceled without any fill; null where there were none.
    """

    period: ReportPeriod
    since: AwareDatetime
    until: AwareDatetime
    venue: str
    account: str
    mode: Mode
    simulated: bool
    orders: list[OrderCount]
    canceled_share: float | None
    traded: list[Traded]
    fees: list[Fee]
    decisions: list[StageCount]
    refusals: list[RefusalCount]
    flags: list[FlagCount]
    policies: list[PolicyUsed]
