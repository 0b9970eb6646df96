"""What task flows need of the world: their stored truth, the state machine, the account, and the desk that trades."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Protocol

from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Check, TaskStatus
from volexswarm.policies import StoredPolicy
from volexswarm.ports import Transaction
from volexswarm.tasks.model import Approval, PlannedTrade, RaisedTrade, Story, Task, TradeOutcome


class TaskTransaction(Transaction, Protocol):
    """Stores tasks. A task that is `held` can't be changed by anybody else before the end of the transaction."""

    def newest_policy(self) -> StoredPolicy | None: ...

    def hold_key(self, requested_by: str, idempotency_key: str) -> Task | None:
        """The task submitted under this key, if any; until the end nobody else submits under it."""
        ...

    def add_task(self, task: Task, actor: str) -> None: ...

    def unknown(self, task_ids: Sequence[str]) -> list[str]:
        """Which of the ids are no task's."""
        ...

    def task(self, task_id: str, *, held: bool = False) -> Task:
        """Raises NotFound."""
        ...

    def save_task(self, before: Task, after: Task, actor: str, at: datetime) -> None:
        """Store a task's new state, and its transition."""
        ...

    def hold_dispatch(self) -> None:
        """One decision at a time about what is started."""
        ...

    def waiting(self) -> Sequence[tuple[Task, Sequence[tuple[str, TaskStatus, str]]]]:
        """Tasks that wait, by rank and age, each with its dependencies: id, status and reason. Held."""
        ...

    def running(self) -> Sequence[Task]:
        """Tasks that are running or wait for an approval, the oldest first."""
        ...

    def unconfirmed_since(self, now: datetime) -> Sequence[str]:
        """Ids of unconfirmed tasks whose time to be confirmed is over."""
        ...

    def canceled_at_work(self, since: datetime) -> Sequence[Task]:
        """Tasks that were canceled since, with a trade of theirs that was raised or about to be."""
        ...

    def mark_dispatched(self, task_id: str, attempt: int, at: datetime | None) -> None: ...

    def story(self, task_id: str) -> Story:
        """Everything of the present attempt. Raises NotFound."""
        ...

    def add_trades(self, task: Task, trades: Sequence[PlannedTrade]) -> Sequence[RaisedTrade]:
        """Store what an attempt is to trade, once; what was stored before stands and is returned."""
        ...

    def trades(self, task_id: str, attempt: int | None = None) -> Sequence[RaisedTrade]:
        """Of one attempt, or of every one."""
        ...

    def save_trade(self, task: Task, trade: RaisedTrade) -> None: ...

    def outcomes(self, signal_ids: Sequence[str]) -> Mapping[str, TradeOutcome]: ...

    def ask(self, approval: Approval) -> Approval:
        """Store the question, or the new token of one that was asked; returns what stands."""
        ...

    def approval(self, approval_id: str, *, held: bool = False) -> Approval:
        """Raises NotFound."""
        ...

    def save_verdict(self, approval: Approval, at: datetime) -> None: ...

    def approvals_due(self, now: datetime) -> Sequence[str]:
        """Ids of those that nobody has answered in time."""
        ...

    def unanswered(self) -> Sequence[Approval]:
        """Decided ones whose state machine has not taken the verdict."""
        ...

    def mark_answered(self, approval_id: str, at: datetime) -> None: ...

    def due_flows(self, dues: Mapping[str, datetime], now: datetime) -> Mapping[str, datetime]:
        """Scheduled flows whose time has come, each with that time. `dues` is when one that is not known yet is due first."""
        ...

    def set_due(self, name: str, next_due: datetime) -> None: ...

    def track_records(self, since: datetime) -> Mapping[str, TrackRecord]:
        """By function, what its steps came to since."""
        ...

    def figures(self, since: datetime, until: datetime) -> Mapping[str, Any]:
        """What the swarm did in that time, as a report tells it."""
        ...


@dataclass(frozen=True)
class TrackRecord:
    """Steps of one function: at work at this moment, and of those that ended how many answered."""

    at_work: int
    ended: int
    answered: int


FlowState = Literal["running", "ended", "unknown"]


class Flows(Protocol):
    """The state machine. Every call raises Unavailable if the service does not answer."""

    def start(self, name: str, given: Mapping[str, Any]) -> None:
        """Start an execution; nothing if one of that name was started before."""
        ...

    def stop(self, name: str, reason: str) -> None:
        """End an execution; nothing if it has ended."""
        ...

    def state(self, name: str) -> tuple[FlowState, str]:
        """Whether an execution is going on, and in words what became of it."""
        ...

    def answer(self, token: str, output: Mapping[str, Any]) -> None:
        """Let an execution go on that waits under this token; nothing if none does any more."""
        ...


@dataclass(frozen=True)
class AccountState:
    """The account that trades, at market time `as_of`; `mode` says what its money is, as `ports.TradingState` does.

    `equity` in `currency`; `held` amounts by asset, `sellable` by symbol what of its base no order binds; `coming` and `leaving`
    by asset what is under way, by trades of anybody that are decided on and not executed yet; `prices` by symbol in quote per
    base, `worth` by asset in `currency`. What has no fresh price is in neither.
    """

    venue: str
    account: str
    mode: str
    currency: str
    equity: Decimal
    held: Mapping[str, Decimal]
    sellable: Mapping[str, Decimal]
    coming: Mapping[str, Decimal]
    leaving: Mapping[str, Decimal]
    prices: Mapping[str, Decimal]
    worth: Mapping[str, Decimal]
    as_of: datetime


@dataclass(frozen=True)
class Outlook:
    """From where a symbol is looked at: by which account, at which market time, by candles of which length."""

    venue: str
    account: str
    as_of: datetime
    timeframe: Timeframe


class Account(Protocol):
    """Reads the account."""

    def state(self, symbols: Sequence[str]) -> AccountState:
        """How it stands. Raises Unavailable if it is not opened, or something that is held has no price."""
        ...

    def outlook(self, symbol: str) -> Outlook:
        """From where a symbol is looked at; no price is needed. Raises Unavailable."""
        ...


class Previews(Protocol):
    """What the binding checks would say to a trade at this moment; nothing is stored or published."""

    def risk(self, trade: PlannedTrade, requested_by: str) -> Sequence[Check]: ...

    def compliance(self, trade: PlannedTrade, requested_by: str) -> Sequence[Check]: ...


class Trader(Protocol):
    """The desk, where a wish to trade becomes a signal and goes the way of all money."""

    def raise_trade(self, trade: PlannedTrade, requested_by: str, idempotency_key: str) -> str:
        """The signal's id; the same for the same key, wherever the market has gone since.

        Raises
        ------
        InvalidInput, Conflict
            If the desk does not take it, trading is in another mode, or the market is beyond the trade's worst price.
        Unavailable
            If there is no present price.
        """
        ...

    def signal_of(self, requested_by: str, idempotency_key: str) -> str:
        """The id of the signal that `raise_trade` gives for this key, before it has been raised, too."""
        ...

    def cancel(self, key: str, requested_by: str, reason: str) -> None:
        """Cancel what `TradeOutcome.cancelable` names. Raises Conflict or NotFound if it has ended."""
        ...
