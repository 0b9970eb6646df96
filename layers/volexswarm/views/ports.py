"""Who gives the views: readers of the stored truth, of the queues and of the logs, as Protocols."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import OrderState, Queue, StrategyStatus, TaskKind, TaskStatus
from volexswarm.views.audit import AuditEntry
from volexswarm.views.books import Fill, Lot, Portfolio, Positions, Transfer
from volexswarm.views.compliance import Flag, Report, ReportPeriod
from volexswarm.views.control import Control
from volexswarm.views.deliberation import DeliberationRecord, RoleRecord
from volexswarm.views.market import Candles
from volexswarm.views.performance import Attribution, EquityHistory, Performance, Period
from volexswarm.views.policies import Policy
from volexswarm.views.protections import GuardedPosition
from volexswarm.views.reconciliation import Difference, Reconciliation
from volexswarm.views.research import MarketReport, NewsItem, Strategy, StrategyDetail
from volexswarm.views.shape import Page
from volexswarm.views.story import Story
from volexswarm.views.studies import Backtest, BacktestDetail, Discovery, Optimization, OptimizationDetail
from volexswarm.views.swarm import Activity, DeadLetters, Feed, FunctionHealth, LogLines, Part, QueueDepth, Replay
from volexswarm.views.tasks import Approval, Task, TaskStory
from volexswarm.views.trading import LargeOrder, Order, Signal


class SwarmReader(Protocol):
    """What the monitor and the feed have recorded. All raise Unavailable if the database is away."""

    def parts(self) -> list[Part]: ...

    def feeds(self) -> list[Feed]: ...

    def account_opened_at(self) -> datetime | None: ...

    def activity(self) -> list[Activity]: ...


class HealthLine(Protocol):
    """The way to a function's own word on its health."""

    def ask(self, function: str) -> FunctionHealth:
        """Call the function and hear how it is. One that does not answer in time, or fails, is unhealthy and says so."""
        ...


class BooksReader(Protocol):
    """The account's books. All raise Unavailable if the database is away."""

    def portfolio(self) -> Portfolio: ...

    def positions(self) -> Positions: ...

    def fills(self, symbol: str | None, limit: int, cursor: str | None) -> Page[Fill]:
        """Own trades, newest first. Raises InvalidInput for a cursor that is none of ours."""
        ...

    def lots(self, symbol: str | None, limit: int, cursor: str | None) -> Page[Lot]:
        """What is held of each purchase, newest first. Raises InvalidInput for a cursor that is none of ours."""
        ...

    def transfers(self, limit: int, cursor: str | None) -> Page[Transfer]:
        """Money that came or went, newest first. Raises InvalidInput for a cursor that is none of ours."""
        ...


class PerformanceReader(Protocol):
    """How the account has fared. All raise Unavailable if the database is away."""

    def history(self, period: Period) -> EquityHistory: ...

    def performance(self, period: Period, risk_free: float) -> Performance:
        """`risk_free` is a year's rate: 0.04 is four percent."""
        ...

    def attribution(self, by: str, period: Period) -> Attribution:
        """`by` is `strategy`, `symbol` or `agent`."""
        ...


class TradingReader(Protocol):
    """Signals and orders. All raise Unavailable if the database is away, InvalidInput for a cursor that is none of ours."""

    def orders(self, symbol: str | None, state: OrderState | None, limit: int, cursor: str | None) -> Page[Order]: ...

    def order(self, key: str) -> Order:
        """By order id, its unambiguous beginning, or client order id. Raises NotFound, or Conflict if several fit."""
        ...

    def named(self, key: str) -> Order | LargeOrder:
        """As `order`; a large order that is still worked in slices by the id of its signal."""
        ...

    def signals(self, symbol: str | None, limit: int, cursor: str | None) -> Page[Signal]: ...

    def signal(self, signal_id: str) -> Signal:
        """Raises NotFound if there is no such signal."""
        ...


class ReconciliationReader(Protocol):
    """Comparisons with the exchange. All raise Unavailable if the database is away."""

    def reconciliation(self) -> Reconciliation: ...

    def differences(self, state: str | None, limit: int, cursor: str | None) -> Page[Difference]:
        """Newest first. Raises InvalidInput for a cursor that is none of ours."""
        ...


class ControlReader(Protocol):
    """What governs trading. Raises Unavailable if the database is away."""

    def control(self) -> Control: ...


class ProtectionReader(Protocol):
    """Positions that are left by themselves. Raises Unavailable if the database is away."""

    def protections(
        self, symbol: str | None, state: str | None, limit: int, cursor: str | None
    ) -> Page[GuardedPosition]:
        """Newest entry first. Raises InvalidInput for a cursor that is none of ours."""
        ...


class CandleReader(Protocol):
    """Stored candles. Raises Unavailable if the database is away."""

    def candles(self, symbol: str, timeframe: Timeframe, limit: int, before: datetime | None) -> Candles:
        """The last `limit` candles that opened before `before` (or at all), oldest first."""
        ...


class StoryReader(Protocol):
    """Explains orders."""

    def story(self, key: str) -> Story:
        """By the same keys as TradingReader.order. Raises NotFound, Conflict or Unavailable."""
        ...


class ComplianceReader(Protocol):
    """Flags and reports. All raise Unavailable if the database is away."""

    def flags(self, state: str | None, limit: int, cursor: str | None) -> Page[Flag]:
        """Newest first. Raises InvalidInput for a cursor that is none of ours."""
        ...

    def report(self, period: ReportPeriod, since: datetime, until: datetime) -> Report:
        """What happened from `since` to before `until`, in market time."""
        ...


class ResearchReader(Protocol):
    """News, strategies, reports. All raise Unavailable if the database is away, InvalidInput for a cursor that isn't ours."""

    def news(self, symbol: str | None, limit: int, cursor: str | None) -> Page[NewsItem]: ...

    def strategies(
        self, symbol: str | None, status: StrategyStatus | None, limit: int, cursor: str | None
    ) -> Page[Strategy]: ...

    def strategy(self, strategy_id: str) -> StrategyDetail:
        """Raises NotFound."""
        ...

    def reports(self, symbol: str | None, limit: int, cursor: str | None) -> Page[MarketReport]: ...

    def report(self, report_id: str) -> MarketReport:
        """Raises NotFound."""
        ...


class PolicyReader(Protocol):
    """Policies. Raises Unavailable if the database is away."""

    def policy(self, name: str) -> Policy:
        """Raises NotFound if there is none of that name."""
        ...


class AuditReader(Protocol):
    """The deeds that govern trading. Raises Unavailable if the database is away."""

    def audit(self, since: datetime | None, limit: int, cursor: str | None) -> Page[AuditEntry]:
        """Newest first. Raises InvalidInput for a cursor that is none of ours."""
        ...


class TaskReader(Protocol):
    """Tasks and what people are asked. All raise Unavailable if the database is away, and take ids by their beginnings:
    NotFound if there is no such, Conflict if several fit.
    """

    def tasks(
        self, status: TaskStatus | None, kind: TaskKind | None, symbol: str | None, limit: int, cursor: str | None
    ) -> Page[Task]:
        """Newest first. Raises InvalidInput for a cursor that is none of ours."""
        ...

    def task_id(self, key: str) -> str: ...

    def story(self, key: str) -> TaskStory: ...

    def approvals(self, limit: int, cursor: str | None, *, open_only: bool) -> Page[Approval]:
        """Newest first. Raises InvalidInput for a cursor that is none of ours."""
        ...

    def approval_id(self, key: str) -> str: ...

    def approval(self, approval_id: str) -> Approval: ...


class DeliberationReader(Protocol):
    """What the team said and how its verdict was computed. All raise Unavailable if the database is away."""

    def deliberation_id(self, key: str) -> str:
        """The id that begins so. Raises NotFound, or Conflict if several fit."""
        ...

    def record(self, deliberation_id: str) -> DeliberationRecord:
        """The whole record. Raises NotFound if there is no such deliberation."""
        ...

    def records_of(self, task_id: str, attempt: int | None = None) -> Sequence[DeliberationRecord]:
        """The deliberations of a task, of all its attempts or of one, by attempt and symbol."""
        ...

    def track_records(self) -> Sequence[RoleRecord]:
        """How the forecasts of each role have fared."""
        ...


class StudyReader(Protocol):
    """Studies of the past. All raise Unavailable if the database is away, pages InvalidInput for a cursor of another kind."""

    def backtests(self, symbol: str | None, limit: int, cursor: str | None) -> Page[Backtest]:
        """Newest first."""
        ...

    def backtest(self, backtest_id: str) -> BacktestDetail:
        """The backtest whose id begins so. Raises NotFound, or Conflict if several do."""
        ...

    def optimizations(self, symbol: str | None, limit: int, cursor: str | None) -> Page[Optimization]:
        """Newest first."""
        ...

    def optimization(self, optimization_id: str) -> OptimizationDetail:
        """The search whose id begins so, with its trials. Raises NotFound, or Conflict if several do."""
        ...

    def discoveries(self, symbol: str | None, limit: int, cursor: str | None) -> Page[Discovery]:
        """Newest first."""
        ...

    def discovery(self, discovery_id: str) -> Discovery:
        """The search for strategies whose id begins so. Raises NotFound, or Conflict if several do."""
        ...


class QueueDesk(Protocol):
    """The queues from outside. All raise Unavailable if the queue service does not answer."""

    def depths(self, queues: Sequence[Queue]) -> list[QueueDepth]: ...

    def look(self, queue: Queue, limit: int) -> DeadLetters:
        """Dead letters without taking them away."""
        ...

    def replay(self, queue: Queue, limit: int) -> Replay:
        """Send dead letters back to their queue, oldest first; each is removed only after the queue has taken it."""
        ...


class FunctionLogs(Protocol):
    """What the functions wrote."""

    def lines(self, function: str, since: timedelta, text: str | None, limit: int) -> LogLines:
        """The newest lines that hold `text`. Raises NotFound without a log of that function, or Unavailable."""
        ...
