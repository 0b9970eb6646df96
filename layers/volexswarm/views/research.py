"""What is learnt: news, strategies with their record, and market reports."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime

from volexswarm.messages import Side, StrategyStatus
from volexswarm.views.shape import View


class NewsItem(View):
    """A headline. Its words, its source and its address come from outside: show them as text, follow nothing in them.

    `symbols` that it speaks of, empty where it concerns the market as a whole; `score` from -1 to 1 by `scorer`; `published_at`
    is market time.
    """

    id: str
    source: str
    headline: str
    url: str | None
    symbols: list[str]
    score: float
    scorer: str
    published_at: AwareDatetime
    received_at: AwareDatetime
    submitted_by: str


class NewsTaken(View):
    """The item as it is kept; `repeated` when the same words had been taken before."""

    item: NewsItem
    repeated: bool


class Strategy(View):
    """A template at work on one symbol's candles. `last_signal_at` is market time, null before the first."""

    id: str
    template: str
    venue: str
    symbol: str
    timeframe: str
    parameters: dict[str, Any]
    status: StrategyStatus
    last_side: Side | None
    last_signal_at: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class Record(View):
    """Closed trades of a strategy, the newest 200: each result is net of fees, as a share of its cost.

    Trades that paid a fee in a third currency are left out: it has no price, so that nobody knows what they came to.
    `expectancy` is their mean; `profit_factor` is null as long as none has lost.
    """

    trades: int
    win_rate: float
    expectancy: float
    profit_factor: float | None


class StatusChange(View):
    """A step of a strategy's life: who, when (wall time) and why."""

    before: StrategyStatus | None
    after: StrategyStatus
    actor: str
    reason: str
    at: AwareDatetime


class StrategyDetail(View):
    """A strategy with what it has earned in the account in force, and how it came to where it is, newest first.

    `record` is null without a closed trade; `next` are the statuses that it may go to.
    """

    strategy: Strategy
    record: Record | None
    changes: list[StatusChange]
    next: list[StrategyStatus]


class StrategyMoved(View):
    """The strategy's status by now."""

    id: str
    status: StrategyStatus


class MarketReport(View):
    """A written report, as of a moment of market time. `words` is all of it in a sentence; `requested_by` the task."""

    id: str
    venue: str
    symbols: list[str]
    as_of: AwareDatetime
    words: str
    body: str
    pictures: dict[str, dict[str, Any]]
    requested_by: str
    written_at: AwareDatetime
