"""What compliance looks at besides the proposal, what its rules find, and the flags that it raises."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from volexswarm.messages import NAMESPACE, Check, Side

FlagState = Literal["open", "escalated", "cleared"]

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class OwnTrade:
    """A trade of ours at `price` (quote per base) and `as_of` (market time); `strategy_id` None: it was placed past us."""

    strategy_id: str | None
    price: Decimal
    as_of: datetime


@dataclass(frozen=True)
class Activity:
    """The account's other trades around a proposal, in market time; each is counted once, whatever rows it has left.

    A trade is an approved proposal with what of it was executed or may still be (in one order or in slices), or an order that was
    placed past us and known by its fills. `value_of_day` in quote currency, over all symbols of that quote currency; all else is
    of the proposal's symbol: `average_of_week` the mean value of its `trades_of_week`, `opposite` its trades of the other side
    within the policy's wash-trade window, `facing` the best limit price at which an order of ours stands on the other side
    of the book, None if there is none. Of the `orders_of_day` that may stand in the book, `pulled_of_day` were canceled without
    any fill soon after they had been sent.
    """

    trades_of_hour: int
    trades_of_day: int
    value_of_day: Decimal
    trades_of_week: int = 0
    average_of_week: Decimal | None = None
    opposite: tuple[OwnTrade, ...] = ()
    facing: Decimal | None = None
    orders_of_day: int = 0
    pulled_of_day: int = 0


@dataclass(frozen=True)
class Look:
    """How far around a proposal to look: `wash` to both sides of its market time; `pulled` wall time from sending an order to
    its cancellation.
    """

    wash: timedelta
    pulled: timedelta


@dataclass(frozen=True)
class Finding:
    """A rule's answer; `concern` is what a compliance officer should look at, whether or not it refuses the trade."""

    check: Check
    concern: str | None = None


@dataclass(frozen=True)
class Flag:
    """A matter for the compliance officer: a rule that spoke about a subject on one day of market time, however often.

    `subject` is `venue:symbol`; `detail` what was found last; times but `…as_of` are wall time.
    """

    rule: str
    venue: str
    account: str
    subject: str
    day: date
    detail: str
    first_as_of: datetime
    last_as_of: datetime
    raised_at: datetime
    correlation_id: str
    count: int = 1
    state: FlagState = "open"
    escalated_by: str | None = None
    escalated_at: datetime | None = None
    escalation_reason: str | None = None
    cleared_by: str | None = None
    cleared_at: datetime | None = None
    clearing_reason: str | None = None

    @property
    def id(self) -> str:
        """The same matter has the same id."""
        return str(uuid.uuid5(NAMESPACE, f"flag/{self.venue}/{self.account}/{self.rule}/{self.subject}/{self.day}"))


def other(side: Side) -> Side:
    """The side that a trade meets."""
    return Side.SELL if side is Side.BUY else Side.BUY
