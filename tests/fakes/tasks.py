"""Tasks, the state machine, the account and the desk in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.fakes.transaction import START, FakeStore, FakeTransaction, FixedClock
from volexswarm.errors import NotFound, Unavailable
from volexswarm.market.timeframes import Timeframe
from volexswarm.messages import Check, Priority, TaskKind, TaskStatus
from volexswarm.policies import StoredPolicy
from volexswarm.tasks.desk import TaskDesk
from volexswarm.tasks.dispatch import Dispatcher
from volexswarm.tasks.drift import require_near
from volexswarm.tasks.model import Approval, PlannedTrade, RaisedTrade, Story, Task, TradeOutcome
from volexswarm.tasks.policy import TasksPolicy
from volexswarm.tasks.ports import AccountState, FlowState, Outlook, TrackRecord
from volexswarm.tasks.requests import Request, TradeWish, read
from volexswarm.tasks.understanding import Interpreter, Markets
from volexswarm.tasks.upkeep import Upkeep

MARKETS = Markets(("BTC/USDT", "ETH/USDT", "SOL/USDT", "ETH/BTC"), "USDT")


class FakeTaskTransaction(FakeTransaction):
    """`tasks.ports.TaskTransaction` in memory; steps' answers and outcomes of signals as a test sets them."""

    def __init__(self, policy: TasksPolicy | None = None) -> None:
        super().__init__()
        self.policy: StoredPolicy | None = StoredPolicy(1, (policy or TasksPolicy()).model_dump(mode="json"))
        self.tasks: dict[str, Task] = {}
        self.transitions: list[tuple[str, TaskStatus | None, TaskStatus, str]] = []
        self.answers: dict[tuple[str, str], Mapping[str, Any]] = {}
        self.planned: dict[tuple[str, int], list[RaisedTrade]] = {}
        self.results: dict[str, TradeOutcome] = {}
        self.approvals: dict[str, Approval] = {}
        self.answered: set[str] = set()
        self.dues: dict[str, datetime] = {}
        self.records: dict[str, TrackRecord] = {}

    def newest_policy(self) -> StoredPolicy | None:
        return self.policy

    def hold_key(self, requested_by: str, idempotency_key: str) -> Task | None:
        keys = {(task.requested_by, task.idempotency_key): task for task in self.tasks.values()}
        return keys.get((requested_by, idempotency_key))

    def add_task(self, task: Task, actor: str) -> None:
        self.tasks[task.id] = task
        self.transitions.append((task.id, None, task.status, actor))

    def unknown(self, task_ids: Sequence[str]) -> list[str]:
        return [task_id for task_id in task_ids if task_id not in self.tasks]

    def task(self, task_id: str, *, held: bool = False) -> Task:
        if task_id not in self.tasks:
            raise NotFound("task", task_id)
        return self.tasks[task_id]

    def save_task(self, before: Task, after: Task, actor: str, at: datetime) -> None:
        self.tasks[after.id] = after
        self.transitions.append((after.id, before.status, after.status, actor))

    def hold_dispatch(self) -> None:
        pass

    def waiting(self) -> Sequence[tuple[Task, Sequence[tuple[str, TaskStatus, str]]]]:
        found = sorted(self._in(TaskStatus.WAITING), key=lambda task: (task.priority.rank, task.created_at, task.id))
        return [(task, [self._dependency(other) for other in task.depends_on]) for task in found]

    def running(self) -> Sequence[Task]:
        return self._in(TaskStatus.RUNNING, TaskStatus.AWAITING_APPROVAL)

    def unconfirmed_since(self, now: datetime) -> Sequence[str]:
        return [t.id for t in self._in(TaskStatus.UNCONFIRMED) if t.confirm_by is not None and t.confirm_by <= now]

    def canceled_at_work(self, since: datetime) -> Sequence[Task]:
        return [task for task in self._in(TaskStatus.CANCELED) if task.ended_at is not None and task.ended_at > since]

    def mark_dispatched(self, task_id: str, attempt: int, at: datetime | None) -> None:
        if self.tasks[task_id].attempt == attempt:
            self.tasks[task_id] = replace(self.tasks[task_id], dispatched_at=at)

    def story(self, task_id: str) -> Story:
        task = self.task(task_id)
        trades = self.trades(task_id, task.attempt)
        outcomes = {t.leg: self.results[t.signal_id] for t in trades if t.signal_id in self.results}
        asked = next((a for a in self.approvals.values() if (a.task_id, a.attempt) == (task.id, task.attempt)), None)
        return Story(task, dict(self.answers), asked, tuple(trades), outcomes)

    def add_trades(self, task: Task, trades: Sequence[PlannedTrade]) -> Sequence[RaisedTrade]:
        raised = [RaisedTrade(**trade.__dict__) for trade in trades]
        return self.planned.setdefault((task.id, task.attempt), raised)

    def trades(self, task_id: str, attempt: int | None = None) -> Sequence[RaisedTrade]:
        wanted = [key for key in self.planned if key[0] == task_id and attempt in (None, key[1])]
        return [trade for key in sorted(wanted) for trade in self.planned[key]]

    def save_trade(self, task: Task, trade: RaisedTrade) -> None:
        self.planned[(task.id, task.attempt)][trade.leg] = trade

    def outcomes(self, signal_ids: Sequence[str]) -> Mapping[str, TradeOutcome]:
        return {signal_id: self.results[signal_id] for signal_id in signal_ids if signal_id in self.results}

    def ask(self, approval: Approval) -> Approval:
        known = self.approvals.get(approval.id)
        self.approvals[approval.id] = replace(known, token=approval.token) if known else approval
        self.answered.discard(approval.id)
        return self.approvals[approval.id]

    def approval(self, approval_id: str, *, held: bool = False) -> Approval:
        if approval_id not in self.approvals:
            raise NotFound("approval", approval_id)
        return self.approvals[approval_id]

    def save_verdict(self, approval: Approval, at: datetime) -> None:
        self.approvals[approval.id] = approval

    def approvals_due(self, now: datetime) -> Sequence[str]:
        return [a.id for a in self.approvals.values() if a.verdict is None and a.expires_at <= now]

    def unanswered(self) -> Sequence[Approval]:
        return [a for a in self.approvals.values() if a.verdict is not None and a.id not in self.answered]

    def mark_answered(self, approval_id: str, at: datetime) -> None:
        self.answered.add(approval_id)

    def due_flows(self, dues: Mapping[str, datetime], now: datetime) -> Mapping[str, datetime]:
        self.dues = {**dues, **self.dues}
        return {name: due for name, due in self.dues.items() if due <= now}

    def set_due(self, name: str, next_due: datetime) -> None:
        self.dues[name] = next_due

    def track_records(self, since: datetime) -> Mapping[str, TrackRecord]:
        return self.records

    def figures(self, since: datetime, until: datetime) -> Mapping[str, Any]:
        raise NotImplementedError("what the database counts is tested on the database")

    def _in(self, *statuses: TaskStatus) -> list[Task]:
        return [task for task in self.tasks.values() if task.status in statuses]

    def _dependency(self, task_id: str) -> tuple[str, TaskStatus, str]:
        task = self.tasks[task_id]
        return task.id, task.status, task.reason


class FakeFlows:
    """A state machine that remembers what it was told; `away` is a service that does not answer."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.stopped: list[str] = []
        self.answers: list[tuple[str, Mapping[str, Any]]] = []
        self.states: dict[str, tuple[FlowState, str]] = {}
        self.away = False

    def start(self, name: str, given: Mapping[str, Any]) -> None:
        self._assert_there()
        if name not in self.started:
            self.started.append(name)

    def stop(self, name: str, reason: str) -> None:
        self._assert_there()
        self.stopped.append(name)

    def state(self, name: str) -> tuple[FlowState, str]:
        self._assert_there()
        return self.states.get(name, ("running", ""))

    def answer(self, token: str, output: Mapping[str, Any]) -> None:
        self._assert_there()
        self.answers.append((token, output))

    def _assert_there(self) -> None:
        if self.away:
            raise Unavailable("state machine", "silent")


class FakeTrader:
    """A desk that gives each key a signal; `refusal` is what it says instead. Prices that `market` lacks are as decided."""

    def __init__(self) -> None:
        self.raised: dict[str, PlannedTrade] = {}
        self.canceled: list[str] = []
        self.market: dict[str, Decimal] = {}
        self.refusal: Exception | None = None

    def raise_trade(self, trade: PlannedTrade, requested_by: str, idempotency_key: str) -> str:
        if self.refusal is not None:
            raise self.refusal
        if idempotency_key not in self.raised:
            require_near(trade, self.market.get(trade.symbol, trade.price))
        self.raised[idempotency_key] = trade
        return self.signal_of(requested_by, idempotency_key)

    def signal_of(self, requested_by: str, idempotency_key: str) -> str:
        return f"signal of {idempotency_key}"

    def cancel(self, order_id: str, requested_by: str, reason: str) -> None:
        self.canceled.append(order_id)


class FakeAccount:
    """10,000 USDT: half in cash, 0.05 BTC at 60,000, 1 ETH at 2,000; `coming` and `leaving` as a test sets them."""

    def __init__(self, **held: str) -> None:
        self.coming: dict[str, Decimal] = {}
        self.leaving: dict[str, Decimal] = {}
        amounts = {"USDT": "5000", "BTC": "0.05", "ETH": "1"} | held
        self.held = {asset: Decimal(amount) for asset, amount in amounts.items()}
        self.prices = {"BTC/USDT": Decimal(60_000), "ETH/USDT": Decimal(2000), "SOL/USDT": Decimal(100)}

    def state(self, symbols: Sequence[str]) -> AccountState:
        worth = {symbol.split("/")[0]: price for symbol, price in self.prices.items()} | {"USDT": Decimal(1)}
        return AccountState(
            venue="binance",
            account="main",
            mode="simulated",
            currency="USDT",
            equity=sum((amount * worth[asset] for asset, amount in self.held.items() if amount), Decimal(0)),
            held=self.held,
            sellable={symbol: self._free(symbol.split("/")[0]) for symbol in symbols},
            coming=self.coming,
            leaving=self.leaving,
            prices=self.prices,
            worth=worth,
            as_of=START,
        )

    def outlook(self, symbol: str) -> Outlook:
        return Outlook("binance", "main", START, Timeframe.H1)

    def _free(self, asset: str) -> Decimal:
        return max(Decimal(0), self.held.get(asset, Decimal(0)) - self.leaving.get(asset, Decimal(0)))


class FakePreviews:
    """Checks that pass, but for the trades (by symbol) that a stage refuses."""

    def __init__(self) -> None:
        self.refused: dict[str, set[str]] = {"risk": set(), "compliance": set()}

    def risk(self, trade: PlannedTrade, requested_by: str) -> Sequence[Check]:
        return self._checks("risk", trade)

    def compliance(self, trade: PlannedTrade, requested_by: str) -> Sequence[Check]:
        return self._checks("compliance", trade)

    def _checks(self, stage: str, trade: PlannedTrade) -> Sequence[Check]:
        passed = trade.symbol not in self.refused[stage]
        return [Check(name="limit", limit="1", value="1" if passed else "2", passed=passed)]


class TaskWorld:
    """Everything that task flows run on, in memory."""

    def __init__(self, policy: TasksPolicy | None = None, interpreter: Interpreter | None = None) -> None:
        self.state = FakeTaskTransaction(policy)
        self.store = FakeStore(self.state)
        self.clock = FixedClock()
        self.flows = FakeFlows()
        self.trader = FakeTrader()
        self.account = FakeAccount()
        self.previews = FakePreviews()
        self.desk = TaskDesk(
            store=self.store,
            flows=self.flows,
            trader=self.trader,
            clock=self.clock,
            markets=MARKETS,
            interpreter=interpreter,
        )
        self.dispatcher = Dispatcher(store=self.store, flows=self.flows, clock=self.clock)
        self.upkeep = Upkeep(store=self.store, flows=self.flows, trader=self.trader, clock=self.clock)

    def task(self, request: Request | None = None, status: TaskStatus = TaskStatus.RUNNING, **fields: Any) -> Task:
        """A task that is there, whatever led to it."""
        number = len(self.state.tasks) + 1
        wanted = request or wish()
        values: dict[str, Any] = {
            "id": f"t{number}",
            "request": wanted,
            "priority": Priority.MEDIUM,
            "status": status,
            "attempt": 1,
            "requested_by": "anna",
            "idempotency_key": f"k{number}",
            "understood": wanted.in_words,
            "reason": "as the test wants it",
            "created_at": START,
        }
        task = Task(**values | fields)
        self.state.tasks[task.id] = task
        return task

    def now(self, task_id: str) -> Task:
        """The task as it is stored."""
        return self.state.tasks[task_id]


def wish(**fields: Any) -> TradeWish:
    """A wish to buy 0.5 ETH, or another."""
    size = {} if {"amount", "cost", "share", "position_share"} & fields.keys() else {"amount": "0.5"}
    found = read({"kind": TaskKind.TRADE, "symbol": "ETH/USDT", "side": "buy"} | size | fields)
    assert isinstance(found, TradeWish)
    return found
